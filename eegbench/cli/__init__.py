"""The command line: a verb parses, calls one function, prints. Heavy imports wait for the verb that needs them."""

from eegbench.cli import runs as runs  # the order of the imports is that of the verbs within a group of --help

from eegbench.cli import study as study  # isort: skip
from eegbench.cli import scoring as scoring  # isort: skip
from eegbench.cli import compare as compare  # isort: skip
from eegbench.cli import plan_size as plan_size  # isort: skip
from eegbench.cli import consistency as consistency  # isort: skip
from eegbench.cli import checks as checks  # isort: skip
from eegbench.cli import methods as methods  # isort: skip
from eegbench.cli import assets as assets  # isort: skip
from eegbench.cli import datasets as datasets  # isort: skip
from eegbench.cli.verbs import app

__all__ = ["app"]
