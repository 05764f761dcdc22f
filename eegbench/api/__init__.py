"""The Python door: what `import eegbench` offers, a module for each idea. The verbs of the command call the same."""
