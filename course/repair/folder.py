"""A submission's folder, made such that nbgrader finds in it what it expects.

Nothing is written into submitted/, and no link there is followed. Knows nothing of what stands in a
notebook.
"""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from traitlets.config import Config

from course.files import MAX_DEPTH, is_text, printable, too_deep, unusable, walk
from course.layout import CONFIG, CourseError
from course.notebooks.source import source_notebook
from course.repair.which import Meant, which

TIMESTAMP = "timestamp.txt"
MAX_TIMESTAMP = 1000  # bytes
_WHEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?) *([A-Za-z]\S*|[+-]\d\d(?::?\d\d)?)?"
)
SHOWN = 10  # names in a message

MAX_BYTES = 100 << 20  # of a file: nbgrader would copy any, several times over
MOST_BYTES = 500 << 20  # of all of them
MOST_FILES = 1_000  # and folders
MOST_NOTES = 20


class SubmissionError(Exception):
    """A submission, or one of its notebooks, can't be graded; the message says why."""


@contextlib.contextmanager
def tidied(
    folders: CourseDirectory, student: str, assignment: str, wanted: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder of submissions where nbgrader finds this one as it expects it.

    That is submitted/ itself; or, if the submission has links, misnamed notebooks or a broken date,
    a temporary folder that holds a tidy copy. With it come the notes on that.

    Raises:
        SubmissionError: if there is no notebook to grade.
    """
    folder = Path(folders.format_path(folders.submitted_directory, student, assignment))
    _check_folder(folder)
    zone = course_zone(folders.config)
    released = {name: _released(folders, assignment, name) for name in wanted}
    meant = {name: which(folder, name, released) for name in wanted}
    there = {name: one.path for name, one in meant.items() if one.path}
    if not there:
        found = names if (names := _names(folder)) else "no notebook was handed in"
        raise SubmissionError(f"{_files(wanted)} is missing: {found}")
    misnamed = {n: path for n, path in there.items() if path != folder / f"{n}.ipynb"}
    dropped = {path: why for path, why in _useless(folder, zone) if path not in there.values()}
    over = [path for path in beyond(folder) if path not in there.values()]
    notes = [*_remarks(folder, meant), *(_told(p, folder, dropped[p]) for p in dropped)]
    notes = _first([*_too_much(folder, over), *notes])
    when = _misread(folder, zone)
    if not (misnamed or dropped or over or when):
        yield folders.submitted_directory, notes
        return
    wanted_ones = {*there.values(), *(above for p in there.values() for above in p.parents)}
    kept = {*walk(folder), *wanted_ones} - {*dropped, *over}
    home = Path(folders.root, folders.autograded_directory)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tidied-", dir=home) as scratch:
        step = os.path.relpath(scratch, folders.root)
        copy = Path(folders.format_path(step, student, assignment))
        with contextlib.suppress(shutil.Error):  # what can't be copied is not graded
            shutil.copytree(
                folder,
                copy,
                symlinks=True,
                ignore=lambda where, names: [n for n in names if Path(where, n) not in kept],
            )
        for name, path in misnamed.items():
            _put(copy / path.relative_to(folder), copy / f"{name}.ipynb")
        if when:
            (copy / TIMESTAMP).write_text(f"{when} UTC\n", encoding="utf-8")
        yield step, notes


def beyond(folder: Path) -> list[Path]:
    """Return what is too much of a hand-in, in number or in bytes, to be copied and graded.

    What lies nearest is kept, notebooks first. What is left out for another reason doesn't count,
    except in number.
    """
    ordered = sorted(walk(folder), key=lambda path: (len(path.parts), path.suffix != ".ipynb"))
    left, found = MOST_BYTES, []
    for number, path in enumerate(ordered):
        size = path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        if number >= MOST_FILES or left < size <= MAX_BYTES:
            found.append(path)
        elif size <= MAX_BYTES:
            left -= size
    return found


def _too_much(folder: Path, over: Sequence[Path]) -> Iterator[str]:
    if over:
        first = ", ".join(str(path.relative_to(folder)) for path in over[:3])
        more = f" and {len(over) - 3:,} more" if len(over) > 3 else ""
        yield (
            f"it has more than {MOST_FILES:,} files and folders, or {MOST_BYTES >> 20} MiB: "
            f"{first}{more} left out"
        )


def _first(notes: Sequence[str]) -> list[str]:
    """Return notes, or of many the first."""
    more = len(notes) - MOST_NOTES
    return [*notes[:MOST_NOTES], *([f"and {more:,} notes like these"] if more > 0 else [])]


def _released(folders: CourseDirectory, assignment: str, name: str) -> NotebookNode:
    source = Path(folders.format_path(folders.source_directory, ".", assignment))
    return source_notebook(source / f"{name}.ipynb").released(folders.config)


def _put(file: Path, place: Path) -> None:
    """Put a file in another's place, or in that of a folder in which it may lie itself."""
    aside = place.with_name(f"{place.name}.meant")
    file.rename(aside)
    if place.is_dir():
        shutil.rmtree(place)
    aside.replace(place)


def _names(folder: Path) -> str:
    """Return what was handed in, by name, for a message; nothing if that is nothing."""
    names = sorted(p.name for p in folder.iterdir() if p.name != TIMESTAMP and not p.is_dir())
    more = " and more" if len(names) > SHOWN else ""
    return f"found {', '.join(names[:SHOWN])}{more}" if names else ""


def _check_folder(folder: Path) -> None:
    if folder.is_symlink():
        raise SubmissionError(f"{folder.name} is a link to another folder; it was not followed")
    if not folder.is_dir():
        raise SubmissionError(f"{folder.name} is a file; a folder is expected")
    if why := unusable(folder.parent.name):
        raise SubmissionError(why)


def _useless(folder: Path, zone: tzinfo) -> Iterator[tuple[Path, str]]:
    """Yield what nbgrader had better not find, each with the words that say why."""
    for path in too_deep(folder):
        yield path, f"is nested more than {MAX_DEPTH} folders deep and was left out"
    for path in walk(folder):
        if path.is_symlink():
            yield path, "is a link to another file; it was not followed"
        elif not is_text(path.name):
            yield path, "has a name that is not UTF-8 and was left out"
        elif not (path.is_file() or path.is_dir()):
            yield path, "is no ordinary file and was left out"
        elif path.is_file() and path.stat().st_size > MAX_BYTES:
            yield path, f"is larger than {MAX_BYTES >> 20} MiB and was left out"
    try:
        timestamp(folder, zone)
    except SubmissionError as error:
        why = str(error).removeprefix(TIMESTAMP).strip()
        yield folder / TIMESTAMP, f"{why}: whether it came in time is not known"


def _told(path: Path, folder: Path, why: str) -> str:
    first, *more = path.relative_to(folder).parts
    return f"{printable(first if len(more) > MAX_DEPTH // 2 else '/'.join([first, *more]))} {why}"


def _remarks(folder: Path, meant: Mapping[str, Meant]) -> Iterator[str]:
    for one in meant.values():
        if one.note:
            yield one.note if one.path else f"{one.note} and earns nothing"
    taken = [one.path for one in meant.values()]
    for path in sorted(folder.glob("*.ipynb")):
        own = path in taken or path.stem in meant
        if not own and path.is_file() and is_text(path.name):
            yield f"{path.name} is not part of the assignment and was left out"


def timestamp(folder: Path, zone: tzinfo) -> datetime | None:
    """Return when a submission was handed in, in UTC; None if that is not written down.

    A date and a time of day are expected, then an offset such as +0100, "UTC", a name such as
    Europe/Berlin, or what the course's own time zone is called at that time, such as CET; without
    any of these it is UTC, as nbgrader's own tools write it. Nothing else is guessed at.

    Args:
        folder: the folder that was handed in.
        zone: the course's.

    Raises:
        SubmissionError: if timestamp.txt can't be understood.
    """
    text = _timestamp_text(folder)
    try:
        return moment(text, zone) if text else None
    except SubmissionError as error:
        raise SubmissionError(f"{TIMESTAMP} {error}") from None


def moment(text: str, zone: tzinfo, *, bare: tzinfo = UTC) -> datetime:
    """Return the time that a text names, in UTC.

    Args:
        text: a date and a time of day, then perhaps a zone, as `timestamp` takes them.
        zone: the course's.
        bare: the zone of a time that names none.

    Raises:
        SubmissionError: if it can't be understood; the message has yet to say what.
    """
    found = _WHEN.fullmatch(text)
    try:
        day, time, name = found.groups("") if found else ("", "", "")
        when = datetime.fromisoformat(f"{day} {time}")
        there = _zone(name, when, zone) if name else bare
        return when.replace(tzinfo=there).astimezone(UTC).replace(tzinfo=None)
    except KeyError:
        why = f"names a time zone “{name}” that isn't this course's then (write +0200, say)"
        raise SubmissionError(why) from None
    except (ValueError, OverflowError):
        raise SubmissionError("holds no date") from None


def course_zone(config: Config) -> tzinfo:
    """Return the course's time zone, `c.Exchange.timezone`: nbgrader's own setting; UTC if none.

    Raises:
        CourseError: if there is no such zone.
    """
    name = config.Exchange.get("timezone", "UTC")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        raise CourseError(f"{CONFIG}: c.Exchange.timezone names no time zone: {name}") from None


def _zone(name: str, when: datetime, zone: tzinfo) -> tzinfo:
    """Return the zone of a time of day by its offset or name.

    Raises:
        KeyError: if there is none of that name.
        ValueError: if the offset is none.
    """
    if name in ("Z", "UTC", "GMT"):
        return UTC
    if name in (when.replace(tzinfo=zone, fold=fold).tzname() for fold in (0, 1)):
        return zone
    if name[0] in "+-":
        return datetime.strptime(name.replace(":", "").ljust(5, "0"), "%z").tzinfo or UTC
    if "/" not in name:
        raise KeyError(name)
    return ZoneInfo(name)


def _timestamp_text(folder: Path) -> str:
    path = folder / TIMESTAMP
    if not os.path.lexists(path) or path.is_symlink():
        return ""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TIMESTAMP + 1)
        if len(data) > MAX_TIMESTAMP:
            raise ValueError
        return data.decode("utf-8-sig").strip()
    except (OSError, ValueError):
        raise SubmissionError("timestamp.txt holds no date") from None


def _misread(folder: Path, zone: tzinfo) -> datetime | None:
    """Return when a submission was handed in if nbgrader itself would read another time."""
    with contextlib.suppress(SubmissionError):
        when = timestamp(folder, zone)
        try:
            text = (folder / TIMESTAMP).read_text(encoding="utf-8").strip() if when else ""
            return None if when is None or parse_utc(text) == when else when
        except Exception:  # whatever its parser may raise
            return when
    return None


def _files(names: Sequence[str]) -> str:
    return " and ".join(f"{name}.ipynb" for name in names)
