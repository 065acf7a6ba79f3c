"""What a release was made from and what it came to: while all of it is as it was, it can stay.

Compared are the assignment's folder in source/, all that lies beside the folders there, the
course's own code and configuration, the packages that make a release, its folder in release/ and
its entries in the gradebook. A difference, or the least doubt, has it made again. Of the folder in
source/ a digest is kept by itself, by which whoever grades knows whether it is as it was released.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import helpers
from course.authoring.exercise_table import TABLE
from course.authoring.seal import digest
from course.directory import Course
from course.layout import CONFIG
from course.notebooks.assignment import SOURCE
from course.notebooks.conventions import FIGURES
from course.rollback import released_rows

RECORD = ".released.json"  # in the course's folder; without it everything is made
MAKERS = ("nbgrader", "nbconvert", "nbformat")
CACHES = {"__pycache__", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db"}

States = dict[str, str]  # by the assignment's name, and by that of the table of exercises


def made_of(root: Path, names: Sequence[str]) -> States:
    """Return a digest of all that assignments, and the table of exercises, are made from.

    Args:
        root: the course's folder.
        names: the assignments'.
    """
    makers = _makers(root)
    sources = {path.name: _files(path) for path in sorted((root / SOURCE).glob("*"))}
    found = {
        name: f"{_all(makers, sources[name])} {source_digest(root / SOURCE / name)}"
        for name in names
    }
    return {**found, TABLE.name: _all(makers, *map(str, sources.items()))}


def came_to(root: Path, course: Course, names: Sequence[str]) -> States:
    """Return a digest of what they have been made into.

    An assignment that is not in the gradebook, or of which that can't be told, is left out.

    Args:
        root: the course's folder.
        course: the course.
        names: the assignments'.
    """
    entries = {name: released_rows(course.db_url, name) for name in names}
    found = {
        name: _all(_files(root / "release" / name), rows) for name, rows in entries.items() if rows
    }
    return {**found, TABLE.name: _files(root / TABLE)}


def joined(sources: States, results: States) -> States:
    """Return what is written down of those that are in both."""
    return {name: f"{sources[name]} {results[name]}" for name in sources if name in results}


def read_states(root: Path) -> Mapping[str, str]:
    """Return the states that were written down; none if there are none that can be read."""
    try:
        found = json.loads((root / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def source_digest(folder: Path) -> str:
    """Return a digest of all in an assignment's folder in source/ that can decide a grade."""
    return _all(*_lines(folder, FIGURES))


def released_from(root: Path, assignment: str) -> str:
    """Return `source_digest` as it was when an assignment was released; empty if that isn't known.

    Args:
        root: the course's folder.
        assignment: its name.
    """
    match read_states(root).get(assignment, "").split():
        case [_, source, _]:
            return source
    return ""  # released by an earlier version, by nbgrader alone, or not here


def write_states(root: Path, found: Mapping[str, str]) -> None:
    """Write states down, besides those of other assignments."""
    text = json.dumps({**read_states(root), **found}, indent=1, sort_keys=True)
    new = root / f"{RECORD}.{os.getpid()}"
    new.write_text(text, encoding="utf-8")
    new.replace(root / RECORD)


def _makers(root: Path) -> str:
    """Return a digest of what makes a release, whichever assignment it is."""
    code = [Path(__file__).parents[1], Path(helpers.__file__ or "").parent]
    beside = [path for path in sorted((root / SOURCE).glob("*")) if path.is_file()]
    packages = [f"{name} {version(name)}" for name in MAKERS]
    return _all(sys.version, *packages, *map(_files, [*code, root / CONFIG, *beside]))


def _files(place: Path) -> str:
    """Return a digest of a file, or of all files in a folder."""
    return _all(*_lines(place))


def _lines(place: Path, *besides: str) -> Iterator[str]:
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        parts = path.relative_to(place).parts
        if path.is_file() and not {*CACHES, *besides}.intersection(parts):
            yield f"{path.relative_to(place)} {digest(path.read_bytes())}"


def _all(*parts: str) -> str:
    return digest("\n".join(parts).encode())
