"""What nbgrader's Validate says, by its own validator, of exercises in every state."""

import io
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps import NbGrader
from nbgrader.utils import compute_checksum
from nbgrader.validator import Validator

ROOT = Path(__file__).parents[2]
TESTS = {
    "wrong": "with q.check('holds'):\n    assert False, 'No: <b>' + 30 * ' never'\n"
    "with q.check('holds too'):\n    assert False",
    "blank": "with q.check('holds'):\n    raise NotImplementedError",
    "right": "with q.check('holds'):\n    pass",
    "broken": "print(undefined_thing)",
}


def marks(name, *, locked=False, **others):
    both = {"grade": True, "solution": False, "task": False, "points": 2, "schema_version": 3}
    return {"nbgrader": both | {"grade_id": name, "locked": locked} | others}


def locked(source, name):
    """Return a test cell as it is released, with its checksum."""
    cell = new_code_cell(source, metadata=marks(name, locked=True))
    cell.metadata.nbgrader.checksum = compute_checksum(cell)
    return cell


@pytest.fixture
def validate(tmp_path, monkeypatch):
    """Write a notebook and validate it with the course's configuration, or with another."""

    def done(
        tests=TESTS,
        answer="YOUR ANSWER HERE",
        change="",
        config=ROOT / "nbgrader_config.py",
        solution="",
    ):
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.chdir(tmp_path)
        shutil.copy(config, tmp_path / "nbgrader_config.py")
        cells = [new_code_cell("from helpers.checks import Question, assert_close")]
        cells += [new_code_cell(solution)] if solution else []
        for number, (name, test) in enumerate(tests.items(), 1):
            cells.append(
                new_markdown_cell(f"### Exercise 1.{number}: `{name}` (2 points)\n\nDo it.")
            )
            source = f"q = Question('The {name}', 2)\n{test}\nq.score()"
            cells.append(locked(source, f"test_{name}"))
        words = new_markdown_cell("YOUR ANSWER HERE", metadata=marks("why_it", solution=True))
        words.metadata.nbgrader.checksum = compute_checksum(words)
        words.source = answer
        next(cell for cell in cells if "q = " in cell.source).source += change
        cells.append(new_markdown_cell("### Exercise 1.9: why, in words"))
        nbformat.write(new_notebook(cells=[*cells, words]), tmp_path / "nb.ipynb")
        app = NbGrader()
        app.load_config_file()
        validator = Validator(config=app.config)
        validator.stream = io.StringIO()
        found = validator.validate(str(tmp_path / "nb.ipynb"))
        validator.validate_and_print(str(tmp_path / "nb.ipynb"))
        return found, validator.stream.getvalue()

    return done


def test_each_exercise_is_one_line_and_no_test_is_shown(validate):
    found, printed = validate()
    [only] = found["failed"]
    assert only["source"] == "5 exercises: 1 pass, 2 fail, 2 not attempted"
    lines = only["raw_error"].replace("\n    ", " ").splitlines()
    assert lines == [
        f"✗ 1.1 wrong: holds: No: <b>{30 * ' never'} (1 more)",
        "– 1.2 blank: not attempted yet.",
        "✓ 1.3 right: passes.",
        "✗ 1.4 broken: its checks stopped with NameError. name 'undefined_thing' is not defined",
        "– 1.9 why, in words: not answered yet.",
    ]
    assert "<b>" not in only["error"]
    for word in ("Question", "q.check", "Partial credit", "CELL(S)", "..."):
        assert word not in printed
    for line in only["raw_error"].splitlines():
        assert line in printed


def test_a_wrong_solution_is_told_with_its_diagnosis_and_the_right_one_passes(validate):
    test = "with q.check('gives the known values'):\n    assert_close(double([1, 2, 3]), [2, 4, 6])"
    tests = {"double": test, "right": TESTS["right"]}
    found, _ = validate(tests, solution="def double(x):\n    return [-2 * n for n in x]")
    [only] = found["failed"]
    assert only["source"] == "3 exercises: 1 pass, 1 fail, 1 not attempted"
    first, second, _ = only["raw_error"].replace("\n    ", " ").splitlines()
    assert first.startswith("✗ 1.1 double: gives the known values: Your result has the wrong sign")
    assert second == "✓ 1.2 right: passes."
    found, printed = validate(
        tests, "Because.", solution="def double(x):\n    return [2 * n for n in x]"
    )
    assert found == {}
    assert "Success" in printed


def test_nothing_is_said_where_all_passes(validate):
    found, printed = validate({"right": TESTS["right"]}, answer="Because.")
    assert found == {}
    assert "Success" in printed


def test_a_changed_test_cell_is_still_named(validate):
    found, _ = validate(change="\n# changed")
    assert "# changed" in found["changed"][0]["source"]


def test_without_the_configuration_it_is_nbgraders_own(validate, tmp_path):
    (tmp_path / "empty.py").write_text("")
    found, _ = validate(config=tmp_path / "empty.py")
    assert [len(found["failed"]), found["failed"][1]["raw_error"]] == [
        4,
        "The blank: not attempted yet.",
    ]
