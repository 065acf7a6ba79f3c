"""One page for the class: whose network reads new images best, under the names that you choose.

Made from the verdicts in `course.grading.results`. The page is a single file that needs nothing
else; all names are escaped in it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from course.grading.report import templates, write_files
from course.grading.results import Results, Work
from course.layout import CourseError

PAGE = "leaderboard.html"
ACCURACY, SIZE = "accuracy on new images", "numbers needed"  # what a test cell has measured
IMAGES = 2_000  # by which each network is judged
CLAIM = "is borne out by new images"  # the check


@dataclass(frozen=True)
class Entry:
    """A network.

    Attributes:
        student: whose.
        place: 1 for the best; equal accuracies share a place.
        accuracy: the fraction of new images that it classifies correctly.
        size: how many numbers it needs.
        claim: whether its claim was borne out; None if that is not known.
    """

    student: str
    place: int
    accuracy: float
    size: int
    claim: bool | None

    @property
    def error(self) -> float:
        """The accuracy's standard error."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / IMAGES)


def entries(results: Results, assignment: str) -> list[Entry]:
    """Return the networks that kept to the rules, the best first; of equal ones the smallest."""
    found = [
        (work.student, *measured)
        for (_, name), work in results.works.items()
        if name == assignment and work.graded and (measured := _measured(work))
    ]
    found.sort(key=lambda one: (-one[1], one[2], one[0]))
    return [
        Entry(student, 1 + sum(other[1] > accuracy for other in found), accuracy, size, claim)
        for student, accuracy, size, claim in found
    ]


def _measured(work: Work) -> tuple[float, int, bool | None] | None:
    """Return accuracy, size and claim; None if no network was measured that earns points."""
    claims = [
        check.passed
        for verdict in work.verdicts.values()
        for check in verdict.checks
        if check.name == CLAIM
    ]
    for verdict in work.verdicts.values():
        values = dict(verdict.measured)
        if {ACCURACY, SIZE} <= values.keys() and verdict.score > 0:
            return values[ACCURACY], round(values[SIZE]), claims[0] if claims else None
    return None


def leaderboard(results: Results, assignment: str, shown: Mapping[str, str], made: datetime) -> str:
    """Return the page as HTML.

    Args:
        results: what the class has earned.
        assignment: which.
        shown: how each student is called there.
        made: the time to print on it.
    """
    found = entries(results, assignment)
    return (
        templates()
        .get_template("leaderboard.html")
        .render(
            entries=found,
            shown=shown,
            named=any(shown.get(entry.student) for entry in found),
            assignment=assignment,
            made=made,
            images=IMAGES,
        )
    )


def write_leaderboard(
    results: Results, assignment: str, shown: Mapping[str, str], folder: Path
) -> Path:
    """Write the page, and return its path.

    Args:
        results: what the class has earned.
        assignment: which.
        shown: how each student is called there.
        folder: where to; made if it does not exist.

    Raises:
        CourseError: if nobody's network was measured, or a file of that name is there which this
            function did not write.
    """
    if not entries(results, assignment):
        raise CourseError(f"{assignment}: nobody has handed in a network that can be shown")
    page = leaderboard(results, assignment, shown, datetime.now())
    write_files(folder, {PAGE: page}, "course leaderboard")
    return folder / PAGE
