"""A source notebook: the instructor's, with its exercises, its release and its bank of answers.

All that the course knows of a notebook is asked of a `SourceNotebook`. It is read once in a
process, and again only when it, its bank or its specifications have changed. Runs none of its code.
"""

import copy
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import preprocessors as steps
from traitlets.config import Config

from course.notebooks import bank, placeholders
from course.notebooks.assignment import Part, read_assignment, read_assignments
from course.notebooks.bank import Bank
from course.notebooks.cells import NotebookError, grade_id, read
from course.notebooks.exercises import Exercise, exercises
from course.notebooks.promised_checks import tell_checks
from helpers import needs
from helpers.handed_in import read_file
from helpers.specification.promises import (
    FOLDER,
    PromiseError,
    Promises,
    changed,
    module_of,
    read_promises,
)


@dataclass(frozen=True, eq=False)
class SourceNotebook:
    """A source notebook; `source_notebook` reads one, and nobody changes it.

    Attributes:
        name: the file's name without ending, such as "activations".
        assignment: its assignment's, such as "01_activations".
        notebook: its cells.
        path: the file; None for one that was made in memory.
    """

    name: str
    assignment: str
    notebook: NotebookNode
    path: Path | None = None
    _released: dict[str, NotebookNode] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """The assignment's folder, with its figures and its bank."""
        if self.path is None:
            raise FileNotFoundError(f"{self.name} was made in memory")
        return self.path.parent

    @cached_property
    def text(self) -> str:
        """All of its Markdown, with single blanks between words."""
        cells = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        return re.sub(r"\s+", " ", "\n".join(cells))

    @cached_property
    def exercises(self) -> list[Exercise]:
        """Its autograded exercises, in order.

        Raises:
            NotebookError: if a test cell has no solution cell, or its checks can't be read.
        """
        try:
            return exercises(self.notebook, self.promises.specifications)
        except PromiseError as error:
            raise NotebookError(f"{self.name}: {error}") from error

    @cached_property
    def promises(self) -> Promises:
        """What its exercises are held against; nothing for one that was made in memory.

        Raises:
            NotebookError: if a file beside it can't be read.
        """
        if self.path is None:
            return Promises()
        try:
            return read_promises(self.path)
        except PromiseError as error:
            raise NotebookError(str(error)) from error

    @cached_property
    def bank(self) -> Bank:
        """What the bank knows of its exercises; nothing if there is none.

        Raises:
            BankError: if an entry is wrong.
        """
        return bank.load(self.bank_path, self.exercises)

    @property
    def ahead(self) -> tuple[str, ...]:
        """Modules that must be imported before its cells are run: a confined process may not.

        Raises:
            AssignmentError: if its assignment.toml can't be understood.
        """
        return self._part.preload if self._part else ()

    @property
    def hand_in(self) -> tuple[str, ...]:
        """Names of files that students hand in beside it.

        Raises:
            AssignmentError: if its assignment.toml can't be understood.
        """
        return self._part.hand_in if self._part else ()

    def handed_in(self, folder: Path) -> dict[str, bytes | str]:
        """Return these files as they lie in a folder, or why one can't be read."""
        return {name: read_file(folder, name) for name in self.hand_in}

    @property
    def _part(self) -> Part | None:
        return read_assignment(self.folder).part(self.name) if self.path else None

    @property
    def lacks(self) -> str:
        """What it needs and this computer lacks, "needs ...", in one line; empty if it can run.

        Raises:
            AssignmentError: if its assignment.toml can't be understood.
        """
        return needs.advice(self._part.needs) if self._part else ""

    @property
    def to_fill_in(self) -> list[str]:
        """What `course new` has left to be written: a line per file, one per exercise of its bank.

        Raises:
            BankError: if the bank is not TOML.
            NotebookError: if a file beside it can't be read.
        """
        places = {
            f"{self.name}.ipynb": placeholders.in_cells(self.notebook),
            f"{FOLDER}/{self.name}.py": placeholders.in_module(self.promises.text),
        }
        lines = [
            f"{file} is still to be filled in: {', '.join(found)}"
            for file, found in places.items()
            if found
        ]
        return lines + (bank.to_fill_in(self.bank_path) if self.path else [])

    @property
    def bank_path(self) -> Path:
        """Where its bank of answers is, or would be."""
        return self.folder / bank.FOLDER / f"{self.name}.toml"

    @property
    def specifications_path(self) -> Path:
        """Where the module of its specifications is, or would be."""
        return module_of(self.folder / f"{self.name}.ipynb")

    def cell(self, name: str) -> Any:
        """Return the cell with this grade_id or cell id.

        Raises:
            KeyError: if there is none.
        """
        for cell in self.notebook.cells:
            if name in (grade_id(cell), cell.get("id")):
                return cell
        raise KeyError(name)

    def released(self, config: Config | None = None) -> NotebookNode:
        """Return it as students are given it, made by nbgrader's own steps; not to be changed.

        Args:
            config: the course's; it says what stands in place of a solution.
        """
        key = repr(config)
        if key not in self._released:
            told: Sequence[Exercise] = ()
            with suppress(NotebookError):  # one whose exercises can't be read can be repaired still
                told = self.exercises
            self._released[key] = _released(self.notebook, told, config)
        return self._released[key]


def source_notebook(path: Path) -> SourceNotebook:
    """Read a source notebook, `.../source/<assignment>/<notebook>.ipynb`.

    Raises:
        NotebookError: if there is no such file or it is no notebook.
    """
    path = path.absolute()
    try:
        size = path.stat().st_size
    except OSError:
        read(path)  # says what is wrong
        raise
    return _read(path, changed(path), size)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: tuple[int, ...], _size: int) -> SourceNotebook:
    return SourceNotebook(path.stem, path.parent.name, read(path), path)


def source_notebooks(source: Path, assignment: str | None = None) -> list[SourceNotebook]:
    """Read the source notebooks of a course, in the order in which they are read.

    Args:
        source: the folder that holds the assignments' folders.
        assignment: only this one's.

    Raises:
        NotebookError: if one can't be read.
        AssignmentError: if an assignment.toml can't be understood.
    """
    wanted = [read_assignment(source / assignment)] if assignment else read_assignments(source)
    return [
        source_notebook(source / one.name / f"{part.notebook}.ipynb")
        for one in wanted
        for part in one.parts
    ]


def _released(
    source: NotebookNode, told: Sequence[Exercise], config: Config | None
) -> NotebookNode:
    nb: NotebookNode = copy.deepcopy(source)
    tell_checks(nb, told)
    resources: Any = {}
    for step in (
        steps.LockCells,
        steps.ClearSolutions,
        steps.ClearOutput,
        steps.ClearHiddenTests,
        steps.ClearMarkScheme,
        steps.ComputeChecksums,
    ):
        nb, resources = step(config=config).preprocess(nb, resources)
    return nb
