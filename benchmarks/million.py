"""A million submissions: how many machines grade them within an hour, and what breaks first.

Run it with `python -m benchmarks.million [--class STUDENTS] [--db-url URL]`. First it measures, on
this machine, what the simulation needs: it grades chapter 1, handed in with answers of its bank, at
a station as a cluster's worker does, one after the other; and it times what the machine that has
the class does for each submission, reading and packing it, and entering what comes back, with the
very code that does so. Then it plays through a million submissions whose times are drawn from those
that were measured, with stragglers and with workers that die, for more and more workers. What is
assumed and not measured stands in `Assumed`.
"""

import argparse
import heapq
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

from benchmarks.courses import ROOT
from benchmarks.grading import ASSIGNMENT, courses
from course.directory import open_course
from course.grading.fingerprint import code_digest
from course.grading.grade import LOG, Class
from course.grading.notes import read_notes
from course.grading.one_student import grade_submission
from course.grading.station import Parcel, RemoteStation, Reply, make_kit
from course.grading.writer import BATCH, Graded, Writer
from course.layout import load_config
from course.rollback import Rows, copy_gradebook

COUNT = 1_000_000
HOUR = 3600.0
COPIES = 512  # replies that are entered to time that
SUBMITTED = ("submitted_assignment", "submitted_notebook", "grade", "comment")


@dataclass(frozen=True)
class Assumed:
    """What is assumed, not measured.

    Attributes:
        cores: of a machine; each core has a worker.
        endless: the share of submissions that use up a notebook's whole time.
        limit: that time, in seconds.
        deaths: how often an hour a worker dies, on average.
        restart: seconds until another stands in its place.
        start: seconds until workers are set up.
    """

    cores: int = 16
    endless: float = 0.001
    limit: float = 600.0
    deaths: float = 0.01
    restart: float = 30.0
    start: float = 30.0


@dataclass(frozen=True)
class Measured:
    """What was measured here, in seconds a submission.

    Attributes:
        grading: of each submission that was graded at a station.
        sending: to read, pack and send one.
        entering: to enter what came back.
        sent: bytes of a parcel.
        back: bytes of a reply.
    """

    grading: Sequence[float]
    sending: float
    entering: float
    sent: float
    back: float


