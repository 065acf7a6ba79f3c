"""Any submitted bytes become a notebook that can be graded, and lose no answer that is in them."""

import copy
import io
import json
import random
import shutil
import time
import tracemalloc
import zipfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_any
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log, compute_checksum

from course.layout import load_config
from course.notebooks.cells import read
from course.notebooks.let_out import LetOut
from course.notebooks.runner import run
from course.notebooks.source import SourceNotebook, source_notebook
from course.repair import salvage
from course.repair.repair import repair
from course.repair.salvage import MAX_BYTES, MAX_CELLS, MAX_TEXT

ROOT = Path(__file__).parents[3]
CHAPTERS = sorted((ROOT / "source").glob("*/*.ipynb"))
STUB = "# YOUR CODE HERE"


@cache
def config():
    return load_config(ROOT)


def source():
    return source_notebook(ROOT / "source/01_activations/activations.ipynb").notebook


def released(original):
    return SourceNotebook("activations", "01_activations", original).released(config())


@cache
def given():
    return released(source())


def answered(original):
    """Return the released notebook with every question answered."""
    nb = copy.deepcopy(released(original))
    for cell, model in zip(nb.cells, original.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            lines = [line for line in model.source.split("\n") if "# " not in line[:12]]
            cell.source = "\n".join(lines).replace("=== ", "")
    return nb


@cache
def _intact():
    return nbformat.writes(answered(source()))


def intact():
    """Return an honest student's notebook, to be broken."""
    return nbformat.reads(_intact(), as_version=4)


def as_bytes(nb):
    return json.dumps(nb, indent=1).encode()


def repaired(nb):
    """Repair a notebook, and hold what comes out to what must be true of any."""
    data = nb if isinstance(nb, bytes) else as_bytes(nb)
    result = repair(data, given())
    hold(result)
    return result


def hold(result, original=None):
    expected = {key(cell): cell for cell in released(original or source()).cells}
    expected = {name: cell for name, cell in expected.items() if name}
    found = [cell for cell in result.notebook.cells if key(cell)]
    assert [key(cell) for cell in found] == list(expected)
    for cell in found:
        assert cell.metadata == expected[key(cell)].metadata
        assert cell.cell_type == expected[key(cell)].cell_type
        if cell.metadata.nbgrader.locked:
            assert cell.source == expected[key(cell)].source
    assert len({cell.id for cell in result.notebook.cells}) == len(result.notebook.cells)
    nbformat.validate(result.notebook)
    nbformat.writes(result.notebook).encode()
    assert result.notebook.metadata.get("repairs", []) == result.notes
    assert all(note.endswith(".") and "\n" not in note for note in result.notes)


def key(cell):
    metadata = cell["metadata"]
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return marks.get("grade_id", "") if isinstance(marks, dict) else ""


def at(nb, name):
    return next(i for i, cell in enumerate(nb.cells) if name in (cell.get("id"), key(cell)))


def the(nb, name):
    return nb.cells[at(nb, name)]


def answers(nb):
    return {key(c): c.source for c in nb.cells if c.metadata.get("nbgrader", {}).get("solution")}


def lost(result):
    """Return the exercises whose answer is no longer the honest student's."""
    mine, now = answers(intact()), answers(result.notebook)
    return {name for name in mine if now[name].strip() != mine[name].strip()}


def score(nb):
    """Run the notebook from top to bottom, and return the points of its visible tests."""
    nb = copy.deepcopy(nb)
    released_plain = {cell.id for cell in source().cells if not key(cell)}
    nb.cells = [cell for cell in nb.cells if key(cell) or cell.id not in released_plain]
    return run(SourceNotebook("activations", "", nb), plain=True).score


@cache
def full_score():
    return score(intact())


# --- honest notebooks -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_an_intact_submission_comes_back_as_it_was(path):
    original = read(path)
    for nb in (released(original), answered(original)):
        result = repair(as_bytes(nb), released(original))
        hold(result, original)
        assert result.notes == []
        assert result.notebook.cells == nb.cells


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_released_form_is_what_nbgrader_releases(path, tmp_path):
    folders = CourseDirectory(
        config=config(),
        root=str(ROOT),
        release_directory=str(tmp_path),
        assignment_id=path.parent.name,
    )
    no_gradebook = copy.deepcopy(config())
    no_gradebook.GenerateAssignment.no_database = True
    no_gradebook.SaveCells.enabled = False
    assert capture_log(GenerateAssignment(coursedir=folders, config=no_gradebook))["success"]
    made = read(tmp_path / path.parent.name / path.name)
    assert source_notebook(path).released(config()).cells == made.cells


def test_work_of_ones_own_is_kept_and_needs_no_repair():
    nb = intact()
    nb.cells.insert(at(nb, "test_sigmoid"), new_code_cell("sigmoid(3)", id="mine"))
    nb.cells.insert(0, new_markdown_cell("![](attachment:a.png)", id="note"))
    nb.cells[0].attachments = {"a.png": {"image/png": "aGk="}}
    the(nb, "plot_sigmoid").source = "# my own plot"
    del nb.cells[at(nb, "relu_text")]
    result = repaired(nb)
    assert result.notes == []
    assert result.notebook.cells == nb.cells


def test_outputs_and_the_editors_metadata_are_left_out():
    nb = intact()
    cell = the(nb, "sigmoid")
    cell.execution_count = "seven"
    cell.outputs = [{"output_type": "nonsense"}, 7]
    cell.metadata["scrolled"] = {"no": "bool"}
    nb.metadata = {"widgets": [], "language": 7, "kernelspec": "R", "colab": {}}
    result = repaired(nb)
    assert result.notes == []
    assert result.notebook.cells == intact().cells
    assert result.notebook.metadata.kernelspec.name == "python3"


def test_nothing_is_executed(tmp_path):
    nb = intact()
    bomb = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).write_text('x')\n"
    for cell in nb.cells:
        cell.source = bomb + cell.source
        cell.metadata.pop("nbgrader", None)
    repaired(nb)
    assert not list(tmp_path.iterdir())


