"""Code that somebody else wrote: found by its name, called under its author's name, checked in what it hands over."""
