"""A zoo of notebooks, each breaking one convention: each gets its own message."""

import pytest

from course.notebooks.conventions import problems, without
from course.notebooks.source import source_notebook


def cell(nb, name):
    return next(cell for cell in nb.cells if cell.id == name)


def replaced(nb, name, old, new):
    assert old in cell(nb, name).source
    cell(nb, name).source = cell(nb, name).source.replace(old, new)


def nbgrader(nb, name, **changes):
    cell(nb, name).metadata.nbgrader.update(changes)


def dropped(nb, name):
    nb.cells.remove(cell(nb, name))


def edit(name, old, new):
    return lambda nb: replaced(nb, name, old, new)


def mark(name, **changes):
    return lambda nb: nbgrader(nb, name, **changes)


def drop(name):
    return lambda nb: dropped(nb, name)


def before(nb, name, other):
    moved = cell(nb, name)
    nb.cells.remove(moved)
    nb.cells.insert(nb.cells.index(cell(nb, other)), moved)


ZOO = {
    "no id": (lambda nb: cell(nb, "plot").pop("id"), ["1 cells have no id"]),
    "an id twice": (
        lambda nb: cell(nb, "plot").update(id="title"),
        ["2 cells have the id title"],
    ),
    "a grade_id twice": (
        mark("imports", grade_id="double"),
        [
            "2 cells have the grade_id double",
            "imports: its id and its grade_id ('double') differ",
        ],
    ),
    "an old schema": (
        mark("double", schema_version=2),
        ["double: nbgrader's metadata is not of schema 3"],
    ),
    "a set-up cell that is not locked": (
        mark("imports", locked=False),
        ["imports: a set-up cell is a locked code cell that is no answer and no test"],
    ),
    "a set-up cell without nbgrader's metadata": (
        lambda nb: cell(nb, "imports").metadata.pop("nbgrader"),
        ["imports: a set-up cell is a locked code cell that is no answer and no test"],
    ),
    "a locked cell without the tag": (
        lambda nb: cell(nb, "imports").metadata.pop("tags"),
        [
            "imports: a locked cell needs the tag `setup`",
            "test_double: `assert_close` comes from no set-up cell and no answer before it",
            "test_quadruple: `Question` comes from no set-up cell and no answer before it",
            "test_quadruple: `assert_close` comes from no set-up cell and no answer before it",
            "test_double: `Question` comes from no set-up cell and no answer before it",
        ],
    ),
    "a magic": (
        edit("plot", "line =", "%matplotlib inline\nline ="),
        ["plot: magics and shell commands are not used (%matplotlib inline)"],
    ),
    "a shell command": (
        edit("plot", "line =", "!ls\nline ="),
        ["plot: magics and shell commands are not used (!ls)"],
    ),
    "no Python": (
        edit("plot", "line =", "line = ="),
        ["plot, line 1: not Python (invalid syntax)"],
    ),
    "a count from running it": (
        lambda nb: cell(nb, "plot").update(execution_count=3),
        ["plot: it has outputs; commit notebooks without"],
    ),
    "a stream of output": (
        lambda nb: cell(nb, "plot").outputs.append({"output_type": "stream", "text": "0"}),
        ["plot: it has outputs; commit notebooks without"],
    ),
    "no test cell": (
        drop("test_quadruple"),
        ["quadruple: its test cell test_quadruple does not follow directly"],
    ),
    "a test cell further down": (
        lambda nb: before(nb, "about_quadruple", "test_double"),
        [
            "double: its test cell test_double does not follow directly",
        ],
    ),
    "a test cell without an answer": (
        drop("quadruple"),
        [
            "test cell test_quadruple has no solution cell quadruple",
            "test_quadruple: `quadruple` comes from no set-up cell and no answer before it",
        ],
    ),
    "a name that is none": (
        lambda nb: (
            nbgrader(nb, "double", grade_id="my double"),
            cell(nb, "double").update(id="my double"),
        ),
        [
            "my double: the grade_id of a solution cell is the exercise's name",
            "my double: its test cell test_my double does not follow directly",
            "test cell test_double has no solution cell double",
        ],
    ),
    "no marks around the solution": (
        edit("double", "    ### BEGIN SOLUTION\n", ""),
        ["double: ### BEGIN SOLUTION and ### END SOLUTION do not stand around the solution"],
    ),
    "marks the wrong way round": (
        lambda nb: (
            replaced(nb, "double", "BEGIN", "XXX"),
            replaced(nb, "double", "END", "BEGIN"),
            replaced(nb, "double", "XXX", "END"),
        ),
        ["double: ### BEGIN SOLUTION and ### END SOLUTION do not stand around the solution"],
    ),
    "nothing left of the function": (
        lambda nb: cell(nb, "quadruple").update(
            source="### BEGIN SOLUTION\ndef quadruple(x):\n    return 4 * x\n### END SOLUTION"
        ),
        ["quadruple: `quadruple` is not defined any more without the solution"],
    ),
    "a solution in the wrong place": (
        lambda nb: (
            replaced(nb, "quadruple", "    ### BEGIN", "    if True:\n    ### BEGIN"),
            replaced(nb, "quadruple", "    return", "        return"),
        ),
        ["quadruple: without the solution it is not Python"],
    ),
    "a hand-graded answer in code": (
        lambda nb: (
            nbgrader(nb, "quadruple", grade=True, points=1),
            dropped(nb, "test_quadruple"),
        ),
        ["quadruple: a hand-graded answer is a Markdown cell"],
    ),
    "nothing in words": (
        drop("why_twice"),
        ["there is no question in words, graded by hand"],
    ),
    "a question in words with another name": (
        lambda nb: (
            nbgrader(nb, "why_twice", grade_id="twice"),
            cell(nb, "why_twice").update(id="twice"),
        ),
        ["twice: the grade_id of a hand-graded answer begins with why_"],
    ),
    "no mark scheme": (
        edit("why_twice", "=== BEGIN MARK SCHEME ===", ""),
        ["why_twice: no mark scheme between === BEGIN MARK SCHEME === and === END MARK SCHEME ==="],
    ),
    "an answer in words worth nothing": (
        mark("why_twice", points=0),
        ["why_twice: a hand-graded answer needs points"],
    ),
    "a Question of another name": (
        lambda nb: [
            replaced(nb, "test_quadruple", old, new)
            for old, new in (("q = ", "quiz = "), ("q.", "quiz."))
        ],
        [
            "test_quadruple: a test cell has one Question, and calls it q",
            "test_quadruple: the last line of a test cell is q.score()",
            "test_quadruple: q.score() stands among the hidden tests",
        ],
    ),
    "two Questions": (
        edit("test_quadruple", "with q", 'other = Question("Other", points=1)\nwith q'),
        ["test_quadruple: a test cell has one Question, and calls it q"],
    ),
    "a score that is not the last line": (
        edit("test_quadruple", "q.score()", "q.score()\nprint()"),
        [
            "test_quadruple: the last line of a test cell is q.score()",
            "test_quadruple: q.score() stands among the hidden tests",
        ],
    ),
    "a score among the hidden tests": (
        lambda nb: (
            replaced(nb, "test_double", "### END HIDDEN TESTS\n", ""),
            replaced(nb, "test_double", "q.score()", "q.score()\n### END HIDDEN TESTS"),
        ),
        ["test_double: q.score() stands among the hidden tests"],
    ),
    "hidden tests without an end": (
        edit("test_double", "### END HIDDEN TESTS\n", ""),
        ["test_double: ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS do not match"],
    ),
    "two checks of one name": (
        edit("test_double", "is right anywhere", "gives the known values"),
        ["test_double: 2 checks are called “gives the known values”"],
    ),
    "a name put together": (
        edit("test_double", '"is right anywhere"', '"is right " + "anywhere"'),
        ["test_double, line 5: name must be written out literally"],
    ),
    "half a point": (
        edit("test_double", "points=2", "points=1.5"),
        [
            "test_double: “is right anywhere” is worth 1.5; points are whole numbers",
            "test_double: the checks are worth 2.5 points, the Question 3 and the cell 3",
        ],
    ),
    "points that don't add up": (
        edit("test_double", "points=2", "points=3"),
        ["test_double: the checks are worth 4 points, the Question 3 and the cell 3"],
    ),
    "a cell worth something else": (
        mark("test_double", points=4),
        ["test_double: the checks are worth 3 points, the Question 3 and the cell 4"],
    ),
    "nothing essential": (
        edit("test_double", ", essential=True", ""),
        ["test_double: no check is essential"],
    ),
    "a visible check after a hidden one": (
        lambda nb: (
            replaced(nb, "test_double", "### BEGIN HIDDEN TESTS\n", ""),
            replaced(nb, "test_double", "### END HIDDEN TESTS\n", ""),
            replaced(
                nb,
                "test_double",
                'with q.check("gives',
                '### BEGIN HIDDEN TESTS\nwith q.check("gives',
            ),
            replaced(
                nb, "test_double", 'with q.check("is', '### END HIDDEN TESTS\nwith q.check("is'
            ),
        ),
        ["test_double: a visible check stands after a hidden one"],
    ),
    "one hint": (
        edit("about_double", "Hint 2", "Remark"),
        ["double: 1 folded hints stand before it instead of 2"],
    ),
    "a name of a plain cell in a test": (
        lambda nb: replaced(nb, "test_quadruple", "quadruple(3)", "quadruple(line[1]) + 4"),
        ["test_quadruple: `line` comes from no set-up cell and no answer before it"],
    ),
    "a name that is defined too late": (
        edit("test_double", "double([1, 2])", "quadruple([1, 2])"),
        ["test_double: `quadruple` comes from no set-up cell and no answer before it"],
    ),
    "a visible check that needs a hidden line": (
        lambda nb: (
            replaced(nb, "test_double", "[2, 4]", "f()"),
            replaced(
                nb,
                "test_double",
                "### BEGIN HIDDEN TESTS",
                "### BEGIN HIDDEN TESTS\ndef f():\n    return [2, 4]\n",
            ),
        ),
        ["test_double: `f` comes from no set-up cell and no answer before it"],
    ),
    "a test's name in a plain cell": (
        edit("plot", "ax.plot(line)", "ax.plot(x)"),
        ["plot: `x` is a name that test_double defines"],
    ),
    "q in a plain cell": (
        edit("plot", "ax.plot(line)", "ax.plot(q.results)"),
        [
            "plot: `q` is a name that test_double defines",
            "plot: `q` is a name that test_quadruple defines",
        ],
    ),
    "a test's name in another test": (
        edit("test_quadruple", "quadruple(3)", "quadruple(x)"),
        [
            "test_quadruple: `x` is a name that test_double defines",
            "test_quadruple: `x` comes from no set-up cell and no answer before it",
        ],
    ),
    "a set-up name that a test changes": (
        lambda nb: (
            replaced(nb, "imports", "import numpy", "x = 3\nimport numpy"),
            replaced(nb, "plot", "ax.plot(line)", "ax.plot(x)"),
        ),
        ["plot: `x` is a name that test_double defines"],
    ),
    "a figure whose name is put together": (
        edit("plot", '"doubling"', '"doub" + "ling"'),
        [
            "plot: plots.show needs its name and its alt written out literally",
            "expected: no cell shows figures/doubling.png",
        ],
    ),
    "a figure without alternative text": (
        edit("plot", "A straight line of slope two", ""),
        [
            "plot: plots.show needs its name and its alt written out literally",
            "expected: no cell shows figures/doubling.png",
        ],
    ),
    "a figure with sliders, without alternative text": (
        edit(
            "plot",
            'plots.show(fig, "doubling", alt="A straight line of slope two")',
            'sliders.explore(draw, "doubling", "", w=(0, 2, 1))',
        ),
        [
            "plot: sliders.explore needs its name and its alt written out literally",
            "expected: no cell shows figures/doubling.png",
        ],
    ),
    "two figures of one name": (
        edit("plot", "plots.show", 'plots.show(fig, "doubling", alt="Again")\nplots.show'),
        ["2 figures are called doubling"],
    ),
    "no expected figure": (
        drop("expected"),
        ["plot: no folded picture figures/doubling.png follows it"],
    ),
    "an expected figure in the open": (
        lambda nb: (
            replaced(nb, "expected", "<details>", ""),
            replaced(nb, "expected", "</details>", ""),
        ),
        ["plot: no folded picture figures/doubling.png follows it"],
    ),
    "an expected figure too far down": (
        lambda nb: before(nb, "expected", "why_twice"),
        ["plot: no folded picture figures/doubling.png follows it"],
    ),
    "an expected figure that nothing draws": (
        edit("title", "# Doubling", "![Another](figures/another.png)"),
        ["title: no cell shows figures/another.png"],
    ),
    "a picture without alternative text": (
        edit("expected", "A straight line of slope two", ""),
        ["expected: the picture figures/doubling.png has no alternative text"],
    ),
    "an img without alternative text": (
        edit("title", "# Doubling", '<img src="figures/doubling.png">'),
        ['title: the picture <img src="figures/doubling.png"> has no alternative text'],
    ),
}


