"""HTML that students wrote, made harmless for the browser and the eye of whoever reads it.

It runs nothing, loads nothing from anywhere, and looks like nothing of the page's own: no style, no
class and no id of the page around it. Knows nothing of notebooks: nbgrader_config.py gives
`clean_html` and `shown_text` to nbconvert, whose templates pass rendered Markdown and HTML outputs
through the one, and printed text through the other.
"""

import html
import itertools
import re
from collections.abc import Mapping
from typing import Any

import nh3
from jinja2 import pass_context
from nbconvert.filters import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from course.grading.formulas import with_formulas

TAGS = frozenset(
    """
    a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5
    h6 hr i img kbd li mark ol p pre s small span strong sub summary sup table tbody td tfoot th
    thead tr u ul
    """.split()  # noqa: SIM905
)
ATTRIBUTES = {
    "*": {"class", "title"},
    "a": {"href"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
LINKS = ("https://", "http://", "mailto:", "#")  # which nobody follows without a click
PICTURE = re.compile(
    r"data:image/(?:png|jpeg|gif|webp|svg\+xml)[;,]"  # as a picture SVG runs and loads nothing
    r"|(?:(?:\w|-|%20)+/)*(?:\w|-|%20|\.(?!\.))+\.(?:png|jpe?g|gif|webp|svg)$",  # beside the page
    re.IGNORECASE | re.ASCII,
)
LONGEST = 2_000  # pixels of a picture's side
LONGEST_TEXT = 50_000  # characters of a text cell that are shown
MOST_TAGS = 20_000  # of one text cell or output
CUT = "The rest is too long to be shown."
CODE = frozenset(  # the colors of code in Markdown
    """
    highlight bp c c1 ch cm cp cpf cs dl err esc f fm g gd ge gh gi go gp gr gs gt gu k kc kd kn kp
    kr kt l ld m mb mf mh mi mo n na nb nc nd ne nf ni nl nn no nt nv nx o ow p pm py s s1 s2 sa sb
    sc sd se sh si sr ss sx vc vg vi vm w x
    """.split()  # noqa: SIM905
)

# What sets colors, sizes of rules, places, links or other macros in MathJax, or hides something.
_MACROS = """
    DeclareMathOperator Rule Space above abovewithdelims bbox bcancel cancel cancelto class color
    colorbox cssId def definecolor enclose fcolorbox gdef genfrac hphantom href hskip hspace kern
    let llap lower mathllap mathrlap mathtip mkern mmlToken moveleft moveright mskip mspace
    newcommand newenvironment overwithdelims phantom providecommand raise renewcommand
    renewenvironment require rlap rule smash style textcolor texttip toggle unicode url vphantom
    xcancel
    """.split()  # noqa: SIM905
_MACRO = re.compile(rf"(?<!\\)((?:\\\\)*)\\(?=(?:{'|'.join(_MACROS)})(?![A-Za-z]))")
_STYLE = re.compile(r' style="([^"]*)"')
_RGB = re.compile(r"(?<!-)color: rgb\((\d+),(\d+),(\d+)\)")
_PALE = 170  # of 255; paler text is hard to see on white

# A "<" that begins neither a whole tag of TAGS nor a comment. What it begins is text: `List<int>`,
# `n <b`, or an element that isn't allowed, of which a reader should see that it was there.
_ATTRIBUTES = r"""[ \t\n\f\r/](?:"[^"]*+"|'[^']*+'|[^"'<>])*+"""
_TEXT = re.compile(f"<(?!/?(?:{'|'.join(TAGS)})(?:{_ATTRIBUTES})?>|!--)", re.IGNORECASE)


def clean_html(given: str | bytes) -> str:
    """Return HTML that does no more than it says; pictures, tables, folds and formulas survive.

    It takes the place of two filters of nbconvert's in nbgrader's templates: `clean_html`, which
    knows neither headings nor pictures, and `strip_files_prefix`, the last thing that nbgrader does
    to a student's Markdown.
    """
    text = given.decode(errors="replace") if isinstance(given, bytes) else str(given)
    if (end := _end(text)) < len(text):
        text = f"{text[:end]}<p>{CUT}</p>"
    encodable = text.encode(errors="replace").decode()  # JSON may hold half a character
    return with_formulas(plain_formulas(_CLEANER.clean(_TEXT.sub("&lt;", encodable))))


def plain_formulas(text: str) -> str:
    """Return text in which no formula says what it looks like beyond what it is.

    A character that looks like a backslash stands before the names of such macros.
    """
    return _MACRO.sub(r"\1∖", text)


@pass_context
def markdown_html(context: Mapping[str, Any], source: str) -> str:
    """Return a text cell as HTML, not yet clean; what can't be rendered is shown as it was written.

    It takes the place of nbconvert's filter `markdown2html`, which fails at a picture that is gone,
    and does not come to an end with some cells. What is longer than any answer is cut.
    """
    text = source if len(source) <= LONGEST_TEXT else f"{source[:LONGEST_TEXT]}\n\n{CUT}"
    cell = context.get("cell") or {}
    renderer = IPythonRenderer(
        escape=False,
        attachments=_Pictures(cell.get("attachments") or {}),
        exclude_anchor_links=True,
    )
    try:
        return str(MarkdownWithMath(renderer=renderer).render(text))
    except Exception:  # it may be nested too deeply, and what else is wrong no student can fix
        return f"<pre>{html.escape(text)}</pre>"


def _end(text: str) -> int:
    """Return where the last tag ends that is shown: to read more of them takes too long."""
    if text.count("<") <= MOST_TAGS:
        return len(text)
    tags = re.finditer("<", text)
    return next(itertools.islice(tags, MOST_TAGS, None)).start()


class _Pictures(dict[str, Any]):
    """A cell's attachments; in place of one that is gone or no picture, a picture of nothing."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Mapping[str, str]:
        found = self.get(name)
        kinds = found.items() if isinstance(found, Mapping) else ()
        shown = {kind: data for kind, data in kinds if isinstance(data, str)}
        return shown or {"image/png": ""}


def shown_text(text: str) -> str:
    """Return printed text as HTML, in the colors that it asks for where they can be seen.

    It takes the place of nbconvert's filter `ansi2html`.
    """
    return _STYLE.sub(_visible, ansi2html(text))  # type: ignore[no-untyped-call]


def _visible(style: re.Match[str]) -> str:
    found = _RGB.search(style[1])
    dark = found and 0.3 * int(found[1]) + 0.59 * int(found[2]) + 0.11 * int(found[3]) < _PALE
    return f' style="{found[0]}"' if found and dark else ""


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return what is left of an allowed attribute's value, or None for nothing."""
    address = "".join(value.split())  # browsers don't mind blanks
    match name:
        case "class":
            return " ".join(filter(CODE.__contains__, value.split())) or None
        case "href" if not address.lower().startswith(LINKS):
            return None
        case "src":
            address = re.sub("^/?files/", "", address)
            return address if PICTURE.match(address) else None
        case "width" | "height":
            return value if value.isdecimal() and int(value[:9]) <= LONGEST else None
    return value


_CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=set(),
    attributes=ATTRIBUTES,
    attribute_filter=_attribute,
    link_rel="noopener noreferrer",
    url_schemes={"data", "http", "https", "mailto"},
)
