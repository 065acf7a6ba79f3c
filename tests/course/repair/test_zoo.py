"""A zoo of damaged hand-ins: kinds of damage, each at many places, with what a fair reader gives.

All are made of one small notebook with right answers. What is compared is the repaired answers with
the undamaged ones, which takes no judge; a sample is judged too, in `test_a_sample_is_judged`.
"""

import ast
import copy
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from course.judge.sandbox import missing
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.layout import load_config
from course.notebooks.cells import grade_id, is_setup, is_test
from course.notebooks.source import SourceNotebook
from course.repair.repair import repair
from tests.conftest import ROOT, example

POINTS = {"double": 3, "quadruple": 1, "why_twice": 2}
ANSWERS = {
    "double": 'def double(x):\n    """Return twice x."""\n    y = np.asarray(x)\n    return y * 2',
    "quadruple": "def quadruple(x):\n    z = double(x)\n    return double(z)",
    "why_twice": "Weil x + x zweimal x ist, also größer als x für jedes x > 0.",
}
CODE = ("double", "quadruple")
SOURCE = SourceNotebook("doubling", "01_doubling", example())
GIVEN = SOURCE.released(load_config(ROOT))


@dataclass(frozen=True)
class Animal:
    """A damaged hand-in, and the questions whose points a fair reader doesn't give."""

    name: str
    data: bytes
    lost: tuple[str, ...] = ()

    @property
    def score(self) -> int:
        """The points that a fair reader gives."""
        return sum(points for name, points in POINTS.items() if name not in self.lost)


def answered() -> dict[str, Any]:
    """Return the hand-in without damage, as JSON holds it."""
    nb = copy.deepcopy(GIVEN)
    for cell in nb.cells:
        cell.source = ANSWERS.get(grade_id(cell), cell.source)
    value: dict[str, Any] = json.loads(nbformat.writes(nb))
    for cell in value["cells"]:
        cell["source"] = "".join(cell["source"])
    return value


def packed(value: Any, **options: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, **options).encode()


def place(nb: Mapping[str, Any], name: str) -> int:
    return [cell["id"] for cell in nb["cells"]].index(name)


def code(source: str, **more: Any) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": f"new-{len(source)}-{random.Random(source).random():.6f}"[:30],
        "metadata": {}, "source": source, "outputs": [], "execution_count": None, **more,
    }  # fmt: skip


def words(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": code(source)["id"], "metadata": {}, "source": source}


# --- the file as a whole --------------------------------------------------------------------------


def files() -> Iterator[Animal]:
    """Yield what editors, browsers and servers do to a file."""
    whole = packed(answered())
    text = whole.decode()
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"):
        yield Animal(f"saved as {encoding}", text.encode(encoding))
    changes = {
        "windows line ends": text.replace("\n", "\r\n"),
        "old mac line ends": text.replace("\n", "\r"),
        "a comma too many": text.replace("\n  }\n ]", "\n  },\n ]"),
        "a tail": text + "\nThis is my homework.",
        "a head": ")]}',\n" + text,
        "twice in a row": text + text,
        "blanks around": "\n\n  " + text + "\n\n\0",
        "as a Python dict": repr(json.loads(text)),
        "a comment on top": "// saved by an editor\n" + text,
        "in one line": json.dumps(json.loads(text)),
        "as ASCII": json.dumps(json.loads(text), indent=4),
    }
    for name, changed in changes.items():
        yield Animal(name, changed.encode())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("homework/doubling.ipynb", whole)
    yield Animal("a zip of it", archive.getvalue())
    nb = answered()
    yield Animal("as a server sends it", packed({"type": "notebook", "content": nb}))
    yield Animal("the cells alone", packed(nb["cells"]))
    cells = [
        {"input": cell["source"], **cell} if cell["cell_type"] == "code" else cell
        for cell in nb["cells"]
    ]
    for cell in cells:
        if "input" in cell:
            del cell["source"]
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}
    yield Animal("format 3", packed(old))
    for key in ("metadata", "nbformat", "nbformat_minor"):
        yield Animal(f"without {key}", packed({k: v for k, v in nb.items() if k != key}))
        yield Animal(f"{key} is null", packed({**nb, key: None}))
    for name in ("test_double", "quadruple", "why_twice"):
        cut = whole[: whole.index(f'"id": "{name}"'.encode())]
        lost = [n for n in POINTS if place(nb, n) >= place(nb, name)]
        yield Animal(f"cut off at {name}", cut, tuple(lost))


NOTHING = {
    "nothing": b"",
    "zeros": bytes(500),
    "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "a web page": b"<!DOCTYPE html><html><body>Log in</body></html>",
    "a sentence": b"I could not upload my notebook.",
    "other JSON": b'{"name": "ada", "version": 1}',
}


