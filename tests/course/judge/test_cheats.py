"""Every attack of the catalog: it earns nothing, costs nobody anything and leaves nothing."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbgrader.utils import determine_grade

import helpers
from course.judge.confine import missing
from course.judge.judging import Limits
from course.judge.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.notebook import grade_id
from course.verdict import Verdict
from tests.course.judge import cheats

ROOT = Path(helpers.__file__).parents[1]
CATALOG = cheats.catalog()
LIMITS = Limits(request=5, question=10, cell=10, notebook=60)

pytestmark = pytest.mark.skipif(
    bool(missing()), reason="unconfined, the attacks would harm this machine"
)


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    os.environ[cheats.SECRET] = "2 * f(x)"
    with WarmServer() as server:
        yield server
    del os.environ[cheats.SECRET]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder with all that the attacks look for."""
    folder = tmp_path_factory.mktemp("cheats") / "course"
    cheats.furnish(folder, ROOT)
    with sqlite3.connect(folder / "gradebook.db") as book:
        book.execute("CREATE TABLE grade (auto_score REAL, manual_score REAL)")
        book.execute("INSERT INTO grade VALUES (0, NULL)")
        book.execute("CREATE TABLE source_cell (source TEXT)")
        book.execute("INSERT INTO source_cell VALUES (?)", [cheats.TEST_DOUBLE])
    return folder


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    with cheats.accomplices() as ports:
        yield ports


def judged(
    server: WarmServer, double: str, metadata: dict | None = None, folder: Path | None = None
) -> tuple[Verdict, nbformat.NotebookNode]:
    source = cheats.source_notebook()
    submitted = cheats.hand_in(source, double, metadata or {})
    submission = Submission(
        cheats.NOTEBOOK, cheats.ASSIGNMENT, source, submitted, folder, b"the student's own seed"
    )
    return grade_notebook(submission, server, LIMITS)


def fingerprint(*folders: Path) -> dict[str, str]:
    """Return a digest of every file, but for what Python itself caches."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def descendants(pid: int) -> set[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children}.union(*(descendants(int(c)) for c in children))


def points(nb: nbformat.NotebookNode) -> dict[str, float]:
    """Return what nbgrader would read from a graded notebook."""
    return {
        name: determine_grade(cell)[0]
        for cell in nb.cells
        if (name := grade_id(cell).removeprefix("test_")) != grade_id(cell)
    }


def test_an_honest_answer_earns_everything(server: WarmServer) -> None:
    verdict, nb = judged(server, cheats.DOUBLE)
    assert {exercise.id: exercise.score for exercise in verdict.exercises} == cheats.POINTS
    assert points(nb) == cheats.POINTS


@pytest.mark.parametrize("cheat", CATALOG, ids=lambda cheat: cheat.name)
def test_an_attack_earns_nothing_and_changes_nothing(
    cheat: cheats.Cheat, server: WarmServer, course: Path, ports: tuple[int, int], tmp_path: Path
) -> None:
    before = fingerprint(course, ROOT / "helpers", ROOT / "course")
    (tmp_path / "data.txt").write_text("what the assignment brings along")
    verdict, nb = judged(server, cheat.cell(course, *ports), cheat.metadata, tmp_path)
    scores = {exercise.id: exercise.score for exercise in verdict.exercises}
    assert scores == {"double": 0, "triple": cheats.POINTS["triple"]}
    read = points(nb)
    assert read["triple"] == cheats.POINTS["triple"]
    if not cheat.metadata:  # nbgrader takes false metadata off before it looks
        assert read["double"] == 0
    assert fingerprint(course, ROOT / "helpers", ROOT / "course") == before
    assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]
    assert descendants(server.pid or 0) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["patched_score", "gc_walk", "threads", "reads_source"])
def test_in_a_plain_kernel_they_work(name: str, course: Path) -> None:
    """Where nothing stands in their way, so that the tests above do test something."""
    source = cheats.source_notebook()
    (cheat,) = [cheat for cheat in CATALOG if cheat.name == name]
    nb = cheats.hand_in(source, cheat.cell(course), cheat.metadata)
    NotebookClient(nb, allow_errors=True, kernel_name="python3").execute()
    assert points(nb)["double"] == cheats.POINTS["double"]


def test_every_attack_says_what_it_tries_and_none_twice() -> None:
    says = [cheat.says for cheat in CATALOG]
    assert all(says)
    assert len({*says}) == len(says) == len({cheat.source for cheat in CATALOG}) > 80


def test_the_readme_counts_every_attack() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in readme.splitlines() if line.startswith("| get points for a wrong"))
    (header,) = (line for line in readme.splitlines() if line.startswith("| of "))
    assert f"Each of {len(CATALOG)} attacks" in readme
    assert header.startswith(f"| of {len(CATALOG)} attacks |")
    assert row.rpartition("| ")[2] == "0 |"
