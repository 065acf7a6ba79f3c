"""A chapter's `assignment.toml`: what is known of an assignment besides its notebooks.

    order = 4                              # its place in the course
    title = "Backpropagation"
    let_out = ["figures/*.png"]            # what students get besides the notebooks, and no more
    preload = ["sklearn.linear_model"]     # modules that grading imports ahead of time

    [[part]]                               # one per notebook, in the order in which they are read
    notebook = "two_layer_by_hand"

    [[part]]
    notebook = "layers"
    answers = ["layers"]                   # of helpers.answers: they hold this part's solutions, so
                                           # only what comes after it may import them
    needs = ["torch>=2.13"]                # packages beyond the course's own: where one is missing,
                                           # the notebook is left out of whatever would run it
    preload = ["torch"]                    # like that of the assignment, where this one is graded
    hand_in = ["weights.npz"]              # files that students hand in beside the notebook

A folder without the file is an assignment all the same: it lets nothing out but its notebooks.
Runs nothing.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from course.layout import CourseError

FILE = "assignment.toml"
SOURCE = "source"  # where assignments lie in a course's folder, unless its configuration says else
RELEASE = "release"  # where a class's copy, which has no source/, holds them

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_KEYS = {"order", "title", "let_out", "preload", "part"}
_PART_KEYS = {"notebook", "answers", "needs", "preload", "hand_in"}


class AssignmentError(CourseError):
    """An assignment.toml is wrong; the message says which and where."""


@dataclass(frozen=True)
class Part:
    """One notebook of an assignment.

    Attributes:
        notebook: its name without ending.
        answers: modules of `helpers.answers` that hold its solutions, such as "layers".
        needs: packages that must be installed besides the course's, such as "torch>=2.13".
        preload: modules that grading it imports ahead of time, besides its assignment's.
        hand_in: names of files that students hand in beside it.
    """

    notebook: str
    answers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    hand_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """A chapter.

    Attributes:
        name: its folder's, such as "04_backprop".
        order: its place in the course; among equals the names decide.
        title: for people.
        parts: its notebooks, in the order in which they are read.
        let_out: patterns of files that students get besides the notebooks, such as "figures/*.png".
        preload: modules that grading imports ahead of time.
        unlisted: those of its notebooks that assignment.toml does not name; they are parts too.
    """

    name: str
    order: float = float("inf")
    title: str = ""
    parts: tuple[Part, ...] = ()
    let_out: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()

    def lets_out(self, path: PurePath) -> bool:
        """Tell whether students get a file.

        Args:
            path: relative to the assignment's folder. A pattern's `*` stays within one folder.
        """
        if len(path.parts) == 1 and path.suffix == ".ipynb":
            return True
        return any(
            len(path.parts) == len(pattern.parts)
            and all(map(fnmatchcase, path.parts, pattern.parts))
            for pattern in map(PurePath, self.let_out)
        )

    def part(self, notebook: str) -> Part | None:
        """Return the part with this notebook; None if there is none."""
        return next((part for part in self.parts if part.notebook == notebook), None)


def read_assignment(folder: Path) -> Assignment:
    """Read an assignment's folder in source/, or in release/ of a class's copy.

    Args:
        folder: its notebooks without an entry in assignment.toml come last, by name.

    Raises:
        AssignmentError: if its assignment.toml can't be understood, or names a notebook that is not
            there.
    """
    there = sorted(path.stem for path in folder.glob("*.ipynb"))
    path = folder / FILE
    if not path.is_file():
        parts = tuple(map(Part, there))
        return Assignment(folder.name, title=folder.name, parts=parts, unlisted=tuple(there))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        known = [_part(entry) for entry in table.get("part", [])]
        _check_keys(table, _KEYS)
        unlisted = [name for name in there if name not in _names(known)]
        assignment = Assignment(
            name=folder.name,
            order=_number(table, "order"),
            title=_text(table, "title"),
            parts=(*known, *map(Part, unlisted)),
            let_out=_texts(table, "let_out"),
            preload=_modules(table),
            unlisted=tuple(unlisted),
        )
        if missing := sorted(_names(known) - set(there)):
            raise AssignmentError(f"there is no {missing[0]}.ipynb")
    except (AssignmentError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AssignmentError(f"{folder.parent.name}/{folder.name}/{FILE}: {error}") from error
    return assignment


def read_assignments(source: Path) -> list[Assignment]:
    """Read all assignments of a course in their order.

    Args:
        source: the folder that holds their folders; what has no notebook is no assignment.

    Raises:
        AssignmentError: if one can't be understood.
    """
    folders = {path.parent for path in source.glob("*/*.ipynb")}
    return sorted(
        (read_assignment(folder) for folder in folders), key=lambda one: (one.order, one.name)
    )


def known_assignments(root: Path) -> list[Assignment]:
    """Read all assignments that a learner's copy of the course knows, in their order.

    Args:
        root: the course's folder; where it has no source/, as a class's copy, release/ is read.

    Raises:
        AssignmentError: if one can't be understood.
    """
    return read_assignments(root / SOURCE) or read_assignments(root / RELEASE)


def _part(entry: Any) -> Part:
    if not isinstance(entry, dict):
        raise AssignmentError("a part is a table, [[part]]")
    _check_keys(entry, _PART_KEYS)
    needs = _texts(entry, "needs")
    for text in needs:
        try:
            Requirement(text)
        except InvalidRequirement:
            raise AssignmentError(f"{text!r} is no package such as 'torch>=2.13'") from None
    hand_in = _texts(entry, "hand_in")
    if wrong := [name for name in hand_in if PurePath(name).name != name]:
        raise AssignmentError(f"{wrong[0]!r} is no file's name")
    answers = _texts(entry, "answers")
    return Part(_text(entry, "notebook"), answers, needs, _modules(entry), hand_in)


def _names(parts: Sequence[Part]) -> set[str]:
    return {part.notebook for part in parts}


def _check_keys(table: dict[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(table) - known):
        raise AssignmentError(f"{unknown[0]!r} is not known; known are {', '.join(sorted(known))}")


def _number(table: dict[str, Any], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AssignmentError(f"{key} is a number, not {value!r}")
    return value


def _text(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise AssignmentError(f"{key} is a text, not {value!r}")
    return value


def _texts(table: dict[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise AssignmentError(f"{key} is a list of texts, not {value!r}")
    return tuple(value)


def _modules(table: dict[str, Any]) -> tuple[str, ...]:
    found = _texts(table, "preload")
    if wrong := [module for module in found if not _MODULE.fullmatch(module)]:
        raise AssignmentError(f"{wrong[0]!r} is no module")
    return found


def kept_back(folder: Path, assignment: Assignment) -> Iterator[Path]:
    """Yield what stands in an assignment's folder and students don't get, relative to it."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_dir() and not assignment.lets_out(relative):
            yield relative