# --- the zoo: what students and their tools do to cells -------------------------------------------
#
# Each takes the honest student's notebook and returns it (or bytes) broken.

ZOO = {}


def exhibit(*notes, loses=()):
    def put(function):
        ZOO[function.__name__] = (function, notes, set(loses))
        return function

    return put


@exhibit("cell of `sigmoid` stood in the notebook more than once; the last one that defines its")
def copied_then_improved(nb):
    old = copy.deepcopy(the(nb, "sigmoid"))
    old.source, old.id = "def sigmoid(x):\n    return 0", "old"
    nb.cells.insert(at(nb, "sigmoid"), old)


@exhibit("the changed one counts")
def untouched_copy_after_it(nb):
    stub = copy.deepcopy(the(given(), "sigmoid"))
    stub.id = "again"
    nb.cells.insert(at(nb, "sigmoid") + 1, stub)


@exhibit(
    "`sigmoid` stood in the notebook more than once; the last one that defines its function counts"
)
def copied_to_try_something(nb):
    copied = copy.deepcopy(the(nb, "sigmoid"))
    copied.source, copied.id = "sigmoid(0)", "try"
    nb.cells.insert(at(nb, "plot_sigmoid"), copied)


@exhibit("set-up cell `setup` stood in the notebook more than once", "test of `relu` stood in the")
def locked_cells_copied(nb):
    for name in ("setup", "test_relu"):
        nb.cells.append(copy.deepcopy(the(nb, name)))


@exhibit(
    "The test of `sigmoid` was missing and put back.",
    "The set-up cells `setup` and `exhibit_diff` were missing and put back.",
)
def locked_cells_deleted(nb):
    for name in ("test_sigmoid", "setup", "exhibit_diff"):
        del nb.cells[at(nb, name)]


@exhibit(
    "The cell of `gradient_after` was missing and counts as not answered.", loses=["gradient_after"]
)
def solution_deleted(nb):
    del nb.cells[at(nb, "gradient_after")]


@exhibit("The tests of all exercises stood at other places and were put back.")
def all_tests_at_the_end(nb):
    tests = [cell for cell in nb.cells if key(cell).startswith("test_")]
    nb.cells = [cell for cell in nb.cells if cell not in tests] + tests


@exhibit("The cell of `relu` stood at another place and was put back.")
def a_chapter_moved_to_the_front(nb):
    block = nb.cells[at(nb, "relu_text") : at(nb, "identity_text")]
    nb.cells = block + [cell for cell in nb.cells if cell not in block]


@exhibit("The set-up cells all stood at other places and were put back.")
def upside_down(nb):
    nb.cells.reverse()


@exhibit("The cell of `sigmoid` had been split; its parts were joined.")
def split_with_both_marks(nb):
    cut(nb, "sigmoid", '"""\n', marked=True)


@exhibit("The cell of `sigmoid` had been split; its parts were joined.")
def split_without_the_second_mark(nb):
    cut(nb, "sigmoid", '"""\n', marked=False)


@exhibit("The cell of `tanh` had been split; its parts were joined.")
def split_within_a_line(nb):
    cut(nb, "tanh", "    return ", marked=True)


@exhibit("The cell of `why_relu` had been split; its parts were joined.")
def answer_in_words_split(nb):
    cut(nb, "why_relu", ". ", marked=True)


@exhibit("test of `sigmoid` was not as released; the course's own text is used.")
def half_a_test(nb):
    cut(nb, "test_sigmoid", "\n", marked=False)


def cut(nb, name, where, *, marked):
    """Split a cell as JupyterLab does (a copy of the metadata) or as the old notebook did."""
    index = at(nb, name)
    cell = nb.cells[index]
    end = cell.source.rindex(where) + len(where)
    second = copy.deepcopy(cell)
    second.id = "second"
    cell.source, second.source = cell.source[:end].strip("\n"), cell.source[end:].strip("\n")
    if not marked:
        second.metadata = {}
    nb.cells.insert(index + 1, second)


@exhibit("The test of `sigmoid` was recognized by its text and cut out of another cell.")
def answer_and_test_merged(nb):
    merge(nb, "sigmoid", "test_sigmoid")


@exhibit(
    "The tests of `sigmoid`, `tanh` and `relu` were recognized by their texts and cut",
    "The cells of `tanh` and `relu` had lost nbgrader's marks",
)
def many_cells_merged(nb):
    merge(nb, "sigmoid", "test_relu")


