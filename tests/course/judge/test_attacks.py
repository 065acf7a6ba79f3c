"""Every attack of the catalog: it earns nothing, costs nobody anything and leaves nothing."""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbgrader.utils import determine_grade

import attacks
import helpers
from attacks import _halving
from course.judge.judging import Limits
from course.judge.sandbox import missing
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, digest, grade_notebook
from course.notebooks.cells import grade_id
from course.notebooks.source import source_notebook
from course.secret import hand_in_seed
from course.verdict import Verdict

ROOT = Path(helpers.__file__).parents[1]
CATALOG = attacks.catalog()
LIMITS = {  # some attacks use up all that there is
    attacks.NOTEBOOK: None,
    attacks.HALVING: Limits(request=2, question=5, cell=10, notebook=60),
}

pytestmark = pytest.mark.skipif(
    bool(missing()), reason="unconfined, the attacks would harm this machine"
)


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    os.environ[attacks.SECRET] = "2 * f(x)"
    with WarmServer() as server:
        yield server
    del os.environ[attacks.SECRET]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder with all that the attacks look for."""
    folder = tmp_path_factory.mktemp("attacks") / "course"
    attacks.furnish(folder, ROOT)
    with sqlite3.connect(folder / "gradebook.db") as book:
        book.execute("CREATE TABLE grade (auto_score REAL, manual_score REAL)")
        book.execute("INSERT INTO grade VALUES (0, NULL)")
        book.execute("CREATE TABLE source_cell (source TEXT)")
        book.execute("INSERT INTO source_cell VALUES (?)", [attacks.TEST_DOUBLE])
    return folder


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    with attacks.accomplices() as ports:
        yield ports


def judged(
    server: WarmServer,
    course: Path,
    name: str,
    answers: dict[str, str],
    metadata: dict | None = None,
    folder: Path | None = None,
) -> tuple[Verdict, nbformat.NotebookNode]:
    source = source_notebook(course / "source" / attacks.ASSIGNMENT / f"{name}.ipynb")
    submitted = attacks.hand_in(source.notebook, answers, metadata or {})
    submission = Submission(source, submitted, folder, b"the student's own seed")
    return grade_notebook(submission, server, LIMITS[name])


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


@pytest.mark.parametrize("name", attacks.ALL_POINTS)
def test_an_honest_answer_earns_everything(server: WarmServer, course: Path, name: str) -> None:
    verdict, nb = judged(server, course, name, {"double": attacks.DOUBLE})
    scores = {exercise.id: exercise.score for exercise in verdict.exercises}
    assert scores == points(nb) == attacks.ALL_POINTS[name]


@pytest.mark.parametrize("attack", CATALOG, ids=lambda attack: attack.name)
def test_an_attack_earns_nothing_and_changes_nothing(
    attack: attacks.Attack, server: WarmServer, course: Path, ports: tuple[int, int], tmp_path: Path
) -> None:
    before = fingerprint(course, ROOT / "helpers", ROOT / "course")
    (tmp_path / "data.txt").write_text("what the assignment brings along")
    answers = attack.cells(course, *ports)
    verdict, nb = judged(server, course, attack.notebook, answers, attack.metadata, tmp_path)
    scores = {exercise.id: exercise.score for exercise in verdict.exercises}
    assert scores == attack.points
    read = points(nb)
    assert read["triple"] == attacks.POINTS["triple"]
    if not attack.metadata:  # nbgrader takes false metadata off before it looks
        assert read == attack.points
    shown = str(verdict.to_json()) + str([cell.get("outputs") for cell in nb.cells])
    assert _halving.MARK not in shown
    assert fingerprint(course, ROOT / "helpers", ROOT / "course") == before
    assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]
    assert descendants(server.pid or 0) == set()


def test_points_of_the_last_hand_in_are_no_use_for_the_next(
    server: WarmServer, course: Path
) -> None:
    """The first one is told nothing of hidden checks, and another one has other points."""
    (attack,) = (attack for attack in CATALOG if attack.name == "table_of_last_time")
    source = source_notebook(course / "source" / attacks.ASSIGNMENT / f"{attack.notebook}.ipynb")
    shown, seeds = "", set()
    for _ in range(3):
        submitted = attacks.hand_in(source.notebook, attack.cells(course, last_time=shown), {})
        seed = hand_in_seed(b"secret", "eve", digest(source.notebook, submitted, None, {}))
        verdict, graded = grade_notebook(Submission(source, submitted, None, seed), server)
        assert verdict["double"].score == 0
        seeds.add(seed)
        now = str(verdict.to_json()) + str([cell.get("outputs") for cell in graded.cells])
        assert {*re.findall("([0-9a-f]{16,})=", now)} <= {np.array([-1.0, 2, 4]).tobytes().hex()}
        shown += now
    known, _ = judged(server, course, attack.notebook, attack.cells(course, last_time=shown))
    assert [check.passed for check in known["double"].checks] == [True, False, False]
    assert len(seeds) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["patched_score", "gc_walk", "threads", "reads_source"])
def test_in_a_plain_kernel_they_work(name: str, course: Path) -> None:
    """Where nothing stands in their way, so that the tests above do test something."""
    source = attacks.source_notebook().notebook
    (attack,) = [attack for attack in CATALOG if attack.name == name]
    nb = attacks.hand_in(source, attack.cells(course), attack.metadata)
    NotebookClient(nb, allow_errors=True, kernel_name="python3").execute()
    assert points(nb)["double"] == attacks.POINTS["double"]


def test_every_attack_says_what_it_tries_and_none_twice() -> None:
    says = [attack.says for attack in CATALOG]
    assert all(says)
    assert len({*says}) == len(says) == len({attack.source for attack in CATALOG}) > 80


def test_the_readme_counts_every_attack() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in readme.splitlines() if line.startswith("| get points for a wrong"))
    (header,) = (line for line in readme.splitlines() if line.startswith("| of "))
    assert f"Each of {len(CATALOG)} attacks" in readme
    assert header.startswith(f"| of {len(CATALOG)} attacks |")
    assert row.rpartition("| ")[2] == "0 |"
