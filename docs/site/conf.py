"""Sphinx's settings for the reading site, `make site`.

Of what this field uses, these were chosen:

- MyST-NB reads the notebooks as they are, with LaTeX and Markdown within `<details>`. Nothing is
  executed: what a reader should see is in the committed figures.
- Furo is a small theme with contents, search, a dark mode and a layout for phones, in one style
  sheet and one script. The themes of PyData and Jupyter Book do the same and bring icon fonts;
  MyST's own site builder needs Node.js.
- MathJax comes from a package, as one file that draws SVG, so formulas need neither network nor
  fonts. MathML would need no script, but looks only as good as the fonts that a reader has.

The pages are made by `course.authoring.site`, from the notebooks.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

project = "Deep Learning from Scratch"
author = "the authors of Deep Learning from Scratch"
copyright = f"{author}; text and figures: CC BY 4.0, code: BSD-3-Clause"
language = "en"

extensions = ["myst_nb"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
root_doc = "index"

_mathjax = find_spec("sphinx-mathjax-offline")
assert _mathjax is not None, "the package sphinx-mathjax-offline is not installed"
assert _mathjax.origin is not None
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"svg": {"matchFontHeight": False}}  # what is folded has no height to match

html_theme = "furo"
html_title = project
html_static_path = [
    "site.css",
    "site.js",
    str(Path(_mathjax.origin).with_name("static") / "mathjax" / mathjax_path),
]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def put_stable_ids_first(app: Sphinx, doctree: nodes.document) -> None:
    """Let links to a section use the id of its cell, which stays when its title changes."""
    prefix = nodes.make_id(Path(app.env.docname).name) + "-"
    for section in doctree.findall(nodes.section):
        section["ids"].sort(key=lambda id_: not id_.startswith(prefix))


def give_captions_a_level(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Say of the contents' captions, which Sphinx calls headings, which level they have."""
    for name in ("body", "furo_navigation_tree"):
        if name in context:
            context[name] = context[name].replace(
                'class="caption" role="heading"', 'class="caption" role="heading" aria-level="2"'
            )


def setup(app: Sphinx) -> None:
    """Hook into Sphinx: before it collects the table of contents, and after Furo's own step."""
    app.connect("doctree-read", put_stable_ids_first, priority=100)
    app.connect("html-page-context", give_captions_a_level, priority=900)
