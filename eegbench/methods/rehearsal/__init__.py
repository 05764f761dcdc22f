"""Rehearsals: every full-size network of a method, without its weights."""
