"""A source notebook is read once, and knows its exercises, its release and its bank."""

import nbformat
import pytest

from course.layout import load_config
from course.notebooks.cells import NotebookError, grade_id, is_solution
from course.notebooks.source import SourceNotebook, source_notebook, source_notebooks


@pytest.fixture
def path(course_root):
    return course_root / "source" / "01_doubling" / "doubling.ipynb"


def test_a_notebook_is_read_once(path, monkeypatch):
    reads = []
    read = nbformat.read
    monkeypatch.setattr(
        nbformat, "read", lambda *args, **rest: reads.append(1) or read(*args, **rest)
    )
    found = [source_notebook(path) for _ in range(3)]
    assert found[0] is found[1] is found[2]
    assert len(reads) == 1


def test_a_notebook_that_has_changed_is_read_again(path):
    before = source_notebook(path)
    path.write_text(path.read_text().replace("# Doubling", "# Doubling again"))
    after = source_notebook(path)
    assert after is not before
    assert (before.text.split()[:3], after.text.split()[:3]) != (after.text.split()[:3],) * 2


@pytest.mark.parametrize("name", ["specifications/doubling.py", "bank/doubling.toml"])
def test_a_notebook_beside_which_a_file_has_changed_is_read_again(path, name):
    before = source_notebook(path)
    (path.parent / name).parent.mkdir()
    (path.parent / name).write_text("")
    after = source_notebook(path)
    assert after is not before
    assert source_notebook(path) is after


def test_what_is_known_of_a_notebook(path):
    source = source_notebook(path)
    assert (str(source), source.assignment, source.folder) == (
        "doubling",
        "01_doubling",
        path.parent,
    )
    assert [exercise.id for exercise in source.exercises] == ["double", "quadruple"]
    assert "Hint 2" in source.text
    assert source.cell("test_double").metadata.nbgrader.points == 3
    assert source.cell("title").source == "# Doubling"
    assert not source.bank.answers
    with pytest.raises(KeyError):
        source.cell("treble")


def test_a_release_is_made_once_and_leaves_the_source_alone(path, course_root):
    source, config = source_notebook(path), load_config(course_root)
    text = nbformat.writes(source.notebook)
    released = source.released(config)
    assert source.released(load_config(course_root)) is released
    assert nbformat.writes(source.notebook) == text
    stubs = {grade_id(cell): cell.source for cell in released.cells if is_solution(cell)}
    assert "YOUR CODE HERE" in stubs["double"]
    assert "twice_as_much" not in stubs["double"]
    config.ClearSolutions.code_stub = {"python": "pass  # to be done"}
    other = source.released(config)
    assert "to be done" in other.cells[3].source


def test_one_that_was_made_in_memory_has_no_folder(source: SourceNotebook):
    with pytest.raises(FileNotFoundError, match="doubling was made in memory"):
        _ = source.folder


@pytest.mark.parametrize(
    ("name", "message"), [("none.ipynb", "no such file"), ("junk.ipynb", "not a notebook")]
)
def test_a_notebook_that_cannot_be_read_is_refused(tmp_path, name, message):
    (tmp_path / "junk.ipynb").write_text("{")
    with pytest.raises(NotebookError, match=message):
        source_notebook(tmp_path / name)


def test_a_courses_notebooks_stand_in_the_order_of_their_parts(path):
    folder = path.parent
    (folder / "zeros.ipynb").write_bytes(path.read_bytes())
    toml = (folder / "assignment.toml").read_text()
    part = '[[part]]\nnotebook = "zeros"\n\n[[part]]'
    (folder / "assignment.toml").write_text(toml.replace("[[part]]", part))
    names = ["zeros", "doubling"]
    assert [source.name for source in source_notebooks(folder.parent)] == names
    assert [source.name for source in source_notebooks(folder.parent, "01_doubling")] == names