@pytest.mark.parametrize("name", ZOO)
def test_each_broken_notebook_gets_its_own_message(source, name):
    breaks, messages = ZOO[name]
    breaks(source.notebook)
    found = problems(source)
    assert sorted(found) == sorted(f"doubling: {message}" for message in messages)


def test_a_good_notebook_gets_none(source):
    assert problems(source) == []


def test_pictures_are_looked_for_where_the_notebook_lies(course_root):
    folder = course_root / "source" / "01_doubling"
    source = source_notebook(folder / "doubling.ipynb")
    assert problems(source) == []
    (folder / "figures" / "doubling.png").unlink()
    missing = "chapter 1: expected: there is no picture figures/doubling.png"
    assert problems(source, "chapter 1") == [missing]


def test_names_may_be_used_where_they_are_bound(source):
    own = "x = 1\nprint(x)\n"
    comprehension = "print([x for x in range(3)], (lambda x: x)(1))\n"
    function = "def f(x, *rest, y=2):\n    return [x + y + z for z in rest]\n"
    for text in (own, comprehension, function):
        cell(source.notebook, "plot").source = text
        dropped_plot = [p for p in problems(source) if "defines" in p]
        assert dropped_plot == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\n  # B\nsecret\n  # E\nb", "a\nb"),
        ("a\n# E\n# B", None),
        ("a\n# B\n# B\n# E", None),
        ("a\n# B", None),
        ("a", "a"),
    ],
)
def test_without(source, expected):
    assert without(source, "# B", "# E") == expected


def test_without_puts_a_stub_in_its_place():
    assert without("  # B\n  x\n  # E", "# B", "# E", "pass") == "  pass"
