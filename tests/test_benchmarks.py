"""What benchmarks tell, and that they tell no time where two sides have not done the same."""

import re
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import engines, grading, many, million, people, training
from course import cli
from course.grading import report, writer
from course.notebooks.source import source_notebooks

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


# --- training, and a million submissions ----------------------------------------------------------


@pytest.mark.parametrize("dtype", training.CLOSE)
@pytest.mark.parametrize("case", training.CASES, ids=lambda case: case.words)
def test_both_sides_take_the_same_steps(case, dtype):
    pytest.importorskip("torch", reason="needs PyTorch: pip install -e '.[frameworks]'")
    few = replace(case, steps=5)
    _, _, mine, other = training.race(few, dtype, rounds=1)
    assert np.isclose(mine, other, rtol=training.CLOSE[dtype])
    decayed = replace(few, network=lambda: training.deep(normalized=False, decay=0.1))
    _, _, mine, other = training.race(decayed, dtype, rounds=1)
    assert not np.isclose(mine, other, rtol=training.CLOSE[dtype])


def test_parameters_in_another_type_are_the_layers_own():
    net = training.in_type(training.deep(normalized=True), "float32")
    assert {param.dtype.name for param in net.params.values()} == {"float32"}
    assert net.params["W1"] is net.layers["Affine1"].W
    assert net.params["gamma2"] is net.layers["BatchNorm2"].gamma
    assert net.gradient(np.ones((2, 784), "float32"), np.array([0, 1]))["W1"].dtype == "float32"


CALM = million.Assumed(endless=0, deaths=0, start=10)


def test_a_class_takes_what_its_work_takes_shared_out():
    found = million.Measured([2.0], 0, 0, 0, 0)
    last, busy, desk = million.play(found, CALM, workers=4, count=100)
    assert (last, desk) == (10 + 25 * 2, 0)
    assert busy == 50 / 60


def test_one_desk_is_soon_what_all_wait_for_and_several_are_not():
    found = million.Measured([0.5], 0.01, 0.01, 0, 0)
    one, *_ = million.play(found, CALM, workers=1000, count=5000)
    four, *_ = million.play(found, CALM, workers=1000, count=5000, desks=4)
    assert 10 + 5000 * 0.02 <= one < 10 + 5000 * 0.02 + 2
    assert four < 10 + 5000 * 0.02 / 4 + 2


def test_deaths_and_endless_work_take_longer():
    found = million.Measured([2.0], 0, 0, 0, 0)
    calm, *_ = million.play(found, CALM, workers=10, count=2000)
    for worse in (replace(CALM, deaths=20), replace(CALM, endless=0.01)):
        last, *_ = million.play(found, worse, workers=10, count=2000)
        assert last > 1.05 * calm


def test_the_page_on_scale_tells_what_is_assumed_and_how_much_is_done_at_once():
    text = " ".join((Path(__file__).parents[1] / "docs" / "scale.md").read_text().split())
    assumed = million.Assumed()
    assert f"machines of {assumed.cores} cores; one submission in a thousand runs" in text
    assert (assumed.endless, assumed.deaths) == (1 / 1000, 1 / 100)
    assert (
        f"its limit of {assumed.limit:g} seconds; each worker dies once in a hundred hours" in text
    )
    assert f"is back after {assumed.restart:g} seconds" in text
    assert f"{1000 * assumed.endless * assumed.limit / 1000:g} seconds a submission" in text
    assert f"in batches of {writer.BATCH}" in text
    assert f"The sum of a class of more than {cli.MOST_ROWS}".lower() in text.lower()
    script = Path(report.__file__).parent / "templates" / "report.js"
    (few,) = re.findall(r"FEW = (\d+);", script.read_text())
    assert f"shows the first {few} students" in text


# --- people ---------------------------------------------------------------------------------------


def test_screens_are_counted_from_the_heading_to_the_end_of_the_verdict():
    (source,) = source_notebooks(Path(__file__).parents[1] / "source", people.CHAPTER)
    order: list[str] = [cell.id for cell in source.notebook.cells]
    places = {key: (100.0 * number, 100.0 * number + 100) for number, key in enumerate(order)}
    found = {one.exercise: one.screens for one in people.stretches(source, 200, places)}
    assert set(found) == {exercise.id for exercise in source.exercises}
    heading = next(
        number
        for number in range(order.index("sigmoid"), 0, -1)
        if "Exercise" in source.notebook.cells[number].source
    )
    assert found["sigmoid"] == (order.index("test_sigmoid") - heading + 1) / 2


def test_a_notebook_s_row_names_the_exercise_that_is_longest():
    found = [people.Stretch("a", 0.5), people.Stretch("b", 2.26), people.Stretch("c", 1)]
    assert people.row("pair", found) == "| pair | 3 | 1.0 | 2.3 | b | 2 |"


def test_a_step_has_a_row_with_its_time(monkeypatch):
    clock = iter([10.0, 12.54])
    monkeypatch.setattr("benchmarks.people.time.perf_counter", lambda: next(clock))
    watch = people.Watch("student")
    assert watch.time("it is there", lambda: 5) == 5
    assert watch.lines == ["| student | it is there | 2.5 s |"]


def test_of_thousands_each_part_has_its_seconds_and_what_its_processes_held():
    looks = [
        many.Look(10.0 * n, 2 * n, 5 + n, {"a worker": 100.0 + n}, {"a worker": 20})
        for n in range(6)
    ]
    rows = list(many.table(looks, 10))
    assert len(rows) == 2 + many.PARTS
    assert rows[2].startswith("| 1 to 2 | 5.000 | 5 |")
    assert "| 100, 20 |" in rows[2]
    assert rows[-1].startswith("| 9 to 10 | 5.000 | 9 |")


def test_ways_to_grade_that_come_to_different_things_stop_it(monkeypatch, tmp_path):
    found = {"1 process": {"a": 1}, "2 workers": {"a": 2}}

    @contextmanager
    def ground(base, home, way):
        yield SimpleNamespace(
            undisturbed=lambda: None, seconds=10.0, wanted=found.get(way, {"a": 1})
        )

    monkeypatch.setattr(engines, "ground", ground)
    with pytest.raises(SystemExit, match="2 workers comes to something else"):
        list(engines.rows(tmp_path, tmp_path, 5, 1))
    del found["2 workers"]
    assert (
        list(engines.rows(tmp_path, tmp_path, 5, 2))[2] == "| 1 process | 2.00 s | 2.00 to 2.00 |"
    )
