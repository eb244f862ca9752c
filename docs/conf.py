"""How Sphinx builds these pages: `python3 scripts/bootstrap.py --extra docs -m sphinx -W docs docs/_build`."""

import os
import shutil
import sys

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, ROOT)

import rnnbook                                              # noqa: E402

# Public names of modules that lie in folders: viewcode imports modules by their names.
sys.modules.update({'rnnbook.export': rnnbook.export, 'rnnbook.metrics': rnnbook.metrics})

logger = logging.getLogger(__name__)
LINKED = set()                                              # pages of viewcode

# The notebook lies outside this folder, where Sphinx reads nothing.
shutil.copy2(os.path.join(ROOT, 'notebooks', 'chapter16.ipynb'), HERE)

project = 'rnnbook'
author = 'the rnnbook authors'
copyright = author
version = release = rnnbook.__version__

extensions = ['myst_nb', 'numpydoc', 'sphinx.ext.autodoc', 'sphinx.ext.mathjax', 'sphinx.ext.viewcode',
              'sphinx-mathjax-offline']
exclude_patterns = ['_build', 'jupyter_execute']
language = 'en'
nitpicky = True

myst_enable_extensions = ['colon_fence', 'dollarmath']
myst_heading_anchors = 3
nb_execution_mode = 'off'

# Docstrings name types and defaults themselves; single backticks in them are code.
autodoc_typehints = 'none'
autodoc_member_order = 'bysource'
default_role = 'literal'
numpydoc_show_class_members = False
add_module_names = False

html_theme = 'furo'
html_title = 'rnnbook'
html_static_path = ['_static']
html_css_files = ['pages.css']
html_copy_source = False


def link_source(app, doctree):
    """Make links to the package's files lead to the pages that viewcode makes of them, not to downloads."""
    for node in list(doctree.traverse(addnodes.download_reference)):
        path = os.path.normpath(os.path.join(os.path.dirname(app.env.docname), node['reftarget']))
        if path.startswith('../rnnbook/'):
            page = '_modules/%s.html' % path[len('../'):-len('.py')].replace('/__init__', '')
            up = '../' * app.env.docname.count('/')
            node.replace_self(nodes.reference('', '', *node.children, refuri=up + page, internal=True))
            LINKED.add(page)


def check_source(app, exception):
    """Warn of a link to a page of viewcode that is not there, which is of a file that no page of `api` documents."""
    for page in sorted(LINKED) if exception is None and app.builder.format == 'html' else ():
        if not os.path.exists(os.path.join(app.outdir, page)):
            logger.warning('%s is linked to and not there: document the module in docs/api', page)


def skip_fields(app, what, name, obj, skip, options):
    """Leave out the fields of named tuples, of which Python says no more than their numbers."""
    return True if (getattr(obj, '__doc__', None) or '').startswith('Alias for field number') else None


def setup(app):
    app.connect('autodoc-skip-member', skip_fields)
    app.connect('doctree-read', link_source, priority=400)  # ahead of the collector of downloads
    app.connect('build-finished', check_source)
