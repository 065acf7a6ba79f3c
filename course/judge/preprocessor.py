"""The judge's door into nbgrader: a preprocessor that stands where `Execute` does.

nbgrader's own steps read the scores from the cells' outputs afterwards. Knows nbgrader and where a
course's files lie; decides nothing.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float

from course.judge.confine import missing
from course.judge.judging import Limits
from course.judge.server import WarmServer
from course.judge.supervise import JudgeError, Submission, grade_notebook
from course.notebook import read
from course.secret import course_secret, student_seed
from course.verdict import Verdict

VERDICTS = "verdicts"


class Judge(NbGraderPreprocessor):  # type: ignore[misc]
    """Run a submission's cells in a confined process and its tests in another."""

    unprotected = Bool(
        False, help="Grade even where a protection is missing on this machine (see course doctor)."
    ).tag(config=True)
    request_seconds = Float(10, help="How long one call of a student's function may take.").tag(
        config=True
    )
    cell_seconds = Float(60, help="How long one of a student's cells may take.").tag(config=True)
    question_seconds = Float(60, help="How long all calls of one question may take.").tag(
        config=True
    )
    notebook_seconds = Float(600, help="How long a whole notebook may take.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Judge a submission that nbgrader has sanitized, and put the outputs into it."""
        lacking = [protection.name for protection in missing()]
        if lacking and not self.unprotected:
            raise JudgeError(
                f"This machine lacks {', '.join(lacking)}: `course doctor` says more. To grade all "
                "the same, set c.Judge.unprotected = True in nbgrader_config.py."
            )
        marks = resources["nbgrader"]
        courses = CourseDirectory(parent=self)
        root = Path(courses.root)
        source = courses.format_path(courses.source_directory, ".", marks["assignment"])
        submission = Submission(
            name=marks["notebook"],
            assignment=marks["assignment"],
            source=read(root / source / f"{marks['notebook']}.ipynb"),
            submitted=nb,
            folder=Path(resources["metadata"]["path"]),
            seed=student_seed(course_secret(root), marks["student"]),
        )
        limits = Limits(
            self.request_seconds, self.question_seconds, self.cell_seconds, self.notebook_seconds
        )
        verdict, graded = grade_notebook(submission, warm_server(), limits)
        _keep(root / VERDICTS / marks["student"] / marks["assignment"], verdict, submission.seed)
        for incident in verdict.incidents:
            self.log.warning("%s: %s", marks["student"], incident)
        return graded, resources


@cache
def warm_server() -> WarmServer:
    """Return this process's warm server; it ends with the process."""
    return WarmServer()


def _keep(folder: Path, verdict: Verdict, seed: bytes) -> None:
    """Write a verdict where only the staff looks: it holds the student's seed."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {**verdict.to_json(), "seed": seed.hex()}
    path = folder / f"{verdict.notebook}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
