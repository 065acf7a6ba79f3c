"""How an assignment's exercises did."""

import numpy as np
import pytest

from course.grading.items import FEW, items
from course.grading.results import Column, Results, Work

EASY, HARD, WORDS = (Column("sums", name, name, 4, None) for name in ("easy", "hard", "why"))


def results(*rows, columns=(EASY, HARD, WORDS), **more):
    """Return a class, of which each has earned so much of each column."""
    works = [
        Work(f"s{number:02}", "01", dict(zip(columns, row, strict=True)), **more)
        for number, row in enumerate(rows)
    ]
    return Results({}, {"01": columns}, {(w.student, w.assignment): w for w in works})


def test_counts_who_earned_nothing_a_part_and_all():
    easy, hard, _ = items(results((4, 0, 1), (4, 2.5, 0), (3, 0, 0), (4, 0, 4)), "01")
    assert (easy.column, easy.none, easy.part, easy.full) == (EASY, 0, 1, 3)
    assert (hard.none, hard.part, hard.full) == (3, 1, 0)
    assert (easy.mean, hard.mean) == pytest.approx((15 / 4 / easy.column.points, 2.5 / 16))


def test_discrimination_is_the_correlation_with_the_rest_of_the_score():
    rows = np.random.default_rng(0).integers(0, 5, (30, 3))
    for place, item in enumerate(items(results(*rows.tolist()), "01")):
        rest = rows.sum(axis=1) - rows[:, place]
        assert item.discrimination == pytest.approx(np.corrcoef(rows[:, place], rest)[0, 1])


def test_an_exercise_that_the_others_do_not_predict_is_low():
    easy, hard, words = items(results(*[(n % 5, n % 5, 8 - 2 * (n % 5)) for n in range(20)]), "01")
    assert (easy.low, hard.low, words.low) == (True, True, True)
    assert words.discrimination == pytest.approx(-1)
    easy, hard = items(results(*[(n % 5, n % 5) for n in range(20)], columns=(EASY, HARD)), "01")
    assert (easy.low, hard.low) == (False, False)


def test_of_few_and_where_nothing_varies_there_is_no_discrimination():
    rows = [(n % 2, n % 3, 4) for n in range(FEW)]
    assert {item.lacks for item in items(results(*rows[1:]), "01")} == {"too few"}
    easy, hard, words = items(results(*rows), "01")
    assert (easy.lacks, hard.lacks, words.lacks) == ("", "", "no spread")
    assert words.discrimination is None
    assert not words.low
    thirds = [(0.1 + 0.2, 0, n % 4) for n in range(5)] + [(0.3, 0, n % 4) for n in range(5)]
    assert items(results(*thirds), "01")[2].lacks == "no spread"  # but for rounding


def test_counts_only_what_was_graded_and_read():
    assert items(results((4, 4, 4), graded=False), "01") == []
    waiting = items(results((4, 0, 0), waiting=[WORDS]), "01")
    assert [item.column for item in waiting] == [EASY, HARD]
