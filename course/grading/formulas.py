"""Formulas in HTML, from LaTeX to MathML: every browser shows them without a script or a network.

Works on HTML that is clean already and adds nothing to it but MathML of the kinds listed here, so
that it makes no difference whose formulas they are.
"""

import html
import re
import xml.etree.ElementTree as ElementTree
from functools import lru_cache

from latex2mathml.converter import convert

TAGS = frozenset(
    """
    math menclose mfrac mi mmultiscripts mn mo mover mroot mrow mspace msqrt mstyle
    msub msubsup msup mtable mtd mtext mtr munder munderover
    """.split()  # noqa: SIM905
)
ATTRIBUTES = frozenset(
    """
    accent columnalign display displaystyle fence form linethickness mathvariant maxsize minsize
    scriptlevel separator stretchy width
    """.split()  # noqa: SIM905
)
LONGEST = 2_000  # characters of a formula
MOST = 2_000  # formulas of one text

_XMLNS = "{http://www.w3.org/1998/Math/MathML}"
# Code keeps its dollars, and so does what stands in a tag.
_PARTS = re.compile(r"(<(?P<tag>pre|code)\b.*?</(?P=tag)>|<[^>]*>)", re.DOTALL | re.IGNORECASE)
_FORMULA = re.compile(
    r"(?<![\\$])(?:\$\$(?!\$)(.+?)\$\$|\$(?![\s$])([^$]*?[^\s$\\])\$(?!\d))", re.DOTALL
)


def with_formulas(text: str) -> str:
    """Return HTML in which MathML stands for `$...$` and `$$...$$`; what isn't LaTeX stays."""
    left = MOST

    def shown(match: re.Match[str]) -> str:
        nonlocal left
        left -= 1
        formula = html.unescape(match[1] or match[2])
        if left < 0 or len(formula) > LONGEST:
            return match[0]
        return mathml(formula, block=match[1] is not None) or match[0]

    parts = _PARTS.split(text)
    return "".join(
        part if number % 3 == 1 else "" if number % 3 == 2 else _FORMULA.sub(shown, part)
        for number, part in enumerate(parts)
    )


@lru_cache(maxsize=4096)  # a class has the same formulas in each of its notebooks
def mathml(formula: str, *, block: bool) -> str:
    """Return a formula as MathML; nothing if it can't be read as LaTeX."""
    try:
        root = ElementTree.fromstring(convert(formula, display="block" if block else "inline"))
        _reduce(root)
        ElementTree.register_namespace("", _XMLNS[1:-1])
        return ElementTree.tostring(root, encoding="unicode")
    except (Exception, RecursionError):  # the library has no one kind of error
        return ""


def _reduce(root: ElementTree.Element) -> None:
    """Keep of MathML what `TAGS` and `ATTRIBUTES` allow.

    Raises:
        ValueError: if there is another element.
    """
    for element in root.iter():
        if element.tag.removeprefix(_XMLNS) not in TAGS:
            raise ValueError(element.tag)
        for name in set(element.attrib) - ATTRIBUTES:
            del element.attrib[name]
