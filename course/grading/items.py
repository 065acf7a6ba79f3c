"""How an assignment's exercises did: who earned their points, and how well each tells people apart.

Reads nothing itself.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from course.grading.results import Column, Results

FEW = 10  # students: a correlation of fewer says nothing
LOW = 0.2  # a correlation below is worth a look


@dataclass(frozen=True)
class Item:
    """How one exercise did, of those whose work was graded.

    Attributes:
        column: the exercise.
        none: how many earned nothing.
        part: how many earned a part of the points.
        full: how many earned all of them.
        mean: the fraction of its points that they have earned.
        discrimination: the correlation, in -1..1, of its score with the rest of the score in the
            assignment (the corrected item-total correlation); None if there is none.
        lacks: why there is none.
    """

    column: Column
    none: int
    part: int
    full: int
    mean: float
    discrimination: float | None = None
    lacks: str = ""

    @property
    def low(self) -> bool:
        """Whether those who do well elsewhere do hardly better here, or worse."""
        return self.discrimination is not None and self.discrimination < LOW


def items(results: Results, assignment: str) -> list[Item]:
    """Return how each exercise of an assignment did.

    A question that somebody's answer to is still to be read is left out, from the rest of the
    score too.
    """
    works = [w for (_, name), w in results.works.items() if name == assignment and w.graded]
    columns = [
        column
        for column in results.columns[assignment]
        if works and column.points and not any(column in work.waiting for work in works)
    ]
    scores = {column: [work.scores.get(column, 0) for work in works] for column in columns}
    sums = [sum(row) for row in zip(*scores.values(), strict=True)]
    return [_item(column, scores[column], sums) for column in columns]


def _item(column: Column, scores: Sequence[float], sums: Sequence[float]) -> Item:
    none = sum(score <= 0 for score in scores)
    full = sum(score >= column.points for score in scores)
    rest = [round(total - score, 6) for total, score in zip(sums, scores, strict=True)]
    discrimination, lacks = None, ""
    if len(scores) < FEW:
        lacks = "too few"
    elif len(set(scores)) == 1 or len(set(rest)) == 1:
        lacks = "no spread"
    else:
        discrimination = statistics.correlation(scores, rest)
    mean = statistics.mean(scores) / column.points
    part = len(scores) - none - full
    return Item(column, none, part, full, mean, discrimination, lacks)