@exhibit(
    "The cell of `relu` had lost nbgrader's mark and was recognized by the function that it "
    "defines."
)
def merged_into_the_text_above(nb):
    merge(nb, "relu_text", "relu")


@exhibit(
    "The cells of `step_function`, `sigmoid`, ",
    "had lost nbgrader's marks and were recognized by the functions that they define.",
)
def all_merged_into_one(nb):
    nb.cells = [new_code_cell("\n\n".join(cell.source for cell in nb.cells))]


def merge(nb, first, last):
    """Merge cells as JupyterLab does: the first one's type and metadata, all texts."""
    start, end = at(nb, first), at(nb, last) + 1
    nb.cells[start].source = "\n\n".join(cell.source for cell in nb.cells[start:end])
    del nb.cells[start + 1 : end]


@exhibit("The cell of `sigmoid` had been turned into text and was turned back.")
def retyped_to_text(nb):
    retype(nb, "sigmoid", "markdown")


@exhibit("had been turned into raw text", "had been turned into code")
def retyped_otherwise(nb):
    retype(nb, "relu", "raw")
    retype(nb, "test_relu", "markdown")
    retype(nb, "why_relu", "code")
    retype(nb, "setup", "nonsense")


def retype(nb, name, kind):
    the(nb, name).cell_type = kind


@exhibit(
    "The tests of all exercises had lost nbgrader's marks and were recognized by their texts.",
    "The cells of all exercises had lost nbgrader's marks and were recognized by their cell ids.",
)
def marks_lost(nb):
    for cell in nb.cells:
        cell.metadata = {}


@exhibit(
    "The tests of all exercises had lost nbgrader's marks and were recognized by their texts.",
    "The set-up cells all had lost nbgrader's marks",
    "recognized by the functions that they define",
    "The cells of `why_saturation`, `why_relu` and `why_invention` had lost nbgrader's marks",
)
def marks_and_ids_lost(nb):
    for number, cell in enumerate(nb.cells):
        cell.metadata = {"id": f"colab{number}"}
        del cell["id"]
    nb.nbformat_minor = 0


@exhibit()
def ids_lost(nb):
    for cell in nb.cells:
        del cell["id"]
    nb.nbformat_minor = 4


@exhibit()
def ids_all_the_same(nb):
    for cell in nb.cells:
        cell.id = "same"


@exhibit()
def ids_that_are_none(nb):
    for cell, name in zip(nb.cells, ["", "ä ö", "x" * 99, 7, None, [], {}] * 20, strict=False):
        cell["id"] = name


@exhibit("The cell of `sigmoid` was as released; the answer was found in another cell.")
def answered_in_a_cell_of_ones_own(nb):
    nb.cells.append(new_code_cell(the(nb, "sigmoid").source))
    the(nb, "sigmoid").source = the(given(), "sigmoid").source


@exhibit("The cell of `why_relu` was as released; the answer was found in another cell.")
def answered_in_words_below(nb):
    nb.cells.insert(at(nb, "why_relu") + 1, new_raw_cell(the(nb, "why_relu").source))
    the(nb, "why_relu").source = "YOUR ANSWER HERE"


@exhibit("The test of `sigmoid` was not as released; the course's own text is used.")
def answered_in_the_test_cell(nb):
    the(nb, "test_sigmoid").source = (
        the(nb, "sigmoid").source + "\n\n" + the(nb, "test_sigmoid").source
    )
    the(nb, "sigmoid").source = the(given(), "sigmoid").source


@exhibit(
    "set-up cell `setup` was not as released; the course's own text is used.", loses=["sigmoid"]
)
def an_import_added_to_the_set_up_cell(nb):
    the(nb, "setup").source = the(nb, "setup").source.replace("\n", "\nimport math\n", 1)
    the(nb, "sigmoid").source += "\n\n\nmath.pi"


@exhibit("The cells of all exercises had their nbgrader marks changed; they were put back.")
def marks_forged(nb):
    for cell in nb.cells:
        if key(cell):
            cell.metadata.nbgrader |= {"points": 1000, "grade": True, "locked": 3}


@exhibit("The cells of all exercises had their nbgrader marks changed; they were put back.")
def solution_marks_removed(nb):
    for cell in nb.cells:
        if key(cell):
            cell.metadata.nbgrader.solution = False


@exhibit("The test of `sigmoid` stood in the notebook more than once; one is kept.")
def forged_test_before_the_true_one(nb):
    forged = copy.deepcopy(the(nb, "test_sigmoid"))
    forged.source, forged.id = "4", "forged"
    nb.cells.insert(at(nb, "sigmoid"), forged)


@exhibit("The test of `sigmoid` was not as released; the course's own text is used.")
def forged_test(nb):
    the(nb, "test_sigmoid").source = "4"


@exhibit("No cell of this assignment has the mark `bonus`; it was ignored.")
def forged_question(nb):
    marks = the(nb, "test_relu").metadata.nbgrader | {"grade_id": "bonus"}
    nb.cells.append(new_code_cell("100", metadata={"nbgrader": marks}))