def conflicts() -> Iterator[Animal]:
    """Yield what git leaves of a merge: in the file's text, in a cell, in cells of their own."""
    for name in POINTS:
        for style, base in (("merge", ""), ("diff3", '||||||| 1f3a\n    "base",\n')):
            for end in ("\n", "\r\n"):
                lines = packed(lined(answered())).decode().split("\n")
                last = json.dumps(ANSWERS[name].split("\n")[-1], ensure_ascii=False)[1:-1]
                (at,) = [i for i, line in enumerate(lines) if last in line]
                both = f'<<<<<<< HEAD\n{lines[at]}\n{base}=======\n    "theirs"\n>>>>>>> theirs'
                lines[at] = both
                data = "\n".join(lines).replace("\n", end).encode()
                yield Animal(f"{style} in the file at {name}, {len(end)}", data)
            nb = answered()
            cell = nb["cells"][place(nb, name)]
            middle = "||||||| base\npass\n" if base else ""
            cell["source"] = (
                f"<<<<<<< ours\n{ANSWERS[name]}\n{middle}=======\ntheirs\n>>>>>>> theirs"
            )
            yield Animal(f"{style} in the cell {name}", packed(nb))
        nb = answered()
        at = place(nb, name)
        other = {**copy.deepcopy(nb["cells"][at]), "source": "def double(x):\n    return 0"}
        nb["cells"][at : at + 1] = [
            words('<span style="color:red">**<<<<<<< local**</span>'),
            nb["cells"][at],
            words('<span style="color:red">**=======**</span>'),
            other,
            words('<span style="color:red">**>>>>>>> remote**</span>'),
        ]
        yield Animal(f"a merge by nbdime at {name}", packed(nb))


