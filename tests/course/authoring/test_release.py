"""Students' notebooks made from instructors' ones."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest

from course import rollback
from course.authoring import release
from course.authoring.release import check_current, leaks, make_release, people_wrote
from course.authoring.unchanged import RECORD
from course.layout import CourseError
from course.notebooks.cells import read

SOURCE = "source/01_doubling/doubling.ipynb"
RELEASED = "release/01_doubling/doubling.ipynb"


def nbgrader(root, *arguments):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)


def gradebook(root):
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        return sorted(connection.iterdump())


def tree(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def cell(nb, name):
    return next(cell for cell in nb.cells if cell.id == name)


def edit(path, name, old, new):
    nb = read(path)
    assert old in cell(nb, name).source
    cell(nb, name).source = cell(nb, name).source.replace(old, new)
    nbformat.write(nb, path)


def test_students_get_the_stub_the_visible_checks_and_the_figures(course_root):
    [result] = make_release(course_root)
    assert result.notebooks == (course_root / RELEASED,)
    assert result.changed
    nb = read(course_root / RELEASED)
    assert cell(nb, "double").source == (
        'def double(x):\n    """Return twice x, an array of any shape."""\n'
        "    # YOUR CODE HERE\n    raise NotImplementedError"
    )
    assert "gives the known values" in cell(nb, "test_double").source
    assert "is right anywhere" not in cell(nb, "test_double").source
    assert cell(nb, "why_twice").source == "YOUR ANSWER HERE"
    assert cell(nb, "imports").metadata.editable is False
    assert (course_root / "release/01_doubling/figures/doubling.png").read_bytes() == b"a picture"


def test_the_assignment_is_in_a_new_gradebook(course_root):
    (course_root / "gradebook.db").unlink()
    make_release(course_root)
    book = "\n".join(gradebook(course_root))
    assert "'01_doubling'" in book
    assert "is right anywhere" in book


def test_the_assignment_is_in_the_gradebook_that_is_configured(course_root, monkeypatch):
    shutil.move(course_root / "gradebook.db", course_root / "source/other.db")
    config = course_root / "nbgrader_config.py"
    url = "sqlite:///source/other.db?timeout=7"
    config.write_text(f'{config.read_text()}\nc.CourseDirectory.db_url = "{url}"\n')
    monkeypatch.chdir(course_root / "source")  # `course` is run wherever one is
    make_release(course_root)
    listed = nbgrader(course_root, "db", "assignment", "list")  # nbgrader, in the course's folder
    assert "01_doubling" in listed.stdout + listed.stderr
    assert not list(course_root.rglob("gradebook.db"))


def test_it_makes_the_same_bytes_each_time(course_root):
    make_release(course_root)
    first = tree(course_root / "release")
    shutil.rmtree(course_root / "release")
    make_release(course_root)
    assert tree(course_root / "release") == first


def test_making_it_again_changes_nothing(course_root):
    make_release(course_root)
    before = (course_root / RELEASED).stat().st_mtime_ns
    [result] = make_release(course_root)
    assert not result.changed
    assert (course_root / RELEASED).stat().st_mtime_ns == before


def test_a_newer_source_takes_the_place_of_the_old_release(course_root):
    make_release(course_root)
    (course_root / "source/01_doubling/figures/old.png").write_bytes(b"old")
    make_release(course_root)
    (course_root / "source/01_doubling/figures/old.png").unlink()
    edit(course_root / SOURCE, "title", "Doubling", "Twice as much")
    [result] = make_release(course_root)
    assert result.changed
    assert result.saved is None
    assert cell(read(course_root / RELEASED), "title").source == "# Twice as much"
    assert not (course_root / "release/01_doubling/figures/old.png").exists()
    assert not (course_root / "saved").exists()


def test_nothing_temporary_is_left(course_root):
    make_release(course_root)
    assert {path.name for path in course_root.iterdir()} == {
        "source",
        "release",
        "docs",
        "gradebook.db",
        RECORD,
        "nbgrader_config.py",
    }


def test_the_plain_command_makes_the_same(course_root):
    make_release(course_root)
    ours = tree(course_root / "release")
    shutil.rmtree(course_root / "release")
    nbgrader(course_root, "generate_assignment", "01_doubling")
    assert tree(course_root / "release") == ours
    assert check_current(course_root) == []
    nbgrader(course_root, "generate_assignment", "01_doubling", "--force")
    assert tree(course_root / "release") == ours


# --- what people wrote ----------------------------------------------------------------------------


def work(root):
    edit(root / RELEASED, "double", "raise NotImplementedError", "return 2 * x")


def run_cell(root):
    nb = read(root / RELEASED)
    cell(nb, "plot").outputs = [nbformat.v4.new_output("stream", text="an hour's work")]
    nbformat.write(nb, root / RELEASED)


def scribble(root):
    (root / "release/01_doubling/notes.txt").write_text("mine")


def draw(root):
    (root / "release/01_doubling/figures/doubling.png").write_bytes(b"mine")


def break_notebook(root):
    (root / RELEASED).write_text("{half a noteb")


def unseal(root):
    nb = read(root / RELEASED)
    del nb.metadata["seal"]
    nbformat.write(nb, root / RELEASED)


def add_notebook(root):
    nb = read(root / RELEASED)
    cell(nb, "double").source = "my own copy"
    nbformat.write(nb, root / "release/01_doubling/copy.ipynb")


WORK = {
    work: "doubling.ipynb",
    run_cell: "doubling.ipynb",
    break_notebook: "doubling.ipynb",
    unseal: "doubling.ipynb",
    add_notebook: "copy.ipynb",
    scribble: "notes.txt",
    draw: "figures/doubling.png",
}


@pytest.mark.parametrize("write", WORK, ids=lambda write: write.__name__)
def test_work_in_release_is_not_overwritten(course_root, write):
    make_release(course_root)
    book = gradebook(course_root)
    write(course_root)
    edit(course_root / SOURCE, "title", "Doubling", "Twice as much")
    before = tree(course_root / "release")
    with pytest.raises(CourseError, match=rf"release/01_doubling/{WORK[write]}.*worked in it"):
        make_release(course_root)
    assert tree(course_root / "release") == before
    assert gradebook(course_root) == book


@pytest.mark.parametrize("write", WORK, ids=lambda write: write.__name__)
def test_force_moves_work_to_saved(course_root, write):
    make_release(course_root)
    write(course_root)
    before = tree(course_root / "release/01_doubling")
    [result] = make_release(course_root, force=True)
    assert result.saved.is_relative_to(course_root / "saved")
    assert tree(result.saved) == before
    assert check_current(course_root) == []


def test_opening_and_saving_in_jupyterlab_is_no_work(course_root):
    make_release(course_root)
    nb = read(course_root / RELEASED)
    nb.metadata.language_info = {"name": "python", "version": "3.11.9"}
    nbformat.write(nb, course_root / RELEASED)
    (course_root / "release/01_doubling/.ipynb_checkpoints").mkdir()
    assert people_wrote(course_root / "release/01_doubling") == []
    make_release(course_root)
    assert check_current(course_root) == []


# --- failures leave everything as it was ----------------------------------------------------------


@pytest.fixture(params=["in a file", "of another kind"])
def database(request, monkeypatch):
    """A gradebook in a file, which is copied, or in another database, whose rows are put back."""
    if request.param == "of another kind":
        monkeypatch.setattr(rollback, "sqlite_file", lambda db_url: None)


def test_a_failed_step_leaves_release_and_gradebook_as_they_were(
    course_root, database, monkeypatch
):
    second = course_root / "source/02_again"
    shutil.copytree(course_root / "source/01_doubling", second)
    make_release(course_root)
    before, book = tree(course_root / "release"), gradebook(course_root)
    for chapter in ("01_doubling", "02_again"):
        path = course_root / "source" / chapter / "doubling.ipynb"
        edit(path, "test_double", "known values", "values that are known")
    generate = release._generate

    def fails_at_the_second(course, root, name, into):
        if name == "02_again":
            assert gradebook(root) != book  # the first has been entered anew by now
            raise CourseError("the disk is full")
        generate(course, root, name, into)

    monkeypatch.setattr(release, "_generate", fails_at_the_second)
    with pytest.raises(CourseError, match="the disk is full"):
        make_release(course_root)
    assert tree(course_root / "release") == before
    assert gradebook(course_root) == book


def test_a_first_release_that_fails_leaves_no_assignment(course_root, database):
    (course_root / "gradebook.db").unlink()
    folder = course_root / "source/01_doubling"
    toml = (folder / "assignment.toml").read_text()
    (folder / "assignment.toml").write_text(toml.replace("let_out = [", 'let_out = ["*.md", '))
    (folder / "notes.md").write_text("    twice_as_much = np.asarray(x) * 2")
    with pytest.raises(CourseError, match="would give this away"):
        make_release(course_root)
    if (course_root / "gradebook.db").exists():  # its tables stay where it isn't a file
        assert not any("doubling" in line for line in gradebook(course_root))


def test_a_gradebook_that_can_not_be_used_is_named_before_anything_is_made(course_root, database):
    (course_root / "gradebook.db").write_bytes(b"not a database, but long enough to look at" * 99)
    with pytest.raises(CourseError, match=r"gradebook \S+gradebook.db can't be used: file is not"):
        make_release(course_root)
    assert not (course_root / "release").exists()


def test_a_swap_that_fails_half_way_is_undone(course_root, monkeypatch):
    shutil.copytree(course_root / "source/01_doubling", course_root / "source/02_again")
    make_release(course_root)
    scribble(course_root)
    before, book = tree(course_root / "release"), gradebook(course_root)
    edit(course_root / "source/02_again/doubling.ipynb", "title", "Doubling", "Twice as much")
    rename = Path.rename

    def fails(path, target):
        if path.name == "02_again" and path.parent.name == "new":
            raise OSError("no space left")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no space left"):
        make_release(course_root, force=True)
    assert tree(course_root / "release") == before
    assert gradebook(course_root) == book


def test_a_notebook_that_was_handed_in_cannot_go(course_root, database):
    second = (course_root / SOURCE).with_name("second.ipynb")
    shutil.copy(course_root / SOURCE, second)
    toml = second.with_name("assignment.toml")
    one = toml.read_text()
    toml.write_text(one + '\n[[part]]\nnotebook = "second"\n')
    make_release(course_root)
    submitted = course_root / "submitted/ada/01_doubling"
    shutil.copytree((course_root / RELEASED).parent, submitted)
    nbgrader(course_root, "autograde", "01_doubling")
    second.unlink()
    toml.write_text(one)
    before, book = tree(course_root / "release"), gradebook(course_root)
    with pytest.raises(CourseError, match="Cannot modify existing assignment") as error:
        make_release(course_root)
    assert "\n" not in str(error.value)
    assert tree(course_root / "release") == before
    assert gradebook(course_root) == book


# --- refusals -------------------------------------------------------------------------------------


def test_a_broken_convention_is_refused_with_its_line(course_root):
    (course_root / "gradebook.db").unlink()
    edit(course_root / SOURCE, "test_double", "points=2", "points=5")
    with pytest.raises(CourseError, match=r"01_doubling/doubling.ipynb: test_double: the checks"):
        make_release(course_root)
    assert not (course_root / "release").exists()
    assert not (course_root / "gradebook.db").exists()


def test_a_notebook_that_cannot_be_read_is_refused(course_root):
    (course_root / SOURCE).write_text("{")
    with pytest.raises(CourseError, match="not a notebook"):
        make_release(course_root)


def test_an_unknown_assignment_is_refused(course_root):
    with pytest.raises(CourseError, match="source/ has no 09_x; it has: 01_doubling"):
        make_release(course_root, ["09_x"])


def test_a_course_without_notebooks_is_refused(course_root):
    shutil.rmtree(course_root / "source")
    with pytest.raises(CourseError, match="source/ has no notebook at all"):
        make_release(course_root)


def test_one_assignment_alone(course_root):
    shutil.copytree(course_root / "source/01_doubling", course_root / "source/02_again")
    told = []
    results = make_release(course_root, ["02_again"], progress=told.append)
    assert [result.assignment for result in results] == told == ["02_again"]
    assert not (course_root / "release/01_doubling").exists()


# --- secrets --------------------------------------------------------------------------------------

SECRETS = {
    "a line of a solution": "twice_as_much = np.asarray(x) * 2",
    "a line of a hidden test": "x = q.rng.normal(size=3)",
    "a model answer": "Because adding x to itself counts it twice.",
    "a mark scheme": "2 points for counting it twice",
    "a mark": "### BEGIN HIDDEN TESTS",
    "a line with quotes": 'with q.check("is right anywhere", points=2, essential=True):',
}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_found_in_a_released_file(notebook, name):
    released = json.dumps({"source": f"before\n  {SECRETS[name]}\nafter"})
    assert leaks(notebook, released)
    assert leaks(notebook, f"plain text: {SECRETS[name]}")


def test_what_stands_in_the_open_is_no_secret(notebook):
    cell(notebook, "title").source += "\n\nWe write `twice_as_much = np.asarray(x) * 2`."
    assert leaks(notebook, "twice_as_much = np.asarray(x) * 2") == []
    assert leaks(notebook, nbformat.writes(notebook))


def test_a_release_that_would_give_a_solution_away_is_not_made(course_root):
    secret = "    twice_as_much = np.asarray(x) * 2"
    folder = course_root / "source/01_doubling"
    (folder / "notes.md").write_text(secret)
    toml = (folder / "assignment.toml").read_text()
    (folder / "assignment.toml").write_text(
        toml.replace('let_out = ["figures/*.png"]', 'let_out = ["figures/*.png", "*.md"]')
    )
    with pytest.raises(CourseError, match=r"01_doubling/notes.md would give this away"):
        make_release(course_root)
    assert not (course_root / "release").exists()


# --- is it current? -------------------------------------------------------------------------------


def test_what_source_makes_is_compared_byte_for_byte(course_root):
    make_release(course_root)
    book = gradebook(course_root)
    assert check_current(course_root) == []
    (course_root / "release/01_doubling/figures/doubling.png").write_bytes(b"another")
    (course_root / "release/01_doubling/extra.txt").write_text("")
    (course_root / "release/00_old").mkdir()
    edit(course_root / SOURCE, "title", "Doubling", "Twice as much")
    assert check_current(course_root) == [
        "release/01_doubling/doubling.ipynb: not what source/ makes",
        "release/01_doubling/extra.txt: not made from source/",
        "release/01_doubling/figures/doubling.png: not what source/ makes",
        "release/00_old: not in source/",
        "docs/exercises.md: not what source/ makes",
    ]
    assert gradebook(course_root) == book


def test_a_file_that_is_missing_is_told(course_root):
    (course_root / "gradebook.db").unlink()
    assert check_current(course_root) == [
        "release/01_doubling/doubling.ipynb: missing",
        "release/01_doubling/figures/doubling.png: missing",
        "docs/exercises.md: missing",
    ]
    assert not (course_root / "gradebook.db").exists()
