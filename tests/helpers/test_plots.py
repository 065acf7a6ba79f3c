"""Figures that everyone can read: alternative text, distinguishable colours, labelled axes."""

import re
from html import unescape
from itertools import combinations

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from helpers import plots

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour):
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """Return CIE L*a*b* (D65) of a linear RGB colour."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(a, b, vision):
    return float(np.linalg.norm(*np.diff([lab(vision @ linear(c)) for c in (a, b)], axis=0)))


@pytest.mark.parametrize("vision", VISION)
def test_the_palettes_colours_can_be_told_apart(vision):
    matrix = np.array(VISION[vision])
    pairs = {
        (a, b): distance(a, b, matrix) for a, b in combinations((*plots.PALETTE, "#FFFFFF"), 2)
    }
    assert min(pairs.values()) > 10, min((far, pair) for pair, far in pairs.items())
    first = combinations((*plots.PALETTE[:3], "#FFFFFF"), 2)  # most figures need no more
    assert min(pairs[pair] for pair in first) > 15


def test_the_measure_knows_colours_that_are_easily_confused():
    assert distance("#b07030", "#709030", np.array(VISION["deuteranopia"])) < 25
    assert distance("#b07030", "#709030", np.eye(3)) > 40


def test_axes_are_in_the_courses_style_and_leave_no_trace():
    before = dict(matplotlib.rcParams)
    figure, ax = plots.axes()
    lines = [ax.plot([0, 1], [n, n])[0] for n in range(3)]
    assert [line.get_color() for line in lines] == list(plots.PALETTE[:3])
    assert {line.get_linewidth() for line in lines} == {2}
    assert ax.plot([0, 1], linewidth=0.5)[0].get_linewidth() == 0.5
    assert not ax.spines["top"].get_visible()
    assert dict(matplotlib.rcParams) == before
    plt.close(figure)


def test_a_grid_of_axes_is_as_large_as_its_parts():
    figure, grid = plots.axes(2, 3, width=2, height=1, sharex=True)
    assert grid.shape == (2, 3)
    assert figure.get_size_inches().tolist() == [6, 2]
    plt.close(figure)


def test_label_names_the_axes_and_adds_a_legend_where_there_is_something_to_name():
    figure, (left, right) = plots.axes(1, 2)
    left.plot([0, 1], label="a")
    right.plot([0, 1])
    for ax in (left, right):
        plots.label(ax, title="T", x="x", y="f(x)")
    assert (left.get_title(), left.get_xlabel(), left.get_ylabel()) == ("T", "x", "f(x)")
    assert left.get_legend() is not None
    assert right.get_legend() is None
    plots.label(right, legend=False)
    plt.close(figure)


def test_outside_jupyter_the_alternative_text_is_printed(capsys):
    figure, _ = plots.axes()
    plots.show(figure, "empty", alt="Nothing at all")
    assert capsys.readouterr().out == "Nothing at all\n"
    assert not plt.fignum_exists(figure.number)


CELLS = [
    "from helpers import plots",
    """
figure, ax = plots.axes()
ax.plot([0, 1], [0, 1], label="y = x")
plots.label(ax, title="A line", x="x", y="y")
plots.show(figure, "line", alt='A line, rising "evenly" & < 45°')
""",
    "import matplotlib.pyplot as plt\nprint(plt.get_fignums())",
]


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return notebook


def test_a_shown_figure_appears_once_with_its_name_and_is_closed(executed):
    (output,) = executed.cells[1].outputs
    assert output.output_type == "display_data"
    assert output.data["image/png"]
    assert output.metadata["image/png"]["name"] == "line"
    assert output.metadata["image/png"]["alt"] == output.data["text/plain"]
    assert executed.cells[2].outputs[0].text == "[]\n"


@pytest.mark.parametrize("template", ["lab", "classic", "basic"])
def test_the_page_holds_the_alternative_text(executed, template):
    html, _ = HTMLExporter(template_name=template).from_notebook_node(executed)
    images = re.findall(r"<img[^>]*>", html)
    assert len(images) == 1
    found = re.search(r"alt=([\"'])(.*?)\1", images[0])
    assert found
    assert unescape(found[2]) == 'A line, rising "evenly" & < 45°'


@pytest.mark.parametrize("grid", [(1, 1), (2, 5), (2, 8)])
def test_at_the_short_pace_axes_fill_the_figure_without_touching(grid, monkeypatch):
    monkeypatch.setenv("COURSE_PACE", "short")
    figure, axes = plots.axes(*grid, width=4.5 / grid[1], height=3.2 / grid[0])
    boxes = [ax.get_position() for ax in np.ravel(axes)]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    assert sum(box.width * box.height for box in boxes) > 0.3
    assert all(0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    plt.close(figure)
