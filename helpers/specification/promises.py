"""All that a notebook's exercises are held against: specifications, reference, known mistakes.

`read_promises` finds them beside a source notebook: `specifications/<notebook>.py`, whose names are
the exercises', `bank/<notebook>.toml`, whose wrong answers are the known mistakes, and `hidden/`,
files that the chapter keeps to itself. Where a
released notebook is used there is none of this, and nothing here is asked for.
"""

import base64
import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from helpers.specification.mistakes import Mistake
from helpers.specification.specifications import Specification

FOLDER, BANK, HIDDEN = "specifications", "bank", "hidden"  # beside a source notebook
VARIABLE = "COURSE_SOURCE_NOTEBOOK"  # where a kernel that grades finds the source notebook


class PromiseError(Exception):
    """An exercise has no specification, or it can't be read: the staff's mistake."""


@dataclass(frozen=True)
class Promise:
    """What one exercise is held against.

    Attributes:
        specification: its parts.
        reference: the reference's function or class, if it is called like the exercise.
        names: what set-up cells and reference solutions define, up to the exercise.
        before: the same without the exercise itself.
        mistakes: known wrong programs, the simplest first.
        explained: whether the cause and a small counterexample are looked for.
    """

    specification: Specification
    reference: Any
    names: Mapping[str, Any]
    before: Mapping[str, Any]
    mistakes: Sequence[Mistake]
    explained: bool = True


