"""Running mutants: which survive, what ends one, what the bank may list, what is printed."""

import resource

import nbformat
import numpy as np
import pytest

from course.authoring.mutation_testing import main, survivors, tallies
from course.notebooks.bank import BankError
from course.notebooks.cells import NotebookError
from course.notebooks.source import SourceNotebook, source_notebook

DOUBLE = """\
def double(x):
    ### BEGIN SOLUTION
    {body}
    ### END SOLUTION"""
TEST = """\
q = Question("Double", points=2)
with q.check("is right at 2"):
    assert_close(double(2), 4)
with q.check("is right at 0"):
    assert_close(double(0), 0)
q.score()"""
ENTRY = """
[[equivalent]]
exercise = "double"
edits = [{{ old = "{old}", new = "{new}" }}]
reason = "they are the same at 0 and 2"
"""


@pytest.fixture
def tried(notebook):
    """A function that makes a notebook of one exercise, tried at 0 and 2, with a given solution."""

    def make(body):
        cells = {cell.id: cell for cell in notebook.cells}
        cells["double"].source = DOUBLE.format(body=body.replace("\n", "\n    "))
        cells["test_double"].source = TEST
        notebook.cells = [cells[name] for name in ("imports", "double", "test_double")]
        return notebook

    return make


@pytest.fixture
def on_disk(tried, course_root):
    """A function that writes such a notebook, `return 2 * x`, and a bank with these edits."""

    def write(*edits):
        bank = course_root / "source" / "01_doubling" / "bank" / "doubling.toml"
        bank.parent.mkdir()
        bank.write_text("".join(ENTRY.format(old=old, new=new) for old, new in edits))
        path = course_root / "source" / "01_doubling" / "doubling.ipynb"
        nbformat.write(tried("return 2 * x"), path)
        return path

    return write


def lines(nb):
    ((exercise, made, alive),) = survivors(SourceNotebook("doubling", "", nb))
    assert exercise.id == "double"
    assert len(made) > len(alive)
    return {mutant.after for mutant in alive}


def test_a_mutant_survives_if_no_check_sees_it(tried):
    assert lines(tried("return 2 * x")) == set()
    assert lines(tried("return x + x")) == {"return x * x"}


def computed_by_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_mutant_that_never_ends_is_killed_long_before_the_clock_would(tried):
    before = computed_by_children()
    alive = lines(tried("while x < 0:\n    x = 0\nreturn 2 * x"))
    assert "while x <= 0:" not in alive
    assert "while True:" not in alive
    assert "while False:" in alive
    assert computed_by_children() - before < 60


def test_a_mutant_that_ends_python_is_killed(tried):
    alive = lines(tried("if x > 9:\n    raise SystemExit\nreturn 2 * x"))
    assert "if x <= 9:" not in alive
    assert "if x >= 9:" in alive


def test_mutants_leave_no_trace(tried, capfd):
    alive = lines(tried("np.seen = x\nprint(x)\nreturn 2 * x"))
    assert {"pass", "np.seen = -x", "print()"} <= alive
    assert not hasattr(np, "seen")
    assert capfd.readouterr() == ("", "")


def test_a_reference_that_loses_marks_is_refused(tried):
    with pytest.raises(NotebookError, match="the reference solution of double loses marks"):
        list(survivors(SourceNotebook("doubling", "", tried("return 3 * x"))))


def test_the_bank_tells_survivors_from_equivalent_mutants(on_disk, tried):
    path = on_disk(("x + x", "x * x"))
    nbformat.write(tried("return x + x"), path)
    (tally,) = tallies(source_notebook(path))
    assert (tally.survivors, len(tally.equivalent), tally.stale) == ((), 1, ())
    assert tally.killed == tally.total - 1
    assert list(tally.complaints()) == []


def test_an_entry_that_no_survivor_is_like_is_stale(on_disk):
    (tally,) = tallies(source_notebook(on_disk(("2 * x", "2 + x"))))
    assert len(tally.stale) == 1
    assert "“2 * x” → “2 + x” (they are the same at 0 and 2)" in next(tally.complaints())


def test_some_mutants_and_those_that_the_bank_lists(on_disk, tried):
    path = on_disk(("x + x", "x * x"))
    nbformat.write(tried("return x + x"), path)
    (whole,) = tallies(source_notebook(path))
    (some,) = tallies(source_notebook(path), at_most=3)
    assert 3 <= some.total <= 4 < whole.total
    assert (len(some.equivalent), some.stale) == (1, ())
    assert list(tallies(source_notebook(path), at_most=3)) == [some]
    assert list(tallies(source_notebook(path), at_most=99)) == [whole]


def test_a_mutant_cannot_use_what_the_test_defines(tried):
    nb = tried("y = 2 * x\nreturn y")
    nb.cells[-1].source = (
        nb.cells[-1].source.replace("q = ", "y = 4\nq = ").replace("double(0), 0", "double(2), y")
    )
    assert "pass" not in lines(nb)


def test_a_bank_that_cannot_be_read_is_refused(on_disk):
    path = on_disk(("2", "3"))
    bank = path.parent / "bank" / "doubling.toml"
    bank.write_text(bank.read_text().replace('"double"', '"treble"'))
    with pytest.raises(BankError, match="needs an exercise and a reason, not treble"):
        list(tallies(source_notebook(path)))


@pytest.fixture
def command(monkeypatch):
    """A function that runs the command with these arguments and returns its exit status."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["mutants", *map(str, arguments)])
        return main()

    return run


def test_the_command_finds_every_notebook(command, on_disk, monkeypatch, capsys):
    monkeypatch.chdir(on_disk().parent)
    assert command() == 0
    printed = capsys.readouterr().out
    assert "01_doubling/doubling.ipynb\n  double" in printed
    assert "0 survive; 0 stale entries" in printed


def test_the_command_shows_what_survives(command, on_disk, tried, capsys):
    path = on_disk(("2 * x", "2 + x"))
    nbformat.write(tried("return x + x"), path)
    assert command(path) == 1
    printed = capsys.readouterr().out
    assert "survives: - return x + x\n              + return x * x" in printed
    assert "1 survive; 1 stale entries" in printed


def test_the_command_ends_with_one_line_if_there_is_no_such_notebook(command, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        command(tmp_path / "none.ipynb")
    assert "none.ipynb: no such file" in capsys.readouterr().err
