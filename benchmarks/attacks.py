"""Who is fooled: every attack of the catalog, on stock nbgrader and on the judge.

Run it with `python -m benchmarks.attacks [NAME ...]`. Each attack is one submission to a course of
its own in a temporary folder, graded by `nbgrader autograde`, with copies of this project's
packages for the attack to find, in a process namespace of its own: the kernels that stock nbgrader
runs the attacks in are not confined otherwise.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry

import attacks
from benchmarks.courses import ROOT, SIDES, configure, copy, environment, nbgrader, run
from course.judge.sandbox import missing
from course.layout import load_config
from course.notebooks.cells import read

SECONDS = 90  # for one `nbgrader autograde`
LINGER = 3  # seconds in which what an attack leaves behind may still do harm
# Names that begin like this are of the grading itself, or the attacker's own.
OWN = (".", "mallory", "__pycache__", "gradebook.db", "verdicts", "tmp", "grading.log")
# The first process of a namespace: runs a command, waits while there is somebody left, ends all.
FIRST = """
import os, subprocess, sys, time
end = float(sys.argv[1])
try:
    subprocess.run(sys.argv[3:], stdin=subprocess.DEVNULL, timeout=end)
except subprocess.TimeoutExpired:
    pass
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        break
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class AttackResult:
    """What an attack came to.

    Attributes:
        score: what was earned besides what is honestly earned; None if nothing was graded.
        possible: what could be.
        harm: what it changed besides, in words; empty if nothing.
    """

    score: float | None
    possible: float
    harm: str

    @property
    def fooled(self) -> bool:
        return bool(self.score)

    def __str__(self) -> str:
        if self.fooled:
            return f"**fooled**: {self.score:g} of {self.possible:g} points"
        return f"**harmed**: {self.harm}" if self.harm else "held"


def template(folder: Path, side: str) -> Path:
    """Make a course with a released assignment and one student whose work is graded."""
    course = folder / side / "course"
    configure(course, side)
    attacks.furnish(course, ROOT)
    variables = _variables(course, side)
    run(nbgrader("generate_assignment", attacks.ASSIGNMENT), course, variables)
    run(nbgrader("autograde", attacks.ASSIGNMENT), course, variables)
    return course


def _variables(course: Path, side: str) -> dict[str, str]:
    path = [course] if side == "stock" else []  # what an attack changes are copies
    return environment(course.parent / "home", *path, **{attacks.SECRET: "2 * f(x)"})


def try_out(
    attack: attacks.Attack, side: str, prepared: Path, folder: Path, ports: tuple[int, int]
) -> AttackResult:
    """Hand an attack in to a copy of the prepared course, grade it, and see what came of it."""
    course = folder / side / attack.name / "course"
    copy(prepared, course)
    notebook = Path(attacks.ASSIGNMENT, f"{attack.notebook}.ipynb")
    released = read(course / "release" / notebook)
    submitted = attacks.hand_in(released, attack.cells(course, *ports), attack.metadata)
    attacks.write(course / "submitted" / "mallory" / notebook, submitted)
    variables = _variables(course, side)
    before = _fingerprint(course)
    first = [*_namespace(), sys.executable, "-c", FIRST, str(SECONDS), str(LINGER)]
    grading = nbgrader("autograde", attacks.ASSIGNMENT, "--student=mallory")
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*first, *grading], cwd=course, env=variables, timeout=SECONDS + LINGER + 30,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    result = _result(attack, course, before)
    shutil.rmtree(course.parent, ignore_errors=True)
    return result


def _namespace() -> list[str]:
    """Return the command that begins a process namespace: nothing outside can be killed."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return command if os.geteuid() == 0 else [*command, "--user", "--map-current-user"]


def _result(attack: attacks.Attack, course: Path, before: dict[str, str]) -> AttackResult:
    mallory = _scores(course, "mallory", attack.notebook)
    after = _fingerprint(course)
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    harm = []
    if not mallory:
        harm.append("nothing was graded")
    elif mallory["triple"] != attacks.POINTS["triple"]:
        harm.append(f"the other question has {mallory['triple']:g} points")
    if any(_scores(course, "ada", name) != right for name, right in attacks.ALL_POINTS.items()):
        harm.append("another student's grades changed")
    if changed:
        harm.append(f"changed {changed[0]}" + (", ..." if changed[1:] else ""))
    attacked = [exercise for exercise, points in attack.points.items() if not points]
    possible = sum(attacks.ALL_POINTS[attack.notebook][exercise] for exercise in attacked)
    score = sum(mallory[exercise] for exercise in attacked) if mallory else None
    return AttackResult(score, possible, "; ".join(harm))


def _scores(course: Path, student: str, notebook: str) -> dict[str, float]:
    """Return a student's points by question; nothing if the work was not graded to its end."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}?timeout=30") as gradebook:
        try:
            found = gradebook.find_submission_notebook(notebook, attacks.ASSIGNMENT, student)
        except MissingEntry:
            return {}
        grades = {grade.name.removeprefix("test_"): grade for grade in found.grades}
        if all(grade.auto_score is grade.manual_score is None for grade in grades.values()):
            return {}
        return {name: grade.score for name, grade in grades.items()}


def _fingerprint(course: Path) -> dict[str, str]:
    """Return a digest of every file that grading mallory's work should leave alone."""
    paths = {path.relative_to(course.parent): path for path in course.parent.rglob("*")}
    return {
        str(relative): hashlib.sha256(path.read_bytes()).hexdigest()
        for relative, path in paths.items()
        if path.is_file() and not any(part.startswith(OWN) for part in relative.parts)
    }


def main() -> None:
    """Print the table, and the counts."""
    if shutil.which("unshare") is None or missing():
        sys.exit("Attacks are tried only where they can be confined: see `course doctor`.")
    load_config(ROOT)  # finds alembic for nbgrader
    names = sys.argv[1:]
    chosen = [attack for attack in attacks.catalog() if not names or attack.name in names]
    with (
        tempfile.TemporaryDirectory(prefix="attacks-", ignore_cleanup_errors=True) as name,
        attacks.accomplices() as ports,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        folder = Path(name)
        prepared = {side: template(folder, side) for side in SIDES}
        futures = [
            [pool.submit(try_out, attack, side, prepared[side], folder, ports) for side in SIDES]
            for attack in chosen
        ]
        print("| what the student's code does | stock nbgrader | the judge |")
        print("|---|---|---|", flush=True)
        results = []
        for attack, row in zip(chosen, futures, strict=True):
            results.append([future.result() for future in row])
            print(f"| {attack.says} | {' | '.join(map(str, results[-1]))} |", flush=True)
    print(f"\n| of {len(chosen)} attacks | stock nbgrader | the judge |\n|---|---|---|")
    for words, counted in {
        "get points for a wrong answer": lambda result: result.fooled,
        "do other harm": lambda result: not result.fooled and result.harm,
        "come to nothing": lambda result: not result.fooled and not result.harm,
    }.items():
        counts = [sum(map(bool, map(counted, column))) for column in zip(*results, strict=True)]
        print(f"| {words} | {counts[0]} | {counts[1]} |")


if __name__ == "__main__":
    main()
