"""Sliders are there for a person who can move them, and a figure for everyone."""

import pytest
from IPython.display import DisplayHandle

from helpers import plots, sliders, standing


def draw(w, layers):
    figure, ax = plots.axes()
    ax.plot([0, layers], [0, w])
    return figure


@pytest.fixture
def shown(monkeypatch):
    """What is displayed."""
    things = []
    monkeypatch.setattr(sliders, "display", things.append)
    monkeypatch.setattr(plots, "display", things.append)
    return things


def explore():
    sliders.explore(draw, "line", "A line.", w=(0.0, 2.0, 1.0), layers=(1, 20, 5))


def test_without_a_person_there_is_the_figure_alone(monkeypatch, shown):
    monkeypatch.delenv(standing.OPENED, raising=False)
    explore()
    assert [repr(thing) for thing in shown] == ["A line."]


def test_where_figures_are_left_out_nothing_is_drawn(monkeypatch, shown):
    monkeypatch.setattr(plots, "_left_out", True)
    monkeypatch.setattr(plots, "axes", None)  # or it would draw
    explore()
    assert [repr(thing) for thing in shown] == [f"{plots.LEFT_OUT} A line."]


def test_in_an_opened_notebook_a_slider_changes_the_figure(monkeypatch, shown):
    monkeypatch.setenv(standing.OPENED, "activations.ipynb")
    pictures = []
    for method in ("display", "update"):
        monkeypatch.setattr(DisplayHandle, method, lambda _, picture: pictures.append(picture))
    explore()
    (box,) = shown
    w, layers = box.children
    assert (w.description, w.value, layers.value) == ("w", 1.0, 5)
    w.value = 2.0
    assert [picture.alt for picture in pictures] == ["A line.", "A line. Now w = 2, layers = 5."]
    assert pictures[0].png != pictures[1].png


def test_whole_numbers_stay_whole():
    assert sliders._slider("n_units", 1, 9, 3).description == "n units"
    assert isinstance(sliders._slider("n", 1, 9, 3).value, int)
    assert isinstance(sliders._slider("w", 1, 9, 3.0).value, float)


@pytest.mark.parametrize("wrong", [(1, 2), ()])
def test_a_range_needs_three_values(wrong):
    with pytest.raises(ValueError, match="unpack"):
        sliders.explore(draw, "line", "A line.", w=wrong)