def lined(nb: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook whose cells' texts are lists of lines, as nbformat writes them."""
    for cell in nb["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    return nb


# --- cells ----------------------------------------------------------------------------------------

Change = Callable[[list[dict[str, Any]], int], None]


def delete(cells: list[dict[str, Any]], at: int) -> None:
    del cells[at]


def double(cells: list[dict[str, Any]], at: int) -> None:
    cells.insert(at, copy.deepcopy(cells[at]))


def to_the_end(cells: list[dict[str, Any]], at: int) -> None:
    cells.append(cells.pop(at))


def to_the_start(cells: list[dict[str, Any]], at: int) -> None:
    cells.insert(0, cells.pop(at))


def lose_marks(cells: list[dict[str, Any]], at: int) -> None:
    cells[at]["metadata"] = {}


def lose_id(cells: list[dict[str, Any]], at: int) -> None:
    del cells[at]["id"]


def lose_both(cells: list[dict[str, Any]], at: int) -> None:
    lose_marks(cells, at)
    lose_id(cells, at)


def null_metadata(cells: list[dict[str, Any]], at: int) -> None:
    cells[at]["metadata"] = None


def strange_mark(cells: list[dict[str, Any]], at: int) -> None:
    cells[at]["metadata"] = {"nbgrader": {"grade_id": "cell-3f9", "solution": True}}


def mark_of_another_kind(cells: list[dict[str, Any]], at: int) -> None:
    cells[at]["metadata"] = {"nbgrader": {"grade_id": 7, "points": "many"}}


def unlock(cells: list[dict[str, Any]], at: int) -> None:
    if marks := cells[at]["metadata"].get("nbgrader"):
        marks |= {"locked": not marks["locked"], "points": 100}


def into_raw(cells: list[dict[str, Any]], at: int) -> None:
    cells[at]["cell_type"] = "raw"


def lines(cells: list[dict[str, Any]], at: int) -> None:
    cells[at]["source"] = cells[at]["source"].splitlines(keepends=True)


def blanks(cells: list[dict[str, Any]], at: int) -> None:
    cells[at]["source"] = "\n\n" + cells[at]["source"].replace("\n", "  \n") + "\n\n"


def outputs(cells: list[dict[str, Any]], at: int) -> None:
    cells[at] |= {"outputs": [{"output_type": "junk", "text": 3}], "execution_count": "x"}


def empty_before(cells: list[dict[str, Any]], at: int) -> None:
    cells.insert(at, code(""))


def scratch_after(cells: list[dict[str, Any]], at: int) -> None:
    cells.insert(at + 1, code("print(1 + 1)"))


EVERYWHERE = [
    double, to_the_end, to_the_start, lose_marks, lose_id, lose_both, null_metadata, strange_mark,
    mark_of_another_kind, unlock, lines, blanks, outputs, empty_before, scratch_after,
]  # fmt: skip
PLACES = ("imports", "double", "test_double", "quadruple", "test_quadruple", "why_twice")


def everywhere() -> Iterator[Animal]:
    """Yield what can happen to any cell that is graded or needed."""
    for name in PLACES:
        for change in EVERYWHERE:
            nb = answered()
            change(nb["cells"], place(nb, name))
            yield Animal(f"{change.__name__} at {name}", packed(nb))
        nb = answered()
        delete(nb["cells"], place(nb, name))
        lost = (name,) if name in POINTS else ()
        yield Animal(f"delete at {name}", packed(nb), lost)
    for name in ("double", "test_double", "quadruple", "why_twice"):
        nb = answered()
        into_raw(nb["cells"], place(nb, name))
        yield Animal(f"into raw at {name}", packed(nb))


def answers_elsewhere() -> Iterator[Animal]:
    """Yield answers that stand in another place, or in another way, than they should."""
    for name in CODE:
        text = ANSWERS[name]
        stub = next(cell["source"] for cell in GIVEN.cells if cell.id == name)
        ways: dict[str, Sequence[dict[str, Any]]] = {
            "in a fence": [words(f"```python\n{text}\n```")],
            "in a fence with words": [words(f"My answer:\n\n~~~\n{text}\n~~~\n\nThat is it.")],
            "in a cell of its own": [code(text)],
            "twice, the first one wrong": [code(text.replace("return", "return 3 +")), code(text)],
        }
        for way, cells in ways.items():
            for step, where in ((1, "below"), (0, "above")):
                nb = answered()
                at = place(nb, name)
                nb["cells"][at]["source"] = stub
                nb["cells"][at + step : at + step] = copy.deepcopy(list(cells))
                yield Animal(f"{name} {way}, {where} the stub", packed(nb))
        nb = answered()
        nb["cells"][place(nb, name)]["source"] = f"```python\n{text}\n```"
        yield Animal(f"{name} in a fence, in its own cell", packed(nb))
        nb["cells"][place(nb, name)]["cell_type"] = "markdown"
        yield Animal(f"{name} in a fence, in its own cell as text", packed(nb))
        for count in range(1, text.count("\n") + 1):
            nb, rows = answered(), text.split("\n")
            at = place(nb, name)
            nb["cells"][at]["source"] = "\n".join(rows[:count])
            nb["cells"].insert(at + 1, code("\n".join(rows[count:])))
            yield Animal(f"{name} split after line {count}", packed(nb))
        nb, rows = answered(), text.split("\n")
        at = place(nb, name)
        nb["cells"][at]["source"] = rows[0]
        nb["cells"][at + 1 : at + 1] = [code(row) for row in rows[1:]]
        yield Animal(f"{name} split into its lines", packed(nb))
    nb = answered()
    at, to = place(nb, "double"), place(nb, "quadruple")
    nb["cells"][to]["source"] = nb["cells"][at]["source"] + "\n\n" + nb["cells"][to]["source"]
    del nb["cells"][at]
    yield Animal("both answers in one cell, and one cell gone", packed(nb), ())
    yield from words_elsewhere()
    for kind in ("marks", "whole cells", "texts"):
        nb = answered()
        a, b = (nb["cells"][place(nb, name)] for name in CODE)
        keys = {"marks": ["metadata"], "texts": ["source"], "whole cells": list(a)}[kind]
        for key in keys:
            a[key], b[key] = b[key], a[key]
        yield Animal(f"{kind} of two answers have changed places", packed(nb))
    nb = answered()
    a, b = (nb["cells"][place(nb, f"test_{name}")] for name in CODE)
    a["metadata"], b["metadata"] = b["metadata"], a["metadata"]
    yield Animal("marks of two tests have changed places", packed(nb))


def words_elsewhere() -> Iterator[Animal]:
    text, name = ANSWERS["why_twice"], "why_twice"
    for stub in ("YOUR ANSWER HERE", ""):
        for step, where in ((0, "above"), (1, "below")):
            for parts in (1, 2):
                nb = answered()
                at = place(nb, name)
                nb["cells"][at]["source"] = stub
                half = text.index(",") + 1
                cells = [text] if parts == 1 else [text[:half], text[half:]]
                nb["cells"][at + step : at + step] = [words(cell) for cell in cells]
                yield Animal(f"words in {parts} cells {where} “{stub}”", packed(nb))
    for form in ("{0}\n\nYOUR ANSWER HERE", "YOUR ANSWER HERE\n\n{0}", "YOUR ANSWER HERE: {0}"):
        nb = answered()
        nb["cells"][place(nb, name)]["source"] = form.format(text)
        yield Animal(f"words beside the stub as “{form}”", packed(nb))


def shuffled() -> Iterator[Animal]:
    """Yield notebooks whose cells have lost their order, and some of what they were known by."""
    for seed in range(12):
        for lost in ("nothing", "marks", "ids", "both"):
            nb = answered()
            random.Random(seed).shuffle(nb["cells"])
            for at in range(len(nb["cells"])):
                if lost in ("marks", "both"):
                    lose_marks(nb["cells"], at)
                if lost in ("ids", "both"):
                    lose_id(nb["cells"], at)
            yield Animal(f"shuffled by {seed}, {lost} lost", packed(nb))


def tampered() -> Iterator[Animal]:
    """Yield changes to what isn't the student's."""
    for name in CODE:
        for text in ("q.score = lambda: 99", "pass", "", "raise SystemExit"):
            nb = answered()
            nb["cells"][place(nb, f"test_{name}")]["source"] = text
            yield Animal(f"the test of {name} is now {text!r}", packed(nb))
    for text in ("import numpy", "import numpy as np\nx = 1", ""):
        nb = answered()
        nb["cells"][place(nb, "imports")]["source"] = text
        yield Animal(f"the set-up is now {text!r}", packed(nb))


ZOO = [
    Animal("intact", packed(answered())),
    *files(),
    *(Animal(name, data, tuple(POINTS)) for name, data in NOTHING.items()),
    *conflicts(),
    *everywhere(),
    *answers_elsewhere(),
    *shuffled(),
    *tampered(),
]


# --- the reader -----------------------------------------------------------------------------------


def given_points(data: bytes) -> tuple[int, list[str]]:
    """Return the points for a repaired hand-in whose answers are the undamaged ones, and notes."""
    repaired = repair(data, GIVEN, name="doubling")
    cells = {grade_id(cell): cell for cell in repaired.notebook.cells if grade_id(cell)}
    assert [*cells] == [grade_id(cell) for cell in GIVEN.cells if grade_id(cell)]
    for cell in GIVEN.cells:
        if is_test(cell) or is_setup(cell):
            assert cells[cell.id].source == cell.source
    right = [name for name in POINTS if is_same(name, cells[name].source)]
    return sum(POINTS[name] for name in right), repaired.notes


def is_same(name: str, text: str) -> bool:
    if name not in CODE:
        return " ".join(ANSWERS[name].split()) in " ".join(text.split())
    try:
        found = {
            node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)
        }
    except SyntaxError:
        return False
    (wanted,) = ast.parse(ANSWERS[name]).body
    return name in found and ast.dump(found[name]) == ast.dump(wanted)


def test_the_zoo_is_large_and_each_animal_is_another() -> None:
    assert len(ZOO) >= 200
    assert len({animal.name for animal in ZOO}) == len(ZOO)
    assert len({animal.data for animal in ZOO}) > 0.9 * len(ZOO)


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
def test_each_animal_gets_what_a_fair_reader_gives(animal: Animal) -> None:
    points, notes = given_points(animal.data)
    assert points == animal.score, notes
    assert not animal.lost or notes


def test_the_reader_sees_what_is_not_right() -> None:
    nb = answered()
    nb["cells"][place(nb, "double")]["source"] = "def double(x):\n    return x"
    nb["cells"][place(nb, "why_twice")]["source"] = "No idea."
    assert given_points(packed(nb))[0] == POINTS["quadruple"]


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason="where nothing is confined, nothing is run")
def test_words_that_stand_there_twice_are_read_once() -> None:
    nb = answered()
    nb["cells"].append(copy.deepcopy(nb["cells"][place(nb, "why_twice")]))
    repaired = repair(packed(nb), GIVEN, name="doubling")
    (cell,) = (one for one in repaired.notebook.cells if grade_id(one) == "why_twice")
    assert cell.source == ANSWERS["why_twice"]
    assert "more than once" in repaired.notes[0]


def test_that_a_file_holds_cells_alone_is_told() -> None:
    repaired = repair(packed(answered()["cells"]), GIVEN, name="doubling")
    assert repaired.notes == ["The file held a notebook's cells alone; they were read."]


def test_a_sample_is_judged(tmp_path: Path) -> None:
    sample = random.Random(8).sample(ZOO, 10)
    with WarmServer() as server:
        for animal in sample:
            nb: NotebookNode = repair(animal.data, GIVEN, name="doubling").notebook
            verdict, _ = grade_notebook(Submission(SOURCE, nb, None, b"a seed"), server)
            wanted = sum(POINTS[name] for name in CODE if name not in animal.lost)
            if "double" in animal.lost and "quadruple" not in animal.lost:
                wanted = POINTS["quadruple"]
            assert verdict.score == wanted, animal.name