@exhibit("of an older form")
def schema_one(nb):
    for cell in nb.cells:
        if key(cell):
            cell.metadata.nbgrader.schema_version = 1
            for name in ("task", "cell_type"):
                cell.metadata.nbgrader.pop(name, None)


@exhibit("of an older form")
def schema_two_on_some(nb):
    the(nb, "sigmoid").metadata.nbgrader.schema_version = 2
    del the(nb, "sigmoid").metadata.nbgrader["checksum"]


@exhibit("had lost nbgrader's marks")
def metadata_of_wrong_types(nb):
    for cell, value in zip(nb.cells, [7, "x", [], None, {"nbgrader": 7}] * 20, strict=False):
        cell["metadata"] = value


@exhibit("The cells of all exercises had lost nbgrader's marks", "recognized by their cell ids.")
def grade_ids_of_wrong_types(nb):
    odd = [7, None, [], {}, True, float("nan")]
    for cell, value in zip(filter(key, nb.cells), odd * 20, strict=False):
        cell.metadata.nbgrader["grade_id"] = value


@exhibit()
def cells_that_are_none(nb):
    nb.cells += [7, "cell", None, [], {}, {"cell_type": []}, {"source": 7}, {"source": [7, None]}]


@exhibit()
def source_in_lines(nb):
    for cell in nb.cells:
        cell["source"] = cell["source"].splitlines(keepends=True)


@exhibit()
def windows_line_ends_in_cells(nb):
    for cell in nb.cells:
        cell["source"] = cell["source"].replace("\n", "\r\n")


@exhibit(loses=["relu", "tanh"])
def source_missing(nb):
    del the(nb, "relu")["source"]
    the(nb, "tanh")["source"] = {"def": "tanh"}


@exhibit()
def half_characters_and_nul(nb):
    nb.cells.append(new_code_cell("x = '\ud800' + '\0'", id="odd"))
    the(nb, "sigmoid")["source"] = "\0" + the(nb, "sigmoid").source


@exhibit()
def attachments_of_wrong_types(nb):
    for cell, value in zip(nb.cells, [7, [], {"a": 7}, {"a": {"b": 7}}] * 20, strict=False):
        cell["attachments"] = value


FOUR = ["step_function", "sigmoid", "tanh", "relu"]


@exhibit(
    "The cells of `step_function`, `sigmoid`, `tanh` and `relu` were missing and count as not "
    "answered.",
    loses=FOUR,
)
def four_answers_deleted(nb):
    for name in FOUR:
        del nb.cells[at(nb, name)]


@exhibit("The cell of `relu` had lost nbgrader's mark and was recogn", loses=["sigmoid"])
def two_answers_in_the_cell_of_one(nb):
    the(nb, "sigmoid").source += "\n\n\n" + the(nb, "relu").source  # it stays there too
    del nb.cells[at(nb, "relu")]


@exhibit("The cell of `relu` had lost nbgrader's mark ", "The cell of `tanh` was as released")
def two_answers_in_a_cell_of_ones_own(nb):
    both = the(nb, "relu").source + "\n\n\n" + the(nb, "tanh").source
    nb.cells.append(new_code_cell(both))
    del nb.cells[at(nb, "relu")]
    the(nb, "tanh").source = the(given(), "tanh").source


@exhibit("The cell of `sigmoid` had been split; its parts were joined.", loses=["sigmoid"])
def split_with_the_indentation_lost(nb):
    the(nb, "sigmoid").source = 'def sigmoid(x):\n    """Sigmoid."""\n    '
    nb.cells.insert(at(nb, "sigmoid") + 1, new_code_cell("return 1 / (1 + np.exp(-x))"))


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_of_broken_notebooks(name):
    break_it, notes, loses = ZOO[name]
    nb = intact()
    broken = break_it(nb)
    result = repaired(broken or nb)
    assert lost(result) == loses
    for part in notes:
        assert part.lower() in "\n".join(result.notes).lower(), result.notes
    if not notes:
        assert result.notes == []


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["relu"], "The cell of `relu` was missing and counts as not answered."),
        (
            ["tanh", "relu"],
            "The cells of `tanh` and `relu` were missing and count as not answered.",
        ),
        (
            ["sigmoid", "tanh", "why_relu"],
            "The cells of `sigmoid`, `tanh` and `why_relu` were missing and count as not answered.",
        ),
    ],
)
def test_a_note_tells_of_one_cell_or_of_many(names, sentence):
    nb = intact()
    for name in names:
        del nb.cells[at(nb, name)]
    assert repaired(nb).notes == [sentence]


@pytest.mark.parametrize(
    ("marks", "sentence"),
    [
        (["x"], "No cell of this assignment has the mark `x`; it was ignored."),
        (["x", "y"], "No cell of this assignment has the mark `x` or `y`; they were ignored."),
        (
            ["a", "b", "c", "d", "e", "f", "g"],
            "No cell of this assignment has the mark `a`, `b`, `c`, `d`, `e` or 2 more; they were "
            "ignored.",
        ),
    ],
)
def test_unknown_marks_are_named(marks, sentence):
    nb = intact()
    for mark in marks:
        marked = {"nbgrader": {"grade_id": mark, "schema_version": 3}}
        nb.cells.append(new_code_cell("1", metadata=marked))
    assert repaired(nb).notes == [sentence]


