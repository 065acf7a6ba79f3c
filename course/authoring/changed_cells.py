"""Let an exercise come, go or change its name when work has been handed in already.

nbgrader refuses: its gradebook has a row for each cell of each submission. This step, which runs
before nbgrader's own `SaveCells`, makes these rows what they would be if the release had been so
from the beginning; all grades of other exercises stay. An exercise that has another name now says
so by a tag, `was:why_so`, and keeps what it has earned. What an exercise that goes has earned goes
with it, so the gradebook as it was is copied to saved/ first.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import BaseCell, Comment, Grade, Gradebook, MissingEntry, Notebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from course.directory import sqlite_file
from course.notebooks.cells import grade_id, names_before

#: The kinds of rows that a cell has, each with what tells whether it has one.
KINDS = {"GradeCell": is_grade, "SolutionCell": is_solution, "TaskCell": is_task}
Cells = Mapping[tuple[str, str], NotebookNode]  # by kind and name


class ChangeCells(NbGraderPreprocessor):  # type: ignore[misc]
    """Bring the gradebook's cells, and what submissions have of them, in line with the notebook."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Change the gradebook, if this notebook has submissions and other cells than before."""
        about = resources["nbgrader"]
        if self.config.GenerateAssignment.get("no_database", False):
            return nb, resources
        with Gradebook(about["db_url"]) as gradebook:
            try:
                notebook = gradebook.find_notebook(about["notebook"], about["assignment"])
            except MissingEntry:
                return nb, resources
            if notebook.submissions:
                _change(gradebook, notebook, nb, Path(self.config.CourseDirectory.root) / "saved")
        return nb, resources


def cell_names(db_url: str, assignment: str) -> dict[str, set[str]]:
    """Return the names of the cells that the gradebook knows, of notebooks with submissions.

    Args:
        db_url: where the gradebook is, as nbgrader names it.
        assignment: the assignment's name; it need not be there.
    """
    file = sqlite_file(db_url)
    if file and not file.exists():
        return {}
    with Gradebook(db_url) as gradebook:
        try:
            notebooks = gradebook.find_assignment(assignment).notebooks
        except MissingEntry:
            return {}
        return {
            one.name: {cell.name for cell in [*one.grade_cells, *one.task_cells]}
            for one in notebooks
            if one.submissions
        }


def _change(gradebook: Gradebook, notebook: Notebook, nb: NotebookNode, saved: Path) -> None:
    """Make a notebook's rows those that its cells ask for."""
    there = {(type(row).__name__, row.name): row for row in notebook._base_cells}
    wanted = {
        (kind, grade_id(cell)): cell
        for kind, has in KINDS.items()
        for cell in nb.cells
        if grade_id(cell) and has(cell)
    }
    texts = {row.name: row.source or "" for row in notebook.source_cells}
    sources = {
        grade_id(cell): cell.source
        for cell in nb.cells
        if is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell)
    }
    if set(there) == set(wanted) and set(texts) == set(sources):
        return
    if gone := set(there) - set(wanted):
        _keep(gradebook, saved)
    renamed = {old: new for new, old in names_before(nb.cells).items() if new not in texts}
    for (kind, name), row in there.items():
        if (kind, name) in gone and (kind, renamed.get(name)) in wanted:
            row.name = renamed[name]
        elif (kind, name) in gone:
            _remove(gradebook, row)
    known = {(kind, renamed.get(name, name)) for kind, name in there}
    for kind, name in set(wanted) - known:
        _add(gradebook, notebook, kind, name, wanted[kind, name])
    for source in list(notebook.source_cells):
        if source.name not in sources:
            gradebook.db.delete(source)
    for name in set(sources) - set(texts):
        gradebook.add_source_cell(
            name, notebook.name, notebook.assignment.name, cell_type="code", source=""
        )  # the next step fills it in
    gradebook.db.commit()


def _keep(gradebook: Gradebook, saved: Path) -> None:
    """Copy the gradebook, if it is a file."""
    file = sqlite_file(str(gradebook.engine.url.render_as_string(hide_password=False)))
    if file is None or not file.exists():
        return
    folder = saved / datetime.now().strftime("%Y-%m-%d_%H%M%S_%f")
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(folder / file.name)) as new:
        old.backup(new)


def _remove(gradebook: Gradebook, row: BaseCell) -> None:
    """Remove a cell, and what submissions have earned and were told there."""
    for model in (Grade, Comment):
        gradebook.db.query(model).filter(model.cell_id == row.id).delete()
    gradebook.db.expire(row)
    gradebook.db.delete(row)
    gradebook.db.flush()


def _add(
    gradebook: Gradebook, notebook: Notebook, kind: str, name: str, cell: NotebookNode
) -> None:
    """Add a cell, and to each submission what it lacks of it: nothing is earned there yet."""
    where = (name, notebook.name, notebook.assignment.name)
    if kind == "SolutionCell":
        row = gradebook.add_solution_cell(*where)
    else:
        add = gradebook.add_grade_cell if kind == "GradeCell" else gradebook.add_task_cell
        points = float(cell.metadata.nbgrader["points"])
        row = add(*where, max_score=points, cell_type=cell.cell_type)
    for submitted in notebook.submissions:
        if kind != "SolutionCell":
            waits = kind == "TaskCell" or is_solution(cell)
            gradebook.db.add(
                Grade(cell_id=row.id, notebook=submitted, auto_score=0, needs_manual_grade=waits)
            )
        if kind != "GradeCell":
            gradebook.db.add(Comment(cell_id=row.id, notebook=submitted))
