"""LaTeX in a page: MathML that every browser shows, and nothing else."""

import re
from pathlib import Path

import pytest

from course.grading.formulas import ATTRIBUTES, LONGEST, MOST, TAGS, mathml, with_formulas
from course.grading.sanitize import clean_html
from course.notebooks.source import source_notebooks

ROOT = Path(__file__).parents[3]


def test_formulas_in_lines_and_between_them():
    inline = with_formulas("<p>where $x_1 &lt; 2$ holds</p>")
    assert re.fullmatch(r'<p>where <math [^>]*display="inline">.*</math> holds</p>', inline)
    assert "<mo>&lt;</mo>" in inline
    assert 'display="block"' in with_formulas("$$\\frac{1}{N} \\sum_{i=1}^{N} L_i$$")
    assert "<mfrac>" in with_formulas("$$\\frac{1}{N} \\sum_{i=1}^{N} L_i$$")


@pytest.mark.parametrize(
    "text",
    [
        "<code>$x$</code>",
        "<pre>a $x$ b</pre>",
        '<a title="$x$">y</a>',
        "costs $5 and $6",
        "one $ alone",
        "\\$x\\$",
        "$\\frac{$",
        "$ x $",
        f"${'x' * (LONGEST + 1)}$",
    ],
)
def test_what_is_no_formula_stays(text):
    assert with_formulas(text) == text


def test_every_formula_of_the_course_can_be_shown():
    texts = [
        re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.DOTALL)
        for source in source_notebooks(ROOT / "source")
        for cell in source.notebook.cells
        if cell.cell_type == "markdown"
    ]
    pattern = r"\$\$(.+?)\$\$|\$([^$]+?)\$"
    formulas = [a or b for text in texts for a, b in re.findall(pattern, text)]
    assert len(formulas) > 1000
    assert [formula for formula in formulas if not mathml(formula, block=False)] == []
    shown = "".join(mathml(formula, block=False) for formula in formulas)
    assert "\\" not in shown


@pytest.mark.parametrize(
    "evil",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\class{modal}{x}",
        r"\style{position: fixed}{x}",
        r"\text{<script>alert(1)</script>}",
        r"\unicode{x3c}script>",
        "<img src=x onerror=alert(1)>",
        r"\color{white}{x}",
        r"\includegraphics{http://evil.example/x.png}",
        "{" * 900 + "x" + "}" * 900,
        r"\sqrt{" * 300 + "x" + "}" * 300,
    ],
)
def test_a_formula_can_do_nothing(evil):
    shown = clean_html(f"${evil}$")
    outside = re.sub(r"<math .*?</math>", "", shown)
    assert set(re.findall(r"<([a-z]+)", outside)) <= {"img"}  # which nh3 leaves, without a source
    for tag, rest in re.findall(r"<([a-z]+)([^>]*)>", shown):
        if tag != "img":
            assert tag in TAGS
            assert {*re.findall(r"([a-z:]+)=", rest)} <= ATTRIBUTES | {"xmlns"}


def test_there_is_an_end_to_formulas():
    assert with_formulas("$x$ " * (MOST + 5)).count("<math") == MOST