RUN = [name for name in ZOO if not ZOO[name][2] or name == "an_import_added_to_the_set_up_cell"]


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_repaired_notebooks_run_and_earn_what_they_did(name):
    nb = intact()
    ZOO[name][0](nb)
    assert score(repaired(nb).notebook) == full_score()


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory, empty_gradebook):
    """A function that passes a notebook through nbgrader's sanitizing steps."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "source/01_activations", root / "source/01_activations")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copy(empty_gradebook, root / "gradebook.db")
    own = load_config(root)
    folders = CourseDirectory(config=own, assignment_id="01_activations")
    assert capture_log(GenerateAssignment(coursedir=folders, config=own))["success"]
    marks = {"assignment": "01_activations", "notebook": "activations", "student": "ada"}

    def sanitize(nb):
        nb = copy.deepcopy(nb)
        resources = {"nbgrader": {**marks, "db_url": folders.db_url}}
        for step in own.Autograde.sanitize_preprocessors:
            if step is LetOut:  # looks at the folder, not at the notebook
                continue
            nb, resources = step(config=own).preprocess(nb, resources)
        return nb

    return sanitize


def test_nbgraders_own_steps_find_nothing_to_do(sanitized, caplog):
    for break_it, _, _ in ZOO.values():
        nb = intact()
        break_it(nb)
        result = repaired(nb).notebook
        caplog.clear()
        clean = sanitized(result)
        complaints = [r.getMessage() for r in caplog.records if "checksum" not in r.getMessage()]
        assert complaints == []
        assert [key(cell) for cell in clean.cells] == [key(cell) for cell in result.cells]
        tests = [cell for cell in clean.cells if key(cell).startswith("test_")]
        assert all(cell.source == the(source(), key(cell)).source for cell in tests)
        assert answers(clean) == answers(result)


def test_a_split_cell_is_whole_again():
    nb = intact()
    split_with_the_indentation_lost(nb)
    mended = answers(repaired(nb).notebook)["sigmoid"]
    assert mended == 'def sigmoid(x):\n    """Sigmoid."""\n    return 1 / (1 + np.exp(-x))'


def test_nothing_is_left_of_a_test_that_was_split():
    nb = intact()
    half_a_test(nb)
    assert repaired(nb).notebook.cells == intact().cells


def test_the_true_test_is_taken_and_the_forged_one_runs_as_the_students():
    nb = intact()
    forged_test_before_the_true_one(nb)
    result = repaired(nb)
    assert len(result.notes) == 1
    place = at(result.notebook, "test_sigmoid")
    assert [c.source for c in result.notebook.cells[place - 2 : place - 1]] == ["4"]
    assert [key(c) for c in result.notebook.cells[place - 2 :][:3]] == [
        "",
        "sigmoid",
        "test_sigmoid",
    ]


def test_what_is_put_back_stands_among_its_neighbours():
    nb = intact()
    setup = at(nb, "setup")
    for name in ("setup", "relu", "test_tanh"):
        del nb.cells[at(nb, name)]
    nb.cells.insert(setup, new_code_cell("rng = np.random.default_rng()", id="after_setup"))
    nb.cells.insert(at(nb, "test_relu"), new_code_cell("x0 = 1", id="before_relu"))
    nb.cells.insert(at(nb, "tanh") + 1, new_code_cell("x1 = 1", id="before_test_tanh"))
    ids = [cell.id for cell in repaired(nb).notebook.cells]
    for name in ("setup after_setup", "before_relu relu test_relu", "before_test_tanh test_tanh"):
        first, *others = name.split()
        start = ids.index(first)
        assert ids[start : start + len(others) + 1] == [first, *others]


def test_a_blank_release_has_nothing_to_repair_and_stays_blank():
    blank = given()
    result = repaired(blank)
    assert result.notes == []
    assert all(
        STUB in text or text == "YOUR ANSWER HERE" for text in answers(result.notebook).values()
    )
    for cell in result.notebook.cells:
        if key(cell):  # so nbgrader says "No response"
            assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


# --- the zoo of files -----------------------------------------------------------------------------


def pretty():
    """Return the honest notebook as Jupyter writes it."""
    return _intact()


def test_encodings():
    text = pretty()
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        result = repaired(text.encode(encoding))
        assert lost(result) == set()
        assert result.notebook.cells == intact().cells
        assert len(result.notes) == (encoding != "utf-8-sig")
    result = repaired(text.replace("\n", "\r\n").encode())
    assert result.notes == []
    assert result.notebook.cells == intact().cells


def test_western_european_bytes():
    nb = intact()
    the(nb, "why_relu").source = "Größe über alles – naïve"
    text = json.dumps({"cells": nb.cells}, ensure_ascii=False)
    data = "".join(c if c.isascii() or c in "öüß–ï" else "?" for c in text).encode("cp1252")
    result = repaired(data)
    assert answers(result.notebook)["why_relu"] == "Größe über alles – naïve"
    assert "Western European" in result.notes[0]
    broken = pretty().encode().replace(b"learn", b"l\xffarn")
    assert "were replaced" in repaired(broken).notes[0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_breaks_off_keeps_its_whole_cells(share):
    text = pretty()
    result = repaired(text[: int(len(text) * share)].encode())
    kept = text[: int(len(text) * share)].count('"solution": true')
    assert len(lost(result)) <= len(answers(intact())) - kept + 1
    assert "damaged" in result.notes[0]


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"cell_type": "code"', '"cell_type": "code'),  # a quote is missing
        ('"cell_type": "code",', '"cell_type": "code"'),  # a comma is missing
        ("},", "},,"),
        ('"outputs": []', '"outputs": [,]'),
        ('"metadata": {}', '"metadata": {'),
        ("def relu(x)", 'def "relu"(x)'),  # quotes that are not escaped
    ],
)
def test_one_defect_in_the_json_costs_at_most_one_answer(indent, old, new):
    text = json.dumps(intact(), indent=indent)
    for position in [0, len(text) // 3, len(text) // 2]:
        at_ = text.find(old, position)
        if at_ < 0:
            continue
        result = repaired((text[:at_] + new + text[at_ + len(old) :]).encode())
        assert len(lost(result)) <= 1
        assert result.notes


def test_of_a_damaged_cell_what_can_be_read_is_kept():
    text = pretty()
    quoted = text.replace("def relu(x)", 'def relu("x")').replace("def tanh(x)", 'def tanh("x")')
    result = repaired(quoted.encode())
    for name in ("relu", "tanh"):
        right = answers(intact())[name].replace(f"{name}(x)", f'{name}("x")', 1)
        assert answers(result.notebook)[name] == right
    assert lost(result) == {"relu", "tanh"}
    end = text.index("return", text.index("def relu(x)"))
    cut_off = answers(repaired(text[:end].encode()).notebook)
    assert cut_off["relu"] in answers(intact())["relu"]
    assert cut_off["relu"].startswith("def relu(x):")
    one_line = json.dumps(json.loads(text))
    cut_off = answers(
        repaired(one_line[: one_line.index("return", one_line.index("def relu"))].encode()).notebook
    )
    assert cut_off["relu"].startswith("def relu(x):")


def test_line_breaks_that_are_not_escaped_and_what_follows_the_end():
    text = json.dumps(intact())
    result = repaired(text.replace("\\n", "\n").encode())
    assert result.notebook.cells == intact().cells
    assert result.notes == ["The file was not valid JSON; its faults were passed over."]
    for odd in (text + "\n}}garbage", "\ufeff// " + text, text + text):
        assert repaired(odd.encode()).notebook.cells == intact().cells


def test_numbers_that_json_does_not_have():
    nb = intact()
    the(nb, "test_relu").metadata.nbgrader.points = float("nan")
    result = repaired(as_bytes(nb))
    assert result.notes == [
        "The test of `relu` had its nbgrader marks changed; they were put back."
    ]
    text = json.dumps(intact()).replace('"points": 4', '"points": ' + "9" * 5000)
    assert lost(repaired(text.encode())) == set()


def test_a_merge_conflict():
    conflict = "<<<<<<< HEAD\n{}=======\n  garbage\n>>>>>>> theirs\n"
    lines = pretty().splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if "def relu" in line)
    lines[place] = conflict.format(lines[place])
    result = repaired("".join(lines).encode())
    assert lost(result) == set()
    assert "merge conflict" in result.notes[0]


def test_a_notebook_written_as_python_writes_a_dict():
    result = repaired(str(json.loads(pretty())).encode())
    assert result.notebook.cells == intact().cells
    assert len(result.notes) == 1


def test_the_same_key_twice():
    text = pretty().replace('"cell_type": "code",', '"cell_type": "raw", "cell_type": "code",')
    assert repaired(text.encode()).notebook.cells == intact().cells


def test_format_three():
    nb = intact()
    old = nbformat.v4.downgrade(copy.deepcopy(nb))
    assert lost(repaired(as_bytes(old))) == set()
    for cell in old.worksheets[0].cells:
        cell.metadata = {}
    assert lost(repaired(as_bytes(old))) <= {"why_relu", "why_saturation"}


def test_what_the_server_hands_out():
    content = {"type": "notebook", "format": "json", "content": intact()}
    assert repaired(as_bytes(content)).notebook.cells == intact().cells


def test_a_python_script_has_its_functions_taken():
    script = "#!/usr/bin/env python\n# coding: utf-8\n\n"
    for cell in intact().cells:
        if cell.cell_type == "code":
            script += f"# In[ ]:\n\n\n{cell.source}\n\n\n"
        else:
            script += "".join(f"# {line}\n" for line in cell.source.split("\n")) + "\n\n"
    for text in (script, script.replace("# In[ ]:\n", "")):
        result = repaired(text.encode())
        assert "Python script" in result.notes[0]
        assert score(result.notebook) == full_score()


def test_a_zip_archive_has_its_notebook_taken():
    assert lost(repaired(zipped({"a/x.ipynb": pretty(), "__MACOSX/x.ipynb": "?"}))) == set()
    for files in ({}, {"a.ipynb": "", "b.ipynb": ""}, {"a.py": ""}):
        assert "zip archive, not a notebook; it holds " in repaired(zipped(files)).notes[0]
    assert repaired(b"PK\x03\x04 and no more").notes
    bomb = zipped({"x.ipynb": '{"cells": [' + " " * (64 << 20)})
    assert len(bomb) < 1 << 20
    assert repaired(bomb).notes


def test_of_what_an_archive_unpacks_to_no_more_than_its_bound_is_read(monkeypatch):
    assert salvage.MAX_UNZIPPED == 128 << 20
    text = pretty()
    archive = zipped({"x.ipynb": text + " " * 10_000})
    monkeypatch.setattr(salvage, "MAX_UNZIPPED", len(text.encode()) + 10)
    assert len(salvage._unzipped(archive, "x")[0]) == len(text.encode()) + 10
    assert lost(repaired(archive)) == set()
    monkeypatch.setattr(salvage, "MAX_UNZIPPED", 1_000)
    assert lost(repaired(archive)) != set()


def test_brackets_that_are_dropped_unread_are_counted_to_two_million(monkeypatch):
    assert salvage.MAX_BRACKETS == 2_000_000
    monkeypatch.setattr(salvage, "MAX_TEXT", 400)
    monkeypatch.setattr(salvage, "MAX_BRACKETS", 1_000)
    for pairs, left in ((400, b'{"outputs": [], "source": ""}'), (600, None)):
        data = b'{"outputs": [' + b"[]," * pairs + b'[]], "source": ""}'
        assert salvage._without(salvage._BULK, data) == (left or data)
    several = b'{"outputs": [' + b"[]," * 300 + b"[]]}"  # they are counted of the whole file
    kept = salvage._without(salvage._BULK, several * 3)
    assert kept == b'{"outputs": []}' + several * 2


def test_of_a_file_full_of_broken_cells_two_hundred_are_tried(monkeypatch):
    tried = []

    class Decoder:
        def raw_decode(self, text, start):
            tried.append(start)
            return original.raw_decode(text, start)

        def decode(self, text):
            return original.decode(text)

    original = salvage._DECODER
    monkeypatch.setattr(salvage, "_DECODER", Decoder())
    broken = '{"cell_type": "code", "source": [1 2]}\n'
    whole = '{"cell_type": "code", "metadata": {}, "source": "x = 1"}\n'
    assert salvage._fragments(broken * 200 + whole)[-1].source == "x = 1"
    tried.clear()
    salvage._fragments(broken * 1_000 + whole)
    assert len(tried) == salvage.MAX_FAILURES + 1 == 201


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "not a notebook"),
        (b" \n\0\0", "is empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"I did not manage to finish, sorry.", "no cell can be found"),
        (b"null", "no cell can be found"),
        (b"{}", "is JSON, but not a notebook"),
        (b'{"a": [1, 2]}', "is JSON, but not a notebook"),
        (b"[1, 2]", "is JSON, but not a notebook"),
        (b'{"cells": []}', "no cells"),
        (b'{"cells": {}, "worksheets": 7}', "not a notebook"),
        (b"[" * 100_000, "no cell can be found"),
        (b'{"a":' * 100_000, "no cell can be found"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "a picture"),
        (random.Random(1).randbytes(100_000), "binary data"),
    ],
)
def test_files_that_hold_nothing(data, words):
    result = repaired(data)
    assert words in result.notes[0]
    assert result.notes[-1] == "Nothing counts as answered."
    assert result.notebook.cells == given().cells


# --- size -----------------------------------------------------------------------------------------


@contextmanager
def at_most(seconds):
    """Bound the computing of what needs a few seconds, but hours if its time grew as a square."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def test_ten_thousand_cells():
    nb = intact()
    nb.cells += [new_code_cell(f"x{i} = {i}", id=f"x{i}") for i in range(10_000)]
    data = as_bytes(nb)
    with at_most(60):
        result = repaired(data)
    assert result.notes == []
    assert result.notebook.cells == nb.cells


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["copies", "reversed", "unmarked", "halves"])
def test_ten_thousand_cells_that_all_want_repair(kind):
    nb = intact()
    one = copy.deepcopy(the(nb, "sigmoid"))
    more = [copy.deepcopy(one) for _ in range(10_000)]
    for i, cell in enumerate(more):
        cell.source = "    return x" if kind == "halves" else f"{one.source}\n# {i}"
        if kind in ("unmarked", "halves"):
            cell.metadata = {}
    nb.cells += more
    if kind == "reversed":
        nb.cells.reverse()
    with at_most(60):
        result = repaired(nb)
    assert result.notes or kind in ("unmarked", "halves")


