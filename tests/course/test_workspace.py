"""A reader's own copy of the released notebooks."""

import platform

import pytest

from course.layout import CourseError
from course.notebooks.cells import read
from course.workspace import FOLDER, make_workspace, next_notebook


@pytest.fixture
def root(tmp_path):
    for name in ("a.ipynb", "figures/f.png", ".ipynb_checkpoints/a-checkpoint.ipynb"):
        path = tmp_path / "release" / "01" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("released")
    return tmp_path


def test_notebooks_and_figures_are_copied(root):
    made = make_workspace(root)
    assert made == [root / "my_work/01/a.ipynb", root / "my_work/01/figures/f.png"]
    assert [path.read_text() for path in made] == ["released"] * 2
    assert not (root / "my_work/01/.ipynb_checkpoints").exists()


def test_what_is_there_is_never_overwritten(root):
    make_workspace(root)
    (root / "my_work/01/a.ipynb").write_text("mine")
    (root / "my_work/01/figures/f.png").unlink()
    (root / "release/01/a.ipynb").write_text("a newer release")
    assert make_workspace(root) == [root / "my_work/01/figures/f.png"]
    assert (root / "my_work/01/a.ipynb").read_text() == "mine"
    assert make_workspace(root) == []


def test_a_link_to_nowhere_is_not_written_through(root):
    (root / "my_work/01").mkdir(parents=True)
    (root / "my_work/01/a.ipynb").symlink_to(root / "elsewhere.ipynb")
    make_workspace(root)
    assert not (root / "elsewhere.ipynb").exists()


def test_the_copy_can_be_written_even_if_the_release_cannot(root):
    (root / "release/01/a.ipynb").chmod(0o444)
    make_workspace(root)
    (root / "my_work/01/a.ipynb").write_text("mine")


def test_nothing_released(tmp_path):
    with pytest.raises(CourseError, match="run `course release` first"):
        make_workspace(tmp_path)


def test_the_next_notebook_is_the_first_with_something_to_do(released):
    make_workspace(released)
    names = ["01_doubling/doubling.ipynb", "02_pair/first.ipynb", "02_pair/second.ipynb"]
    for name in names:
        path = released / FOLDER / name
        assert next_notebook(released) == path
        path.write_text(path.read_text().replace("raise NotImplementedError", "return 1"))
    assert next_notebook(released) == released / FOLDER / names[0]
    (released / FOLDER / names[1]).write_text("{")
    assert next_notebook(released) == released / FOLDER / names[1]


def test_a_copy_says_which_python_will_run_it_and_is_else_the_same(released):
    name = "01_doubling/doubling.ipynb"
    make_workspace(released)
    copy, release = read(released / FOLDER / name), read(released / "release" / name)
    assert copy.metadata.language_info.version == platform.python_version()
    copy.metadata.language_info = release.metadata.language_info
    assert copy == release


def test_where_nothing_was_copied_there_is_no_next_one(released):
    with pytest.raises(CourseError, match="has no notebooks"):
        next_notebook(released)
