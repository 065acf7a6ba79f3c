"""Whether grading stays as it is over thousands of hand-ins: seconds, memory, files, processes.

Run it with `python -m benchmarks.many [--count HAND_INS] [--jobs N]`. Each student hands in one
assignment with answers of the bank, so that every score is known beforehand; of each thousand as
many hand in each assignment. One `course grade` grades them all. Meanwhile its processes are looked
at every few seconds; at the end the gradebook is held against what the bank predicts.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from nbgrader.api import Gradebook

from benchmarks.courses import COURSE, ROOT, configure, copy, environment
from benchmarks.disturbed import below, kind_of
from course.authoring.release import make_release
from course.demo import CLASS, choose, write_paper
from course.directory import open_course
from course.grading.results import read_results
from course.layout import load_config
from course.notebooks import bank
from course.notebooks.assignment import SOURCE, read_assignments
from course.notebooks.source import source_notebooks

# How many of twenty hand in each assignment, in the course's order; later ones take longer.
OF_TWENTY = (7, 4, 3, 1, 2, 1, 1, 1)
KINDS = [one for one in CLASS if not one.damage and one.late.days < 0]
EVERY = 5.0  # seconds
PARTS = 5

Points = dict[tuple[str, str], dict[tuple[str, str], float]]  # by student and assignment


@dataclass(frozen=True)
class Look:
    """What was seen at one moment.

    Attributes:
        seconds: since grading began.
        done: hand-ins that have been graded.
        count: processes.
        memory: megabytes that are a process's own, the largest of each kind.
        files: open files, the most of each kind.
    """

    seconds: float
    done: int
    count: int
    memory: dict[str, float]
    files: dict[str, int]


def hand_in(root: Path, count: int) -> Points:
    """Make a course with so many hand-ins, and return the points that each should earn."""
    configure(root, "judge")
    copy(ROOT / SOURCE, root / SOURCE)
    make_release(root)
    course = open_course(root)
    names = [one.name for one in read_assignments(course.path("source"))]
    turns = [name for name, times in zip(names, OF_TWENTY, strict=True) for _ in range(times)]
    random.Random(0).shuffle(turns)
    predicted: Points = {}
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        for number in range(count):
            student, name = f"s{number:05}", turns[number % len(turns)]
            gradebook.update_or_create_student(student)
            there = root / "submitted" / student / name
            shutil.copytree(root / "release" / name, there)
            points = predicted.setdefault((student, name), {})
            for source in source_notebooks(course.path("source"), name):
                if source.lacks:
                    continue
                rng = random.Random(f"{number} {source.name}")
                paper = choose(rng, source, source.bank.answers, rng.choice(KINDS))
                for file in source.hand_in:
                    shutil.copy(source.folder / file, there)
                write_paper(there / f"{source.name}.ipynb", source, paper, words=True)
                answers = [*paper.answers.values()]
                found = bank.predicted(source.exercises, answers, paper.blank, carried=True)
                points |= {(source.name, key): value for key, value in found.items()}
    return predicted


def grade(root: Path, jobs: int) -> Iterator[Look]:
    """Grade all of it, and yield what is seen meanwhile.

    Raises:
        RuntimeError: if the command fails.
    """
    verdicts = root / "verdicts"
    start = time.monotonic()
    with (root / "said.txt").open("wb") as said:
        command = subprocess.Popen(
            [*COURSE, "grade", f"--jobs={jobs}"],
            cwd=root,
            env=environment(root.parent / "home", ROOT),
            stdout=said,
            stderr=said,
        )
        while command.poll() is None:
            done = len([*verdicts.iterdir()]) if verdicts.is_dir() else 0
            yield look(command.pid, time.monotonic() - start, done)
            with suppress(subprocess.TimeoutExpired):
                command.wait(EVERY)
    if command.returncode:
        raise RuntimeError((root / "said.txt").read_text(encoding="utf-8")[-2000:])


def look(pid: int, seconds: float, done: int) -> Look:
    """Look at a process and all below it."""
    memory: dict[str, float] = defaultdict(float)
    files: dict[str, int] = defaultdict(int)
    count = 0
    for one in below(pid):
        with suppress(psutil.Error, OSError):
            name = "the command" if one.pid == pid else kind_of(one)
            own, opened = one.memory_full_info().uss / 1e6, one.num_fds()
            memory[name], files[name] = max(memory[name], own), max(files[name], opened)
            count += 1
    return Look(seconds, done, count, memory, files)


def table(looks: Sequence[Look], count: int) -> Iterator[str]:
    """Yield what was seen, a line for each part of the class."""
    kinds = ("the command", "the fork server", "a worker", "a warm server")
    yield (
        "| hand-ins | seconds each | processes | "
        + " | ".join(f"{name}: MB, files" for name in kinds)
        + " |"
    )
    yield "|---|---|---|" + "---|" * len(kinds)
    for part in range(PARTS):
        first, last = count * part // PARTS, count * (part + 1) // PARTS
        seen = [one for one in looks if first <= one.done < last] or [looks[-1]]
        end = next((one for one in looks if one.done >= last), looks[-1])
        each = (end.seconds - seen[0].seconds) / max(1, end.done - seen[0].done)
        middle = [
            f"{statistics.median(one.memory.get(name, 0) for one in seen):.0f}, "
            f"{statistics.median(one.files.get(name, 0) for one in seen):.0f}"
            for name in kinds
        ]
        most = max(one.count for one in seen)
        yield f"| {first + 1} to {last} | {each:.3f} | {most} | {' | '.join(middle)} |"


def wrong(root: Path, predicted: Points) -> list[str]:
    """Return whose points are not as predicted, a line each."""
    works = read_results(root).works
    found = []
    for key, points in predicted.items():
        scores = {(c.notebook, c.id): value for c, value in works[key].scores.items()}
        found += [
            f"{' '.join(key)}, {which[1]}: {scores.get(which, 0):g} instead of {value:g}"
            for which, value in points.items()
            if scores.get(which, 0) != value
        ]
    return found


def main() -> None:
    """Print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5_000, metavar="HAND_INS")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    load_config(ROOT)  # finds alembic for nbgrader
    with tempfile.TemporaryDirectory(prefix="many-") as name:
        root = Path(name, "course")
        start = time.monotonic()
        predicted = hand_in(root, options.count)
        print(f"{options.count} hand-ins made in {time.monotonic() - start:.0f} s", flush=True)
        looks = list(grade(root, options.jobs))
        print(f"graded in {looks[-1].seconds:.0f} s by {options.jobs} processes", flush=True)
        print("\n".join(table(looks, options.count)), flush=True)
        left = sorted(path.name for path in (Path(name) / "home").iterdir())
        print(f"left in the temporary folder: {left}")
        differing = wrong(root, predicted)
        print("\n".join(differing[:50]))
        print(f"{len(differing)} of {sum(map(len, predicted.values()))} scores not as predicted")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
