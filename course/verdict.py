"""What was found out about a piece of work: typed values with one JSON form for everyone.

Notebook, command line, gradebook, feedback and report all share it. Knows nothing of how a verdict
comes about.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.checks import CheckResult

METADATA = "verdict"  # where a graded notebook's metadata holds it
TEST_FAILED = "the test itself failed"  # an incident, with what is for the staff alone after it


@dataclass(frozen=True)
class ExerciseVerdict:
    """One exercise's verdict.

    Attributes:
        id: the solution cell's grade_id.
        score: points earned.
        max_score: points to be had.
        checks: what each check said, in the order of the test cell.
        hidden: names of the checks that the released notebook does not hold.
        incident: what stopped the test cell itself, in plain words; empty if nothing did.
    """

    id: str
    score: float
    max_score: float
    checks: Sequence[CheckResult] = ()
    hidden: frozenset[str] = frozenset()
    incident: str = ""

    @property
    def failed(self) -> list[str]:
        """Names of the checks that cost marks."""
        return [check.name for check in self.checks if not check.passed]

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON."""
        return {
            "id": self.id,
            "score": self.score,
            "max_score": self.max_score,
            "checks": [
                {
                    "name": check.name,
                    "passed": check.passed,
                    "hidden": check.name in self.hidden,
                    "message": check.message,
                }
                for check in self.checks
            ],
        }


@dataclass(frozen=True)
class Verdict:
    """One notebook's verdict.

    Attributes:
        notebook: the notebook's name.
        exercises: one verdict an exercise, in notebook order.
        repairs: what had to be mended before it could be graded, in plain words.
        incidents: timeouts, crashes, refused access, in plain words, each after the cell's name
            ("test_relu: Your code did not come back within 10 seconds.").
        seconds: wall time that grading took.
    """

    notebook: str
    exercises: Sequence[ExerciseVerdict]
    repairs: Sequence[str] = ()
    incidents: Sequence[str] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def score(self) -> float:
        """Points earned."""
        return sum(exercise.score for exercise in self.exercises)

    @property
    def max_score(self) -> float:
        """Points to be had."""
        return sum(exercise.max_score for exercise in self.exercises)

    def __getitem__(self, exercise_id: str) -> ExerciseVerdict:
        for exercise in self.exercises:
            if exercise.id == exercise_id:
                return exercise
        raise KeyError(exercise_id)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON."""
        return {
            "notebook": self.notebook,
            "score": self.score,
            "max_score": self.max_score,
            "exercises": [exercise.to_json() for exercise in self.exercises],
            "repairs": list(self.repairs),
            "incidents": list(self.incidents),
            "seconds": round(self.seconds, 3),
        }
