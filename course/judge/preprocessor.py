"""The judge's door into nbgrader: a preprocessor that stands where `Execute` does.

nbgrader's own steps read the scores from the cells' outputs afterwards. The graded notebook's
`metadata["verdict"]` holds `Verdict.to_json()`; what the repair wrote into `metadata["repairs"]`
stays there and is in the verdict too. Knows nbgrader and where a course's files lie; decides
nothing.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Float
from traitlets.config import Config

from course.judge.judging import Limits
from course.judge.sandbox import missing
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import JudgeError, Submission, grade_notebook
from course.notebooks.assignment import read_assignments
from course.notebooks.source import source_notebook
from course.repair.repair import REPAIRS
from course.secret import course_secret, student_seed
from course.verdict import METADATA, Verdict

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
        """Judge a submission that nbgrader has sanitized, and put outputs and verdict into it."""
        self.check_machine()
        courses = CourseDirectory(parent=self)
        submission = self._submission(nb, resources, courses)
        limits = Limits(
            self.request_seconds, self.question_seconds, self.cell_seconds, self.notebook_seconds
        )
        server = warm_server(preload(Path(courses.root, courses.source_directory)))
        verdict, graded = grade_notebook(submission, server, limits)
        verdict = replace(verdict, repairs=tuple(nb.metadata.get(REPAIRS, ())))
        student = resources["nbgrader"]["student"]
        _keep(
            Path(courses.root, VERDICTS, student, submission.source.assignment),
            verdict,
            submission.seed,
        )
        graded.metadata[METADATA] = from_dict(verdict.to_json())  # type: ignore[no-untyped-call]
        for incident in verdict.incidents:
            self.log.warning("%s: %s", student, incident)
        return graded, resources

    def check_machine(self) -> None:
        """Raise JudgeError if a protection is missing here that the course does not do without."""
        lacking = [protection.name for protection in missing()]
        if lacking and not self.unprotected:
            raise JudgeError(
                f"this machine can't confine students' code ({', '.join(lacking)}): see "
                "`course doctor`, or set c.Judge.unprotected = True in nbgrader_config.py"
            )

    def _submission(self, nb: NotebookNode, resources: Any, courses: CourseDirectory) -> Submission:
        marks = resources["nbgrader"]
        student, assignment = marks["student"], marks["assignment"]
        root, folder = Path(courses.root), Path(resources["metadata"]["path"])
        source = root / courses.format_path(courses.source_directory, ".", assignment)
        submitted = root / courses.format_path(courses.submitted_directory, student, assignment)
        _drop_links(folder, submitted, source)
        return Submission(
            source=source_notebook(source / f"{marks['notebook']}.ipynb"),
            submitted=nb,
            folder=folder,
            seed=student_seed(course_secret(root), student),
        )


def judge_of(config: Config) -> Judge | None:
    """Return the judge, as a course's configuration sets it; None if another step runs the code."""
    steps = config.Autograde.get("autograde_preprocessors", [])
    return Judge(config=config) if Judge in steps else None


def _drop_links(folder: Path, submitted: Path, source: Path) -> None:
    """Remove from a graded folder what nbgrader copied there by following a student's links."""
    for link in filter(Path.is_symlink, submitted.rglob("*")):
        name = link.relative_to(submitted)
        if link.suffix != ".ipynb" and not (source / name).exists():
            (folder / name).unlink(missing_ok=True)


def preload(source: Path) -> tuple[str, ...]:
    """Return the modules that a course's assignments want imported ahead of time."""
    return tuple(sorted({name for one in read_assignments(source) for name in one.preload}))


@cache
def warm_server(modules: tuple[str, ...] = ()) -> WarmServer:
    """Return this process's warm server with these modules; it ends with the process."""
    return WarmServer(preload=modules)


def _keep(folder: Path, verdict: Verdict, seed: bytes) -> None:
    """Write a verdict where only the staff looks: it holds the student's seed."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {**verdict.to_json(), "seed": seed.hex()}
    path = folder / f"{verdict.notebook}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
