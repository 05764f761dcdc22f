"""The Python interface: what `import eegbench` offers, a module for each idea. The command's verbs call it too."""
