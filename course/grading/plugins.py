"""The course's own steps in nbgrader's pipelines, named in nbgrader_config.py.

Each does one job. None decides a grade.
"""

import base64
import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbgrader
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    ClearHiddenTests,
    Execute,
    GetGrades,
    NbGraderPreprocessor,
    OverwriteCells,
    SaveAutoGrades,
)
from traitlets import default

from course.files import printable
from course.grading.overview import WAITS, rows, total, waiting
from course.grading.remarks import remarks, without_secrets
from course.grading.sanitize import CUT, LONGEST_TEXT, plain_formulas
from course.judge.preprocessor import leave_out
from course.notebooks.cells import (
    CHANGED,
    NOT_GRADED,
    SCHEMA,
    NotebookError,
    grade_id,
    is_manual,
    is_test,
    model_answer,
    read,
)
from course.notebooks.source import source_notebook
from course.verdict import METADATA, find_verdict, put_verdict
from helpers import pace
from helpers.specification import promises

TEMPLATES = Path(__file__).parent / "templates"
NBGRADERS = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"

TO_READ = (
    "**To be read again:** this answer has changed since it was marked; it had {points} points.\n\n"
)

# --- autograde ------------------------------------------------------------------------------------


class RestoreCells(OverwriteCells):  # type: ignore[misc]
    """Put back every cell of the release that a submission lacks, as it was released.

    nbgrader's own step puts back graded cells alone, and fails when the cell before one is gone
    too: when a student has deleted a whole exercise.
    """

    def add_missing_grade_cells(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Insert each missing cell after the one that it follows in the release."""
        released = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        points = {cell.name: cell.max_score for cell in released.grade_cells}
        answers = {cell.name for cell in released.solution_cells}
        position = 0
        for known in released.source_cells:
            there = [index for index, cell in enumerate(nb.cells) if grade_id(cell) == known.name]
            if not there:
                self.log.warning("The cell %s is missing and was put back", known.name)
                nb.cells.insert(position, _as_released(known, points, answers))
            position = (there or [position])[0] + 1
        return nb, resources

    def add_missing_task_cells(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Take nbgrader's marks off copies and unknown cells; nbgrader's own step fails at them."""
        for cell in nb.cells:
            if not grade_id(cell):
                cell.metadata.pop("nbgrader", None)
        return nb, resources


def _as_released(known: Any, points: Mapping[str, float], answers: Set[str]) -> NotebookNode:
    """Return a cell that the gradebook knows as nbgrader released it."""
    marks = {
        "cell_type": known.cell_type,
        "checksum": known.checksum,
        "grade": known.name in points,
        "grade_id": known.name,
        "locked": known.locked,
        "schema_version": SCHEMA,
        "solution": known.name in answers,
        "task": False,
    }
    if known.name in points:
        marks["points"] = points[known.name]
    new_cell: Callable[..., NotebookNode] = (
        new_code_cell if known.cell_type == "code" else new_markdown_cell
    )
    return new_cell(known.source, id=f"{known.name}-put-back", metadata={"nbgrader": marks})


class ExecuteShort(Execute):  # type: ignore[misc]
    """Run a submission in a kernel of its own, in which long trainings are cut short.

    The kernel is told where the source notebook is, beside which the specifications lie.
    """

    def preprocess(
        self, nb: NotebookNode, resources: Any, **kwargs: Any
    ) -> tuple[NotebookNode, Any]:
        """Run the notebook's cells."""
        folders, marks = self.parent.parent.coursedir, resources["nbgrader"]
        source = folders.format_path(folders.source_directory, ".", marks["assignment"])
        self._source = Path(source, f"{marks['notebook']}.ipynb").absolute()
        if leave_out(nb, resources, source_notebook(self._source)):
            return nb, resources
        run: tuple[NotebookNode, Any] = super().preprocess(nb, resources, **kwargs)
        return run

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel with `helpers.pace` set to short, in its environment alone."""
        own = {pace.VARIABLE: "short", promises.VARIABLE: str(self._source)}
        super().start_new_kernel(env={**os.environ, **own}, **kwargs)


class SaveGrades(SaveAutoGrades):  # type: ignore[misc]
    """Save the scores, but of a notebook that was left out: its earlier grades stay.

    What of it has none yet waits for a grade, so that nobody takes its zeros for a result. All
    scores of a notebook come into the gradebook at once: nbgrader would wait for the disk for each.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Save a notebook's scores."""
        marks = resources["nbgrader"]
        self._last = len(nb.cells) - 1
        if not marks.get(NOT_GRADED):
            saved: tuple[NotebookNode, Any] = super().preprocess(nb, resources)
            return saved
        with Gradebook(marks["db_url"]) as gradebook:
            found = gradebook.find_submission_notebook(
                marks["notebook"], marks["assignment"], marks["student"]
            )
            for grade in found.grades:
                if grade.auto_score is None and grade.manual_score is None:
                    grade.needs_manual_grade = True
            gradebook.db.commit()
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Save a cell's score, and all of them for good with the last."""
        session = self.gradebook.db
        session.commit = session.flush
        saved: tuple[NotebookNode, Any] = super().preprocess_cell(cell, resources, cell_index)
        del session.commit
        if cell_index == self._last:
            session.commit()
        return saved


# --- feedback -------------------------------------------------------------------------------------


class HideTests(ClearHiddenTests):  # type: ignore[misc]
    """Take the hidden tests out of a graded notebook, and errors that quote them too.

    Only test cells are looked at: a student's own cell may hold nbgrader's marks.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Clear the cells, and the incidents of the judge's verdict in the metadata."""
        if verdict := find_verdict(nb.metadata):
            incidents = tuple(map(without_secrets, verdict.incidents))
            put_verdict(nb.metadata, replace(verdict, incidents=incidents))
        else:
            nb.metadata.pop(METADATA, None)  # damaged: who knows what it quotes
        cleared: tuple[NotebookNode, Any] = super().preprocess(nb, resources)
        return cleared

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Clear one cell."""
        if not is_test(cell):
            return cell, resources
        for output in cell.outputs:
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: this question could not be run to its end."]
        cleared, resources = super().preprocess_cell(cell, resources, cell_index)
        return cleared, resources


class FeedbackExporter(HTMLExporter):
    """Finds nbgrader's own template too, of which the course's changes a part."""

    @default("template_paths")
    def _template_paths(self, prune: bool = True, root_dirs: Any = None) -> list[str]:
        usual: list[str] = super()._template_paths(prune, root_dirs)
        return [*usual, str(NBGRADERS)]


class GetMarks(GetGrades):  # type: ignore[misc]
    """Take the scores from the gradebook, and which of them are still to come."""

    def _get_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(
            grade_id(cell), self.notebook_id, self.assignment_id, self.student_id
        )
        if grade.needs_manual_grade:
            cell.metadata.nbgrader[WAITS] = True


class TellOverview(NbGraderPreprocessor):  # type: ignore[misc]
    """Hand the page's template what stands on top, and the page's style."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Add to the resources; the notebook stays as it is."""
        marks = resources["nbgrader"]
        found = list(rows(nb))
        resources["course"] = {
            "total": total(marks["score"], marks["max_score"], waiting(nb)),
            "rows": found,
            "by_cell": {row.cell: row for row in found},
            "remarks": remarks(nb.metadata),
        }
        style = (TEMPLATES / "course_feedback" / "page.css").read_text(encoding="utf-8")
        resources["inlining"]["css"].append(style)
        return nb, resources


class TellRubric(NbGraderPreprocessor):  # type: ignore[misc]
    """Show whoever marks answers in words, in formgrader, what earns the marks and a model answer.

    On top stand links to the answers that nobody has read; each answer leads to the next and the
    previous one of them. Elsewhere it does nothing.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Insert a text cell below each answer that a person marks, and one on top.

        The first answer to be read is among the resources, for the page to open there.
        """
        if "submission_id" not in resources:  # what formgrader says of a page, and nobody else
            return nb, resources
        courses = CourseDirectory(parent=self)
        folder = courses.format_path(courses.source_directory, ".", resources["assignment_id"])
        path = Path(courses.root, folder, f"{resources['notebook_id']}.ipynb")
        try:
            known = {grade_id(cell): cell.source for cell in read(path).cells}
        except (NotebookError, OSError) as error:
            self.log.warning("%s", printable(str(error)))
            return nb, resources
        answers = [cell for cell in nb.cells if is_manual(cell)]
        unread = _unread(courses.db_url, resources["submission_id"], map(grade_id, answers))
        again = _to_read_again(nb, courses.db_url, resources["submission_id"])
        resources["first_to_be_read"] = next(iter(unread), "")
        for number, cell in enumerate(answers):
            before, after = (
                [key for key in map(grade_id, others) if key in unread]
                for others in (answers[:number], answers[number + 1 :])
            )
            links = {"Previous answer to be read": before[-1:], "Next answer to be read": after[:1]}
            key = grade_id(cell)
            text = again.get(key, "") + _rubric(known.get(key, ""), links)
            place = nb.cells.index(cell) + 1
            nb.cells.insert(place, new_markdown_cell(text))  # type: ignore[no-untyped-call]
        if answers:
            waiting_ones = ", ".join(f"[{key}](#{key})" for key in unread) or "none"
            text = f"**Answers to be read:** {waiting_ones}"
            top = new_markdown_cell(text)  # type: ignore[no-untyped-call]
            nb.cells.insert(0, top)
        return nb, resources


def _unread(db_url: str, submission: str, answers: Iterable[str]) -> list[str]:
    """Return which of a submission's answers in words are still to be read, in their order."""
    with Gradebook(db_url) as gradebook:
        grades = gradebook.find_submission_notebook_by_id(submission).grades
        waits = {grade.name for grade in grades if grade.needs_manual_grade}
    return [key for key in answers if key in waits]


def _to_read_again(nb: NotebookNode, db_url: str, submission: str) -> dict[str, str]:
    """Return what is said of answers that have changed since they were marked, by their grade_id.

    Args:
        nb: the graded notebook.
        db_url: where the gradebook is.
        submission: the submitted notebook's id there.
    """
    noted = nb.metadata.get(CHANGED, ())
    if not noted:
        return {}
    with Gradebook(db_url) as gradebook:
        grades = gradebook.find_submission_notebook_by_id(submission).grades
        return {
            grade.name: TO_READ.format(points=f"{grade.manual_score:g}")
            for grade in grades
            if grade.name in noted and grade.needs_manual_grade and grade.manual_score is not None
        }


def _rubric(source: str, links: Mapping[str, Sequence[str]]) -> str:
    """Return what stands below an answer: what the instructor wrote, and links to other answers."""
    answer, scheme = model_answer(source)
    lines = "  \n".join(scheme.splitlines())  # each mark in a line of its own
    parts = {"What earns the marks": lines, "A model answer": answer}
    folds = [
        f"<details open><summary>{title}</summary>\n\n{text}\n\n</details>"
        for title, text in parts.items()
        if text
    ]
    further = " · ".join(f"[{words}](#{key})" for words, keys in links.items() for key in keys)
    return "\n\n".join([*folds, further])


class CleanOutputs(NbGraderPreprocessor):  # type: ignore[misc]
    """Keep of a cell's outputs what can be shown without running anything in the reader's browser.

    nbconvert's sanitizer leaves other media types and an image's metadata as they are. What goes
    beyond the room that there is on a page isn't shown: a browser could do nothing with it.
    """

    ROOM = 500_000  # characters of text cells, of which Markdown can make anything
    TAGS = 100_000

    SHOWN = (
        "text/plain",
        "text/html",
        "text/markdown",
        "text/latex",
        "image/png",
        "image/jpeg",
        "image/svg+xml",
    )

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Clean all cells."""
        self._room, self._tags = self.ROOM, self.TAGS
        cleaned: tuple[NotebookNode, Any] = super().preprocess(nb, resources)
        return cleaned

    def _fits(self, text: str, *, written: bool) -> bool:
        """Tell whether there is room for text that becomes HTML, and take it up."""
        self._room -= len(text) if written else 0
        self._tags -= text.count("<")
        return self._room >= 0 and self._tags >= 0

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Clean one cell's outputs, and take off tags: the page makes classes of them."""
        cell.metadata.pop("tags", None)
        if cell.cell_type == "markdown" and not self._fits(
            cell.source[:LONGEST_TEXT], written=True
        ):
            cell.source = CUT
        for output in cell.get("outputs", []):
            if "data" not in output:
                continue
            output.data = {kind: output.data[kind] for kind in self.SHOWN if kind in output.data}
            if isinstance(formula := output.data.get("text/latex"), str):
                output.data["text/latex"] = plain_formulas(formula)
            if isinstance(drawing := output.data.get("image/svg+xml"), str):
                del output.data["image/svg+xml"]  # within a page it could do what a picture can't
                picture = base64.b64encode(drawing.encode(errors="replace")).decode()
                output.data.setdefault(
                    "text/html", f'<img src="data:image/svg+xml;base64,{picture}">'
                )
            for kind in {"text/html", "text/markdown"} & output.data.keys():
                if not self._fits(output.data[kind], written=kind == "text/markdown"):
                    output.data[kind] = CUT
            output.metadata = {
                kind: {"alt": str(details["alt"])}
                for kind, details in output.metadata.items()
                if isinstance(details, dict) and "alt" in details
            }
        return cell, resources
