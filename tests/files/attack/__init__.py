"""Hostile inputs of every kind that the package reads, and the watch over what becomes of them.

A kind is one small file in `kinds/`: a function that prepares a folder and gives a maker, which makes the `Case` of a
random generator. `trial.attempt` runs one case under the watch, `batches.run` thousands of them in processes of their
own. `kinds/__init__.py` is the table of all kinds; a new one is entered there.
"""
