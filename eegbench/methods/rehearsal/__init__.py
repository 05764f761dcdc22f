"""Rehearsals: every full-size network of a method, without its weights; what a method's `rehearse` gives."""

from eegbench.methods.rehearsal.parts import META, Fitting, Network, Parts, Rehearsal, Stage

__all__ = ["META", "Fitting", "Network", "Parts", "Rehearsal", "Stage"]
