"""How the pages of docs/ become a site: `scripts/docs` builds it, and every warning is an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import eegbench

project = "eegbench"
author = "the eegbench authors"
copyright = author
version = release = eegbench.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "docstrings",
    "elsewhere",
    "generated",
]
exclude_patterns = ["_build", "README.md", "examples/gallery/*.ipynb", "**.ipynb_checkpoints"]
templates_path = ["_templates"]
highlight_language = "none"  # most blocks are commands and what they print
default_role = "code"  # docstrings have names in single backticks

# Public names alone are looked for: the inventories of other projects would need a network.
PUBLIC = r"eegbench(\.(arrays|contracts|errors))?\.\w+$"
nitpicky = True
nitpick_ignore = [("py:class", "eegbench.contracts.Fit")]  # a type variable
nitpick_ignore_regex = [("py:.*", rf"(?!{PUBLIC}).*")]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 900  # seconds a cell, on a machine that others use too
nb_merge_streams = True

autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_display_short_literal_types = True
python_maximum_signature_line_length = 88

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "examples/gallery",
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "within_subsection_order": "FileNameSortKey",
}

html_theme = "pydata_sphinx_theme"
html_title = "eegbench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_prev_next": False,
    "show_toc_level": 2,
    "collapse_navigation": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"first-steps": [], "changelog": []}
