"""One page for the instructor on how the class did, and a table of grades for other programs.

The page is a single file that needs nothing else, and all that students wrote is escaped in it.
Makes its files from `course.grading.results` and reads nothing itself.
"""

import csv
import hashlib
import io
import json
import os
import re
import statistics
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from course.files import printable
from course.grading.alike import MANY, alike
from course.grading.items import FEW, LOW, items
from course.grading.remarks import in_html
from course.grading.results import Column, Results, Work
from course.layout import CourseError

PAGE, TABLE, RECORD = "index.html", "grades.csv", ".made.json"
BINS = 10
LONGEST = 280  # characters of a diagnosis that are quoted
PAIRS = 40  # groups of students with answers that are alike
MOST = 12  # failed checks of an assignment that are shown in full
KINDS = 6  # diagnoses of a check of which the page says who was told them
NAMED = 40  # students of a diagnosis that it names
NUMBER = re.compile(r"-?\d+\.?\d*(e[+-]?\d+)?\.?")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


@dataclass(frozen=True)
class TableCell:
    """A field of the heat table.

    Attributes:
        text: what stands in it.
        shade: the class of its color, 0 (nothing missing) to 4, or a word.
        words: the same for a reader who can't see the color.
        link: where the student's feedback tells why; empty if it isn't made, or nothing is missing.
    """

    text: str
    shade: str
    words: str
    link: str = ""


@dataclass(frozen=True)
class Total:
    """What a student has earned of what counts.

    Attributes:
        points: in all.
        full: the full marks of what they have handed in or should have.
        missing: what was due and isn't in.
    """

    points: float
    full: float
    missing: Sequence[str] = ()

    @property
    def share(self) -> float:
        """The fraction of the full marks."""
        return self.points / self.full


@dataclass(frozen=True)
class Trouble:
    """A check that students failed.

    Attributes:
        column: the exercise.
        check: the check's name.
        hidden: whether students can't see it before they are graded.
        failed: how many students failed it.
        tried: how many attempted the exercise.
        diagnosis: what most of them were told.
        share: how many were told that.
        others: how many other diagnoses there were.
        told: each diagnosis and who was told it, the commonest first; a few.
    """

    column: Column
    check: str
    hidden: bool
    failed: int
    tried: int
    diagnosis: str
    share: int
    others: int
    told: Sequence[tuple[str, Sequence[str]]] = ()


def write_report(results: Results, folder: Path) -> Path:
    """Write the page and the table, and return the page's path.

    Args:
        results: what the class has earned.
        folder: where to; made if it does not exist.

    Raises:
        CourseError: if a file of that name is there which this function did not write.
    """
    files = {PAGE: page(results, datetime.now(), folder), TABLE: table(results)}
    write_files(folder, files, "course report")
    return folder / PAGE


