"""HTML that students wrote, made harmless for the browser of whoever reads it.

Knows nothing of notebooks: nbgrader_config.py gives `clean_html` to nbconvert, whose templates pass
rendered Markdown, highlighted code and HTML outputs through it.
"""

import re

import nh3
from nbconvert.filters import strip_files_prefix

TAGS = frozenset(
    """
    a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5
    h6 hr i img kbd li mark ol p pre s small span strong sub summary sup table tbody td tfoot th
    thead tr u ul
    """.split()  # noqa: SIM905
)
ATTRIBUTES = {
    "*": {"class", "id", "title"},
    "a": {"href"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
LINKS = ("https://", "http://", "mailto:", "#")

# A "<" that begins neither a whole tag of TAGS nor a comment. What it begins is text: `List<int>`,
# `n <b`, or an element that isn't allowed, of which a reader should see that it was there.
_ATTRIBUTES = r"""[ \t\n\f\r/](?:"[^"]*+"|'[^']*+'|[^"'<>])*+"""
_TEXT = re.compile(f"<(?!/?(?:{'|'.join(TAGS)})(?:{_ATTRIBUTES})?>|!--)", re.IGNORECASE)


def clean_html(html: str | bytes) -> str:
    """Return HTML that runs nothing in the reader's browser; pictures, tables and folds survive.

    It takes the place of two filters of nbconvert's in nbgrader's templates: `clean_html`, which
    knows neither headings nor pictures, and `strip_files_prefix`, the last thing that nbgrader does
    to a student's Markdown.
    """
    given = html.decode(errors="replace") if isinstance(html, bytes) else str(html)
    text: str = strip_files_prefix(given)  # type: ignore[no-untyped-call]
    encodable = text.encode(errors="replace").decode()  # JSON may hold half a character
    return _CLEANER.clean(_TEXT.sub("&lt;", encodable))


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return an allowed attribute's value, or None where its address isn't wanted."""
    address = "".join(value.split()).lower()  # browsers don't mind either
    if name == "href" and not address.startswith(LINKS):
        return None
    if name == "src" and address.startswith("data:") and not address.startswith("data:image/"):
        return None
    return value


_CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=set(),
    attributes=ATTRIBUTES,
    attribute_filter=_attribute,
    link_rel=None,
    url_schemes={"data", "http", "https", "mailto"},
)
