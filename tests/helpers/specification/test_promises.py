"""Where specifications are found, and what they are about."""

from helpers.checks import Question
from helpers.specification.promises import Promises, promised

TEXT = """
from helpers.specification import interaction, part


def steps(t):
    t.make().total(2)


adding = interaction(part("adds", essential=True, of="Sum", steps=steps))
"""
SOLUTION = """
class Sum:
    def total(self, n):
        return n + 1
"""


def test_a_class_need_not_be_called_like_its_exercise() -> None:
    known = Promises(TEXT, (), {"adding": SOLUTION})
    assert known.of("adding").reference is None
    names: dict[str, object] = {"Question": Question}
    exec(SOLUTION.replace("n + 1", "n + 2"), names)
    with promised(known):
        exec('q = Question("Sums", 1)\nq.compare("adding")', names)
    (result,) = names["q"].results  # type: ignore[attr-defined]
    assert not result.passed
    assert "Sum()" in result.message