def templates() -> Environment:
    """Return the templates of the pages for people: what is put into them is escaped."""
    return Environment(
        loader=PackageLoader("course.grading"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(results: Results, made: datetime, folder: Path | None = None) -> str:
    """Return the report as HTML.

    Args:
        results: what the class has earned.
        made: the time to print on it; what is due by then counts for those too who lack it.
        folder: where the page will lie, if it is to lead to feedback.
    """
    environment = templates()
    environment.filters |= {"points": points, "duration": duration, "in_html": in_html}
    works = sorted(results.works.values(), key=lambda work: (work.assignment, work.student))
    begun = [name for name in results.columns if _begun(results, name, made)]
    totals = {student: total for student, total in _totals(results, made).items() if total.full}
    shares = [total.share for total in totals.values()]
    every = {name: troubles(results, name) for name in begun}
    done = {name: items(results, name) for name in begun}
    known = results.known()
    script = environment.get_template("report.js").render()
    return environment.get_template("report.html").render(
        results=results,
        made=made,
        script=script,
        script_digest=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        row={student: number for number, student in enumerate(results.students)},
        named=NAMED,
        mean=statistics.mean(shares) if shares else 0,
        median=statistics.median(shares) if shares else 0,
        histogram=histogram(shares),
        begun=begun,
        later=[name for name in results.columns if name not in begun],
        due=results.due,
        totals=totals,
        lacking=[student for student, total in totals.items() if total.missing],
        ungraded=[work for work in works if not work.graded],
        late=[work for work in works if work.late],
        stale=[work for work in works if work.changed],
        remarks=[work for work in works if work.graded and work.notes],
        waiting=_waiting(works),
        cell=lambda student, name, column: _cell(
            results.works.get((student, name)), column, folder
        ),
        feedback=lambda work: _link(work, next(iter(work.pages), ""), folder),
        troubles={name: every[name][:MOST] for name in begun},
        items=done,
        means={name: {item.column: item.mean for item in done[name]} for name in begun},
        few=FEW,
        low=LOW,
        alike={
            name: alike([work for work in works if work.assignment == name], known)
            for name in begun
        },
        pairs=PAIRS,
        many=MANY,
        others={name: _others(every[name]) for name in begun},
        unrecorded={
            work.assignment for work in works if work.graded and work.scores and not work.verdicts
        },
    )


def table(results: Results) -> str:
    """Return the grades as CSV: a row per student, a column per exercise, then the totals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [(name, column) for name, found in results.columns.items() for column in found]
    writer.writerow(
        ["student", "name"]
        + [f"{name}/{column.notebook}/{column.id}" for name, column in columns]
        + [f"{name} total" for name in results.columns]
        + ["total"]
    )
    for student, person in results.students.items():
        works = {name: results.works.get((student, name)) for name in results.columns}
        writer.writerow(
            [_plain(student), _plain(person)]
            + [_score(works[name], column) for name, column in columns]
            + [points(work.score) if work else "" for work in works.values()]
            + [points(results.total(student))]
        )
    return out.getvalue()


def _score(work: Work | None, column: Column) -> str:
    return points(work.scores[column]) if work and column in work.scores else ""


def _plain(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


# --- what the page shows --------------------------------------------------------------------------


def points(value: float) -> str:
    """Return points without needless decimals."""
    return f"{round(value, 2):g}"


def duration(time: timedelta) -> str:
    """Return a duration in words, in its largest unit."""
    minutes = max(1, round(time.total_seconds() / 60))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size:
            count = round(minutes / size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{minutes} minute{'s' if minutes != 1 else ''}"


def histogram(shares: Iterable[float]) -> list[int]:
    """Count shares of the full marks, each in 0..1, in ten bins; full marks are in the last."""
    counts = [0] * BINS
    for share in shares:
        counts[min(int(share * BINS), BINS - 1)] += 1
    return counts


def _is_due(results: Results, assignment: str, now: datetime) -> bool:
    return assignment in results.due and results.due[assignment] <= now.astimezone(UTC)


def _begun(results: Results, assignment: str, now: datetime) -> bool:
    """Tell whether an assignment was due, or somebody has handed it in before."""
    there = any(name == assignment for _, name in results.works)
    return there or _is_due(results, assignment, now)


def _totals(results: Results, now: datetime) -> dict[str, Total]:
    """Return what each student has earned of what they have handed in or was due."""
    due = [name for name in results.columns if _is_due(results, name, now)]
    found = {}
    for student in results.students:
        there = [name for name in results.columns if (student, name) in results.works]
        missing = [name for name in due if name not in there]
        full = sum(results.max_score(name) for name in (*there, *missing))
        found[student] = Total(results.total(student), full, missing)
    return found


def _link(work: Work, notebook: str, folder: Path | None, place: str = "") -> str:
    """Return where a student's feedback is, seen from the report; empty if it wasn't made."""
    if folder is None or notebook not in work.pages:
        return ""
    path = os.path.relpath(work.pages[notebook].absolute(), folder.absolute())
    return quote(Path(path).as_posix()) + (f"#{quote(place)}" if place else "")


def _cell(work: Work | None, column: Column, folder: Path | None) -> TableCell:
    if work is None:
        return TableCell("", "none", "not handed in")
    if not work.graded:
        return TableCell("!", "none", "could not be graded")
    if column in work.waiting:
        return TableCell("✎", "waiting", "to be read by a person")
    score = work.scores.get(column, 0)
    words = f"{points(score)} of {points(column.points)} points"
    if score == 0 and _is_blank(work, column):
        return TableCell("–", "blank", "not attempted")
    share = score / column.points if column.points else 1
    shade = 0 if share >= 1 else 1 + sum(share < limit for limit in (0.25, 0.5, 0.75))
    link = _link(work, column.notebook, folder, column.grade_id) if shade else ""
    return TableCell(points(score), str(shade), words, link)


def _is_blank(work: Work, column: Column) -> bool:
    if column.exercise is None:
        return True
    return column in work.verdicts and work.verdicts[column].blank


def _waiting(works: Sequence[Work]) -> dict[tuple[str, Column], list[str]]:
    """Return who waits for a person to read each question."""
    found = defaultdict(list)
    for work in works:
        for column in work.waiting:
            found[work.assignment, column].append(work.student)
    return dict(found)


def _others(troubles: Sequence[Trouble]) -> list[str]:
    """Return the exercises that went wrong and are not among the first."""
    first = {trouble.column.id for trouble in troubles[:MOST]}
    return list(dict.fromkeys(t.column.id for t in troubles[MOST:] if t.column.id not in first))


def troubles(results: Results, assignment: str) -> list[Trouble]:
    """Return the checks of an assignment that students failed, the worst first."""
    found = [
        trouble
        for column in results.columns[assignment]
        if column.exercise
        for trouble in _troubles_of(results, assignment, column)
    ]
    return sorted(found, key=lambda trouble: -trouble.failed)


def _troubles_of(results: Results, assignment: str, column: Column) -> Iterator[Trouble]:
    assert column.exercise
    works = [work for (_, name), work in results.works.items() if name == assignment]
    tried = {
        work.student: work.verdicts[column]
        for work in works
        if column in work.verdicts
        and work.verdicts[column].checks
        and not work.verdicts[column].blank
    }
    for check in column.exercise.checks:
        messages = [
            (student, said.message)
            for student, verdict in tried.items()
            for said in verdict.checks
            if said.name == check.name and not said.passed
        ]
        if messages:
            told = _kinds(messages)
            diagnosis, students = told[0]
            yield Trouble(
                column,
                check.name,
                check.hidden,
                len(messages),
                len(tried),
                diagnosis,
                len(students),
                len(told) - 1,
                told[:KINDS],
            )


def _kinds(messages: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Return the messages that were told, each with the students, the commonest first.

    Messages that differ in their numbers alone are the same.

    Args:
        messages: the student and the message.
    """
    found: dict[str, tuple[str, list[str]]] = {}
    for student, message in messages:
        short = message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"
        found.setdefault(NUMBER.sub("#", message), (short, []))[1].append(student)
    return sorted(found.values(), key=lambda kind: -len(kind[1]))


# --- files ----------------------------------------------------------------------------------------


def write_files(folder: Path, files: dict[str, str], command: str) -> None:
    """Write files, but none over one that somebody else wrote or changed.

    Args:
        folder: where to; made if it does not exist.
        files: contents by name.
        command: what writes them, for the message.

    Raises:
        CourseError: if a file is there that was not written like this.
    """
    record = folder / RECORD
    ours = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for name in files:
        path = folder / name
        if path.exists() and ours.get(name) != _digest(path.read_bytes()):
            raise CourseError(
                f"{path} is not as `{command}` wrote it: move it away or use --output"
            )
    folder.mkdir(parents=True, exist_ok=True)
    data = {name: text.encode() for name, text in files.items()}
    digests = {name: _digest(content) for name, content in data.items()}
    record.write_text(json.dumps(ours | digests, indent=1) + "\n", encoding="utf-8")
    for name, content in data.items():
        (folder / name).write_bytes(content)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
