"""Other authors' code: found by its name, called under its author's name, and its output checked."""