@pytest.mark.slow
def test_too_many_cells():
    nb = intact()
    nb.cells += [{"cell_type": "code", "source": "1"}] * MAX_CELLS
    result = repaired(json.dumps(nb).encode())
    assert lost(result) == set()
    assert f"the first {MAX_CELLS} were read" in result.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["one string", "many lines", "widgets"])
def test_two_hundred_megabytes_of_outputs(shape):
    nb = intact()
    huge = ["x" * (200 << 20)] if shape == "one string" else ["numbers 1 2 3 4 5 6 7\n"] * 8_000_000
    if shape == "widgets":
        nb.metadata["widgets"] = {"state": {"a": {"b": huge}}}
    else:
        the(nb, "sigmoid").outputs = [{"output_type": "stream", "name": "stdout", "text": huge}]
    data = json.dumps(nb).encode()
    del nb, huge
    assert len(data) > 190 << 20
    tracemalloc.start()
    with at_most(60):
        result = repaired(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(data)
    assert lost(result) == set()
    assert result.notes == []


def test_pictures_of_thirty_megabytes_cost_no_answer():
    nb = intact()
    nb.cells[0].attachments = {"a.png": {"image/png": "aGk=" * (8 << 20)}}
    result = repaired(nb)
    assert lost(result) == set()
    assert result.notes == ["The pictures in its text cells were too large and were left out."]
    assert "attachments" not in result.notebook.cells[0]


def test_fifty_megabytes_of_outputs_in_an_archive_cost_no_answer():
    nb = intact()
    text = "a" * (50 << 20)
    the(nb, "sigmoid").outputs = [{"output_type": "stream", "name": "stdout", "text": text}]
    result = repaired(zipped({"x.ipynb": json.dumps(nb)}))
    assert lost(result) == set()
    assert result.notes == ["The file was a zip archive; the notebook in it was taken."]


def test_files_that_are_too_large():
    assert "larger than 256 MB" in repaired(bytes(MAX_BYTES + 1)).notes[0]
    nb = intact()
    the(nb, "sigmoid").source += "#" * MAX_TEXT
    assert " MB; more than 16 MB are not read." in repaired(nb).notes[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ['{"id":', "[],", '{"cell_type":', '"outputs":[', '{"source":["', "\\", "<<<<<<<\n", '"'],
)
def test_hostile_files_take_no_more_than_seconds(unit):
    data = ('{"cells": [' + unit * ((8 << 20) // len(unit))).encode()
    with at_most(60):
        assert repaired(data).notes


# --- whatever else --------------------------------------------------------------------------------

FUZZ = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
KEYS = (
    *("cells", "worksheets", "nbformat", "cell_type", "source", "input", "id", "outputs"),
    *("attachments", "metadata", "tags", "nbgrader", "grade_id", "points", "schema_version"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner | st.sampled_from(["code", "markdown", "sigmoid", "test_sigmoid", "setup"]),
        )
    ),
    max_leaves=30,
)


@FUZZ
@given_any(st.binary())
def test_any_bytes(data):
    repaired(data)


@FUZZ
@given_any(JSON, st.sampled_from([None, "cells", "worksheets"]))
def test_any_json(value, name):
    repaired(json.dumps({name: [value]} if name else value).encode())


@FUZZ
@given_any(st.integers(0, 1 << 30), st.integers(0, 40), st.binary(max_size=9))
def test_any_bytes_in_a_notebook(position, length, new):
    data = pretty().encode()
    position %= len(data)
    repaired(data[:position] + new + data[position + length :])


def shuffle(nb, rng):
    """Do one thing to a notebook that leaves the honest student's text in it."""
    i = rng.randrange(len(nb.cells))
    cell = nb.cells[i]
    what = rng.choice(["delete", "copy", "move", "retype", "mark", "marks", "id", "odd", "new"])
    if what == "delete" and cell["source"] not in answers(intact()).values():
        del nb.cells[i]
    elif what == "copy":
        nb.cells.insert(rng.randrange(len(nb.cells)), copy.deepcopy(cell))
    elif what == "move":
        nb.cells.insert(rng.randrange(len(nb.cells)), nb.cells.pop(i))
    elif what == "retype":
        cell["cell_type"] = rng.choice(["code", "markdown", "raw", "heading", 7])
    elif what == "mark":
        cell["metadata"] = rng.choice([{}, 7, {"nbgrader": []}, {"nbgrader": {"grade_id": 7}}])
    elif what == "marks" and isinstance(key(cell), str) and key(cell):
        name = rng.choice(["grade", "solution", "locked", "points", "schema_version", "task"])
        cell.metadata.nbgrader[name] = rng.choice([True, False, 0, 99, None, "x", [], -1])
    elif what == "id":
        cell["id"] = rng.choice(["", "same", 7, None])
    elif what == "odd":
        cell[rng.choice(["outputs", "execution_count", "attachments", "tags"])] = rng.choice(
            [7, {}]
        )
    else:
        nb.cells.insert(i, new_code_cell(rng.choice(["1 +", "x = 1", "%matplotlib inline", ""])))
    return nb


@FUZZ
@given_any(st.integers(0, 1 << 60))
def test_any_mutation_of_a_notebook_keeps_the_answers_in_code(seed):
    rng = random.Random(seed)
    nb = intact()
    for _ in range(rng.randrange(1, 12)):
        shuffle(nb, rng)
    kept = {name for name in answers(intact()) if not name.startswith("why")}
    assert not lost(repaired(as_bytes(nb))) & kept


@FUZZ
@given_any(st.integers(0, 1 << 60))
def test_repairing_twice_changes_nothing(seed):
    rng = random.Random(seed)
    nb = intact()
    for _ in range(rng.randrange(1, 12)):
        shuffle(nb, rng)
    once = repaired(as_bytes(nb))
    twice = repaired(as_bytes(once.notebook))
    assert twice.notes == []
    assert twice.notebook.cells == once.notebook.cells
