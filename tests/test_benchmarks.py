"""The table of grading: its form, and that no time is told where scores differ."""

from pathlib import Path

import pytest

from benchmarks import grading

KEY = ("ada", "test_sigmoid")
PLACES = {"stock": Path("stock"), "judge": Path("judge")}


@pytest.fixture
def measured(monkeypatch):
    """Times and scores that nobody has measured; returns the scores by side, to be changed."""
    found = {"stock": {KEY: 3.0}, "judge": {KEY: 3.0}}
    times = iter([60, 30, 15, 6, 3])
    monkeypatch.setattr(grading, "seconds", lambda place, way: next(times))
    monkeypatch.setattr(grading, "own_seconds", lambda place, drawn: 0.5 if drawn else 0.25)
    monkeypatch.setattr(grading, "scores", lambda place: dict(found[place.name]))
    monkeypatch.setattr(grading, "carried", lambda place: set())
    return found


def test_each_way_to_grade_has_a_row_with_its_ratio_to_stock(measured):
    head, line, *rows, _, words = grading.rows(PLACES, 10)
    assert head.count("|") == line.count("|") == 5
    assert rows == [
        "| stock nbgrader | 1 | 6.00 s | 1.0 |",
        "| the judge, figures drawn | 1 | 3.00 s | 2.0 |",
        "| the judge, figures drawn | 2 | 1.50 s | 4.0 |",
        "| the judge, figures left out | 1 | 0.60 s | 10.0 |",
        "| the judge, figures left out | 2 | 0.30 s | 20.0 |",
    ]
    assert "0 are higher" in words
    assert "0.50 s, with its figures left out 0.25 s" in words


def test_scores_that_differ_stop_it_unless_an_error_was_carried_forward(measured, monkeypatch):
    measured["judge"][KEY] = 4.0
    with pytest.raises(SystemExit, match="differ"):
        list(grading.rows(PLACES, 10))


def test_what_was_carried_forward_may_be_more(measured, monkeypatch):
    measured["judge"][KEY] = 4.0
    monkeypatch.setattr(grading, "carried", lambda place: {KEY})
    *_, words = grading.rows(PLACES, 10)
    assert "1 are higher" in words
