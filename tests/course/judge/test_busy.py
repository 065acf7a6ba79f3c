"""A busy machine costs no marks: what wall time has ended is judged once more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import attacks
from course.judge.judging import CodeCell, Record
from course.judge.sandbox import missing
from course.judge.sandbox.server import ENTRIES, WarmServer
from course.judge.supervise import AGAIN, Submission, _better, grade_notebook
from course.judge.wire.clock import Limit
from tests.course.judge.clocks import HandClock

pytestmark = pytest.mark.skipif(bool(missing()), reason="where nothing is confined, nothing is run")


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a file makes the next judge's machine busy."""
    return tmp_path_factory.mktemp("busy")


@pytest.fixture(scope="module")
def server(busy: Path) -> Iterator[WarmServer]:
    environment = {"PYTHONPATH": str(Path(__file__).parent), "BUSY": str(busy)}
    with pytest.MonkeyPatch.context() as patch, WarmServer(environment) as server:
        patch.setitem(ENTRIES, "judge", "clocks:judge_while_busy")
        yield server


def submission() -> Submission:
    source = attacks.source_notebook()
    nb = attacks.hand_in(source.notebook, {"double": attacks.DOUBLE}, {})
    return Submission(source, nb, None, b"a seed")


@pytest.mark.parametrize("calm", [0, 12, 25])
def test_what_a_busy_machine_has_ended_is_judged_once_more(
    server: WarmServer, busy: Path, calm: int
) -> None:
    undisturbed, as_it_is = grade_notebook(submission(), server, carry=False)
    (busy / "busy-1").write_text(str(calm))
    verdict, graded = grade_notebook(submission(), server, carry=False)
    assert not list(busy.iterdir())
    assert verdict.exercises == undisturbed.exercises
    assert verdict.score == verdict.max_score
    assert AGAIN in verdict.incidents
    assert graded.cells == as_it_is.cells


def test_it_is_tried_once_more_and_not_for_ever(server: WarmServer, busy: Path) -> None:
    for number in range(3):
        (busy / f"busy-{number}").write_text("0")
    verdict, _ = grade_notebook(submission(), server, carry=False)
    assert verdict.score < verdict.max_score
    assert len(list(busy.iterdir())) == 1
    for path in busy.iterdir():
        path.unlink()


def test_of_two_records_each_question_s_better_one_counts() -> None:
    cells = [CodeCell(i, f"test_{name}", "test", "") for i, name in enumerate("abc")]
    first = Record({0: [{"n": 1}], 1: [{"n": 1}]}, {"test_a": {"score": 2}, "test_b": {"score": 0}})
    second = Record(
        {i: [{"n": 2}] for i in range(3)},
        {f"test_{name}": {"score": 1} for name in "abc"},
    )
    found = _better(first, second, cells)
    assert [found.questions[cell.key]["score"] for cell in cells] == [2, 1, 1]
    assert [found.outputs[i][0]["n"] for i in range(3)] == [1, 2, 2]


@pytest.mark.parametrize(
    ("computing", "wall", "by_wall"), [(0, 0, 0), (9, 0, 0), (0, 99, 1), (9, 99, 0)]
)
def test_wall_time_is_told_from_computing(computing: float, wall: float, by_wall: bool) -> None:
    clock = HandClock()
    limit = Limit(clock, 5)
    clock.computing, clock.wall = computing, wall
    assert limit.by_wall == by_wall