def measured(folder: Path, students: int, db_url: str = "") -> Measured:
    """Measure on this machine, with a class of chapter 1.

    Args:
        folder: for the courses.
        students: how many are graded.
        db_url: of an empty database for the gradebook; an SQLite file if there is none.
    """
    root = courses(folder, students)["judge"]
    course = open_course(root)
    work = {path.name: [ASSIGNMENT] for path in sorted((root / "submitted").iterdir())}
    whole = Class(course, work, read_notes(course), force=True, figures=False)
    start = time.perf_counter()
    parcels = list(whole.parcels(Writer(course, None), lambda outcome: None))
    sending = (time.perf_counter() - start) / len(parcels)
    station = RemoteStation(make_kit(course), code_digest())
    assert not station.refusal, station.refusal
    grading, replies = [], []
    for key, parcel in parcels:
        start = time.perf_counter()
        replies.append((key, station.grade(parcel, grade_submission)))
        grading.append(time.perf_counter() - start)
    station.close()
    if db_url:
        with (root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
            file.write(f"\nc.CourseDirectory.db_url = {db_url!r}\n")
        _move(root / "gradebook.db", db_url)
    entering = _entering(root, [_copy(*replies[n % len(replies)], n) for n in range(COPIES)])
    return Measured(
        grading[1:],  # with the first the warm server starts
        sending,
        entering,
        statistics.mean(map(_size, (parcel for _, parcel in parcels))),
        statistics.mean(map(_size, (reply for _, reply in replies))),
    )


def _size(what: Parcel | Reply) -> int:
    return sum(map(len, vars(what).values()))


def _copy(key: tuple[str, str, Rows, str], reply: Reply, number: int) -> Graded:
    """Return a reply as if another student had handed in the same."""
    student = f"copy_{number:06}"
    letter = reply.letter.replace(f'"{key[0]}"', f'"{student}"')
    rows = letter.partition('"rows": ')[2]
    for table in SUBMITTED:
        part = rows.partition(f'"{table}": [')[2].partition("}]")[0]
        for old in set(re.findall(r'"id": "([0-9a-f]{32})"', part)):
            letter = letter.replace(old, uuid4().hex)
    empty: Rows = {table: {} for table in key[2]}
    return Graded(student, ASSIGNMENT, empty, "", Reply(letter, reply.autograded, reply.verdicts))


def _entering(root: Path, replies: Sequence[Graded]) -> float:
    writer = Writer(open_course(root), root / LOG)
    start = time.perf_counter()
    for first in range(0, len(replies), BATCH):
        outcomes = writer.enter(replies[first : first + BATCH])
        assert all(outcome.notes == () or outcome.digest for outcome in outcomes), outcomes
    return (time.perf_counter() - start) / len(replies)


def _move(file: Path, db_url: str) -> None:
    """Copy what was released from an SQLite file into an empty database."""
    from nbgrader.api import Gradebook
    from sqlalchemy import create_engine

    from course.rollback import RELEASED

    with tempfile.TemporaryDirectory() as scratch:
        copy_gradebook(f"sqlite:///{file}", Path(scratch, "copy.db"), released_only=True)
        old = create_engine(f"sqlite:///{Path(scratch, 'copy.db')}")
        with old.connect() as source, Gradebook(db_url) as new:
            for model in RELEASED:
                for row in source.execute(model.__table__.select()).mappings():
                    if model.__name__ != "Course" or row["id"] != "default_course":
                        new.db.execute(model.__table__.insert(), dict(row))
            new.db.commit()
        old.dispose()


def times(found: Measured, assumed: Assumed, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw what grading each of so many submissions takes a worker, in seconds."""
    drawn = rng.choice(np.asarray(found.grading), count)
    drawn[rng.random(count) < assumed.endless] = assumed.limit
    return drawn


def play(
    found: Measured, assumed: Assumed, workers: int, count: int = COUNT, desks: int = 1
) -> tuple[float, float, float]:
    """Play through a class.

    Args:
        found: what was measured.
        assumed: what is assumed.
        workers: how many work.
        count: the submissions.
        desks: how many machines send and enter, each its part of the class.

    Returns:
        Seconds until all is entered; the share of that time in which the workers were busy, and the
        one in which the desk was.
    """
    rng = np.random.default_rng(0)
    seconds = times(found, assumed, count, rng)
    desk = (found.sending + found.entering) / desks
    free = [assumed.start] * workers
    heapq.heapify(free)
    dies = rng.random(count) < seconds * assumed.deaths / HOUR
    sent = busy = 0.0
    for take, death in zip(seconds.tolist(), dies.tolist(), strict=True):
        sent += desk  # one after the other: sending one, entering another
        begin = max(heapq.heappop(free), assumed.start + sent)
        if death:  # half of it done, then again from the start
            busy += take / 2
            begin += take / 2 + assumed.restart
        busy += take
        heapq.heappush(free, begin + take)
    last = max(max(free), assumed.start + sent) + BATCH * desk
    return last, busy / workers / last, sent / last


def lines(found: Measured, assumed: Assumed) -> Iterator[str]:
    """Yield what was measured, and what follows from it."""
    grading = np.sort(found.grading)
    quantiles = {name: np.quantile(grading, share) for name, share in
                 (("median", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("most", 1.0))}  # fmt: skip
    yield (
        f"grading: mean {grading.mean():.2f} s, "
        + ", ".join(f"{name} {value:.2f} s" for name, value in quantiles.items())
        + f" ({len(grading)} submissions)"
    )
    yield (
        f"the desk: {1000 * found.sending:.1f} ms to send, {1000 * found.entering:.1f} ms to enter,"
        f" so {1 / (found.sending + found.entering):.0f} submissions a second;"
        f" {found.sent / 1000:.0f} kB there, {found.back / 1000:.0f} kB back"
    )
    yield ""
    yield "| desks | machines | workers | minutes | workers busy | desk busy |"
    yield "|---|---|---|---|---|---|"
    for desks in (1, 2, 4, 8):
        for machines in (10, 20, 40, 80, 160):
            last, busy, desk = play(found, assumed, machines * assumed.cores, desks=desks)
            yield (
                f"| {desks} | {machines} | {machines * assumed.cores} | {last / 60:.0f} | "
                f"{100 * busy:.0f} % | {100 * desk:.0f} % |"
            )
    # The last that is sent may be one that uses up its whole time.
    room = HOUR - assumed.start - assumed.limit
    desks = int(np.ceil(COUNT * (found.sending + found.entering) / room))
    few, many = 0, 10_000  # too few, enough
    while many - few > 1:
        middle = (few + many) // 2
        last, *_ = play(found, assumed, middle * assumed.cores, desks=desks)
        few, many = (few, middle) if last <= HOUR else (middle, many)
    yield ""
    yield f"Within an hour: {desks} desks and {many} machines of {assumed.cores} cores."
    traffic = COUNT * (found.sent + found.back) / HOUR / 1e6
    stays = COUNT * found.back / 1e9
    yield f"Then {traffic:.0f} MB a second go over the network, and {stays:.0f} GB stay."


def main() -> None:
    """Print what was measured and what follows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--class", dest="students", type=int, default=40, metavar="STUDENTS")
    parser.add_argument("--db-url", default="", metavar="URL")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    load_config(ROOT)  # finds alembic for nbgrader
    with tempfile.TemporaryDirectory(prefix="million-") as name:
        found = measured(Path(name), options.students, options.db_url)
    for line in lines(found, Assumed()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
