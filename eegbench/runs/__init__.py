"""The run: its record, its scores, its values by stimulus, its folder, and what binds its files to one another."""