@dataclass
class Promises:
    """What a notebook's exercises are held against. Its cells are run when they are first needed.

    Attributes:
        text: source of the module of specifications.
        setup: sources of the set-up cells.
        solutions: sources of the reference solutions by exercise, in order.
        mistakes: known wrong programs by exercise.
        explained: whether the cause and a small counterexample are looked for: not where only the
            marks count.
        hidden: the files of the folder `hidden/` by name, such as images to judge a classifier by.
    """

    text: str = ""
    setup: Sequence[str] = ()
    solutions: Mapping[str, str] = field(default_factory=dict)
    mistakes: Mapping[str, Sequence[Mistake]] = field(default_factory=dict)
    explained: bool = True
    hidden: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    _found: dict[str, Promise] = field(default_factory=dict, repr=False)
    _names: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def specifications(self) -> dict[str, Specification]:
        """The specifications by exercise; none if there is no module of them.

        Raises:
            PromiseError: if the module can't be run.
        """
        names: dict[str, Any] = {"__name__": "specifications"}
        try:
            exec(compile(self.text, "<specifications>", "exec"), names)
        except Exception as error:
            raise PromiseError(f"specifications: {type(error).__name__}: {error}") from error
        return {name: value for name, value in names.items() if isinstance(value, Specification)}

    def of(self, exercise: str) -> Promise:
        """Return what an exercise is held against.

        Raises:
            PromiseError: if there is no such exercise, or it has no specification.
        """
        if exercise not in self._found:
            self._find(exercise)
        return replace(self._found[exercise], explained=self.explained)

    def _find(self, exercise: str) -> None:
        specifications = self.specifications
        if exercise not in self.solutions or exercise not in specifications:
            raise PromiseError(f"{exercise} has no specification")
        names: dict[str, Any] = {"__name__": "__main__"}
        for source in self.setup:
            exec(compile(source, "<set-up>", "exec"), names)
        for name, source in self.solutions.items():
            before = dict(names)
            exec(compile(source, f"<reference:{name}>", "exec"), names)
            if name in specifications:
                self._found[name] = Promise(
                    specifications[name],
                    names.get(name),
                    names,
                    before,
                    self.mistakes.get(name, ()),
                )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "text": self.text,
            "setup": list(self.setup),
            "solutions": list(self.solutions.items()),
            "mistakes": {
                name: [[mistake.words, mistake.source] for mistake in known]
                for name, known in self.mistakes.items()
            },
            "hidden": {name: base64.b64encode(data).decode() for name, data in self.hidden.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Promises":
        """Undo `to_json`."""
        known = {
            name: [Mistake(words, source) for words, source in pairs]
            for name, pairs in values["mistakes"].items()
        }
        hidden = {name: base64.b64decode(data) for name, data in values["hidden"].items()}
        solutions = dict(values["solutions"])
        return cls(values["text"], values["setup"], solutions, known, hidden=hidden)


_promises: ContextVar[Promises | None] = ContextVar("promises", default=None)


@contextmanager
def promised(promises: Promises | None) -> Iterator[None]:
    """Within the block, questions hold answers against these."""
    token = _promises.set(promises)
    try:
        yield
    finally:
        _promises.reset(token)


def promise(exercise: str) -> Promise:
    """Return what an exercise is held against: as `promised`, or found beside the notebook.

    A kernel that grades is told where the source notebook is; JupyterLab runs one where it lies.

    Raises:
        PromiseError: if it is nowhere to be found.
    """
    given = _promises.get()
    if given is not None:
        return given.of(exercise)
    told = os.environ.get(VARIABLE)
    for path in [Path(told)] if told else sorted(Path.cwd().glob("*.ipynb")):
        found = _found_beside(path.resolve(), changed(path))
        if exercise in found.solutions and found.text:
            return found.of(exercise)
    raise PromiseError(f"{exercise} has no specification here")


def hidden_file(name: str) -> bytes:
    """Return a file that a chapter keeps to itself: as `promised`, or found beside the notebook.

    Raises:
        PromiseError: if it is nowhere to be found.
    """
    given = _promises.get()
    if given is not None and name in given.hidden:
        return given.hidden[name]
    told = os.environ.get(VARIABLE)
    path = (Path(told).parent if told else Path.cwd()) / HIDDEN / name
    if given is None and path.is_file():
        return path.read_bytes()
    raise PromiseError(f"there is no {HIDDEN}/{name} here")


@lru_cache(maxsize=4)
def _found_beside(path: Path, _changed: tuple[int, ...]) -> Promises:
    """Return what `read_promises` does, with whatever has been run: a notebook asks many times."""
    return read_promises(path)


def changed(path: Path) -> tuple[int, ...]:
    """Return a number for each file of a source notebook's promises that changes when it does."""
    files = [path, module_of(path), path.parent / BANK / f"{path.stem}.toml"]
    files += _hidden_files(path)
    return tuple(file.stat().st_mtime_ns if file.is_file() else 0 for file in files)


def _hidden_files(path: Path) -> list[Path]:
    return sorted(file for file in (path.parent / HIDDEN).glob("*") if file.is_file())


def module_of(path: Path) -> Path:
    """Return where a source notebook's specifications are, or would be."""
    return path.parent / FOLDER / f"{path.stem}.py"


def read_promises(path: Path) -> Promises:
    """Read what the exercises of a source notebook are held against.

    Args:
        path: the notebook; files that it lacks are empty.

    Raises:
        PromiseError: if a file can't be read.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        module = module_of(path)
        text = module.read_text(encoding="utf-8") if module.is_file() else ""
        bank = path.parent / BANK / f"{path.stem}.toml"
        table = tomllib.loads(bank.read_text(encoding="utf-8")) if bank.is_file() else {}
        hidden = {file.name: file.read_bytes() for file in _hidden_files(path)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PromiseError(f"{path.name}: {type(error).__name__}: {error}") from error
    setup, solutions = _sources(cells)
    mistakes = _mistakes(table.get("wrong", []), solutions)
    return Promises(text, setup, solutions, mistakes, hidden=hidden)


def _sources(cells: Sequence[Mapping[str, Any]]) -> tuple[list[str], dict[str, str]]:
    setup: list[str] = []
    solutions: dict[str, str] = {}
    for cell in cells:
        if cell.get("cell_type") != "code":
            continue
        source = "".join(cell.get("source", ""))
        marks = cell.get("metadata", {}).get("nbgrader", {})
        if "setup" in cell.get("metadata", {}).get("tags", []):
            setup.append(source)
        elif marks.get("solution") and not marks.get("grade"):
            solutions[str(marks.get("grade_id"))] = source
    return setup, solutions


def _mistakes(
    wrong: Sequence[Mapping[str, Any]], solutions: Mapping[str, str]
) -> dict[str, list[Mistake]]:
    """Return the bank's wrong answers as programs, those with the smallest edits first."""
    found: dict[str, list[tuple[int, Mistake]]] = {}
    for entry in wrong:
        exercise = entry.get("exercise", "")
        source, size = _program(entry, solutions.get(exercise, ""))
        words = str(entry.get("tells", entry.get("name", "")))
        found.setdefault(exercise, []).append((size, Mistake(words, source)))
    return {
        exercise: [mistake for _, mistake in sorted(known, key=lambda pair: pair[0])]
        for exercise, known in found.items()
    }


def _program(entry: Mapping[str, Any], reference: str) -> tuple[str, int]:
    """Return a wrong answer's source, and how much it changes."""
    if "code" in entry:
        return str(entry["code"]).strip(), len(str(entry["code"]))
    source, size = reference, 0
    for edit in entry.get("edits", []):
        source = source.replace(edit["old"], edit["new"])
        size += len(edit["old"]) + len(edit["new"])
    return source, size
