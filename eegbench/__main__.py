"""`python -m eegbench` is `eegbench`."""

from eegbench.cli import app

if __name__ == "__main__":
    app(prog_name="eegbench")
