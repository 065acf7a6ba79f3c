"""The judge's door into nbgrader: a preprocessor that stands where `Execute` does.

nbgrader's own steps read the scores from the cells' outputs afterwards. The graded notebook's
metadata holds the verdict; what the repair wrote into `metadata["repairs"]` stays there and is in
the verdict too. Knows nbgrader and where a course's files lie; decides nothing.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Enum, Float, TraitError
from traitlets.config import Config

from course.files import printable, walk
from course.judge.judging import Limits
from course.judge.sandbox import missing
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import JudgeError, Submission, digest, grade_notebook
from course.layout import CONFIG, CourseError
from course.notebooks.assignment import read_assignment, read_assignments
from course.notebooks.cells import NOT_GRADED, REPAIRS, UNDRAWN
from course.notebooks.source import SourceNotebook, source_notebook
from course.secret import course_secret, hand_in_seed
from course.verdict import put_verdict, write_verdict

VERDICTS = "verdicts"
WARM = "course.judge.warm"


class Judge(NbGraderPreprocessor):  # type: ignore[misc]
    """Run a submission's cells in a confined process and its tests in another."""

    unprotected = Bool(
        False, help="Grade even where a protection is missing on this machine (see course doctor)."
    ).tag(config=True)
    figures = Enum(
        ("left out", "drawn"),
        "left out",
        help="Whether the figures of submissions are drawn, which can take longer than all the rest"
        " of grading them, or left out with words in their place. It changes no score. `course"
        " grade --figures` draws them where they were left out.",
    ).tag(config=True)
    request_seconds = Float(
        10,
        help="Seconds that one call of a student's function may compute. As with the other limits,"
        " waiting is free, but ends after 10 times as much wall time (1 minute at least).",
    ).tag(config=True)
    cell_seconds = Float(60, help="Seconds that one of a student's cells may compute.").tag(
        config=True
    )
    question_seconds = Float(
        60, help="Seconds that all calls of one question, and the question itself, may compute."
    ).tag(config=True)
    notebook_seconds = Float(600, help="Seconds that a whole notebook may compute.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Judge a submission that nbgrader has sanitized, and put outputs and verdict into it.

        One that needs packages that are not installed here is left out: see `leave_out`.
        """
        self.check_machine()
        courses = CourseDirectory(parent=self)
        source = source_notebook(_source(courses, resources))
        if leave_out(nb, resources, source):
            why = nb.metadata[NOT_GRADED]
            self.log.warning("%s: %s", printable(resources["nbgrader"]["student"]), why)
            return nb, resources
        submission = self._submission(nb, resources, courses, source)
        server = warm_server(preload(source))
        verdict, graded = grade_notebook(submission, server, self.limits)
        verdict = replace(verdict, repairs=tuple(nb.metadata.get(REPAIRS, ())))
        student, source = resources["nbgrader"]["student"], submission.source
        kept = Path(courses.root, VERDICTS, student, source.assignment, f"{source.name}.json")
        write_verdict(kept, replace(verdict, seed=submission.seed))  # where only the staff looks
        put_verdict(graded.metadata, verdict)
        if not submission.drawn:
            graded.metadata[UNDRAWN] = True
        for incident in verdict.incidents:
            self.log.warning("%s: %s", printable(student), printable(incident))
        return graded, resources

    @property
    def limits(self) -> Limits:
        """How long things may take."""
        return Limits(
            self.request_seconds, self.question_seconds, self.cell_seconds, self.notebook_seconds
        )

    def check_machine(self, besides: str = "") -> None:
        """Raise JudgeError if a protection is missing here that the course does not do without.

        Args:
            besides: another way to do without it than the course's configuration, for the message.
        """
        lacking = [protection.name for protection in missing()]
        if lacking and not self.unprotected:
            raise JudgeError(
                f"this machine can't confine students' code ({', '.join(lacking)}): see "
                f"`course doctor`, or set c.Judge.unprotected = True in {CONFIG}{besides}"
            )

    def _submission(
        self, nb: NotebookNode, resources: Any, courses: CourseDirectory, source: SourceNotebook
    ) -> Submission:
        student, assignment = (resources["nbgrader"][key] for key in ("student", "assignment"))
        root, folder = Path(courses.root), Path(resources["metadata"]["path"])
        submitted = root / courses.format_path(courses.submitted_directory, student, assignment)
        _drop_links(folder, submitted, source.folder)
        handed_in = source.handed_in(submitted)
        what = digest(source.notebook, nb, folder, handed_in)
        seed = hand_in_seed(course_secret(root), student, what)
        drawn = self.figures == "drawn"
        return Submission(source, nb, folder, seed, handed_in, drawn=drawn)


def judge_of(config: Config) -> Judge | None:
    """Return the judge that grades a course; None if another step runs the students' code.

    Raises:
        CourseError: if the configuration gives it a value that can't be.
    """
    steps = config.Autograde.get("autograde_preprocessors", [])
    return configured_judge(config) if Judge in steps else None


def configured_judge(config: Config) -> Judge:
    """Return the judge as a course's configuration sets it, whether or not it grades the class.

    Raises:
        CourseError: if the configuration gives it a value that can't be.
    """
    try:
        return Judge(config=config)
    except TraitError as error:
        raise CourseError(f"{CONFIG}: {error}") from None


def _source(courses: CourseDirectory, resources: Any) -> Path:
    """Return the instructor's notebook of a submission."""
    marks = resources["nbgrader"]
    folder = courses.format_path(courses.source_directory, ".", marks["assignment"])
    return Path(courses.root, folder, f"{marks['notebook']}.ipynb")


def _drop_links(folder: Path, submitted: Path, source: Path) -> None:
    """Remove from a graded folder what nbgrader copied there by following a student's links."""
    for link in filter(Path.is_symlink, walk(submitted)):
        name = link.relative_to(submitted)
        if link.suffix != ".ipynb" and not (source / name).exists():
            (folder / name).unlink(missing_ok=True)


def leave_out(nb: NotebookNode, resources: Any, source: SourceNotebook) -> bool:
    """Tell whether a submission has to be left out, and if so, say why in it and in `resources`.

    Its earlier grades are to stay: see `course.grading.plugins.SaveGrades`.
    """
    nb.metadata.pop(NOT_GRADED, None)  # a student can't have it left out
    if lacks := source.lacks:
        nb.metadata[NOT_GRADED] = f"not graded: {source} {lacks}"
        resources["nbgrader"][NOT_GRADED] = True
    return bool(lacks)


def preload(source: SourceNotebook) -> tuple[str, ...]:
    """Return the modules that are imported ahead of time where a notebook is graded.

    They are those that grading itself and any assignment of the course wants, so that one server
    grades them all. What a part alone needs is large: it gets a server of its own.
    """
    wanted = {name for one in read_assignments(source.folder.parent) for name in one.preload}
    part = read_assignment(source.folder).part(source.name)
    return (WARM, *sorted(wanted), *(part.preload if part else ()))


@cache
def warm_server(modules: tuple[str, ...] = ()) -> WarmServer:
    """Return this process's warm server with these modules; it ends with the process."""
    return WarmServer(preload=modules)
