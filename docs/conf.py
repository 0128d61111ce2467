"""Sphinx's configuration."""

from netbench.version import __version__

project = "netbench"
author = "The netbench maintainers"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxarg.ext",
]
#: Parts of pages.
exclude_patterns = ["explanation/figures/*"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
# Attributes are described once, in the class's docstring.
napoleon_use_ivar = True
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "netbench"
html_static_path = ["_static"]
