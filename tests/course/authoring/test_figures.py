"""Expected figures, drawn by the reference solutions."""

import shutil

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import pytest

from course.authoring.figures import make_figures
from course.layout import CourseError
from course.notebooks.cells import read
from helpers import plots

FIGURE = "source/01_doubling/figures/doubling.png"


def edit(path, old, new):
    nb = read(path)
    [cell] = [cell for cell in nb.cells if cell.id == "plot"]
    assert old in cell.source
    cell.source = cell.source.replace(old, new)
    nbformat.write(nb, path)


def test_figures_are_drawn_by_the_reference(course_root):
    assert make_figures(course_root) == [course_root / FIGURE]
    height, width, _ = plt.imread(course_root / FIGURE).shape
    assert (width, height) == (450, 320)


def test_the_same_bytes_each_time_whatever_matplotlib_is_set_to(course_root):
    make_figures(course_root)
    first = (course_root / FIGURE).read_bytes()
    with matplotlib.rc_context({"font.size": 30, "savefig.dpi": 20, "axes.facecolor": "red"}):
        make_figures(course_root)
    assert (course_root / FIGURE).read_bytes() == first
    assert b"Software" not in first


def test_another_figure_has_other_bytes(course_root):
    make_figures(course_root)
    first = (course_root / FIGURE).read_bytes()
    edit(course_root / "source/01_doubling/doubling.ipynb", "arange(3)", "arange(4) ** 2")
    make_figures(course_root)
    assert (course_root / FIGURE).read_bytes() != first


def test_another_folder(course_root, tmp_path):
    before = (course_root / FIGURE).read_bytes()
    made = make_figures(course_root, into=tmp_path / "out")
    assert made == [tmp_path / "out/01_doubling/figures/doubling.png"]
    assert (course_root / FIGURE).read_bytes() == before


def test_one_assignment_alone(course_root):
    shutil.copytree(course_root / "source/01_doubling", course_root / "source/02_again")
    made = make_figures(course_root, ["02_again"])
    assert made == [course_root / "source/02_again/figures/doubling.png"]


def test_showing_is_put_back_and_figures_are_closed(course_root):
    show, backend = plots.show, matplotlib.get_backend()
    make_figures(course_root)
    edit(course_root / "source/01_doubling/doubling.ipynb", "line =", "raise ValueError\nline =")
    with pytest.raises(CourseError):
        make_figures(course_root)
    assert plots.show is show
    assert matplotlib.get_backend() == backend
    assert plt.get_fignums() == []


def test_a_cell_that_raises_is_told(course_root):
    edit(course_root / "source/01_doubling/doubling.ipynb", "line =", "raise ValueError\nline =")
    with pytest.raises(CourseError, match=r"01_doubling/doubling.ipynb: plot: ValueError"):
        make_figures(course_root)


def test_an_unknown_assignment_is_refused(course_root):
    with pytest.raises(CourseError, match="source/ has no 09_x"):
        make_figures(course_root, ["09_x"])
