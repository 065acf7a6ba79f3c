"""The command line, `course COMMAND`: release, grade, report and the rest.

Parses, shows progress, prints; what is done is done elsewhere. A mistake of the person who types
ends with one clear line and exit status 2.
"""

import json
from bisect import insort
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from math import inf
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from course.files import printable, trouble
from course.grading.pseudonyms import Names
from course.layout import CourseError, find_root

if TYPE_CHECKING:
    from course.demo import Demo
    from course.grading.notes import GradingOutcome
    from course.grading.results import Results, Work
    from course.platforms.roster import Imported
    from course.progress import Progress as Progress_
    from course.verdict import Verdict


class PlainConsole(Console):
    """Prints each text as one line of plain characters.

    Names of students and files, and what is quoted of their work, may hold anything: a line break
    would make a row of its own, and control characters would write over what stands there.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text to be printed, without the signs that stand for emoji."""
        return super().render_str(printable(text), **{**options, "emoji": False})


out = PlainConsole(highlight=False)
err = PlainConsole(stderr=True, highlight=False, soft_wrap=True)


class PlainErrors(TyperGroup):
    """Ends a user's mistake with one line instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PermissionError as error:
            name = f"{error.filename}: " if error.filename else ""
            err.print(f"[bold red]course:[/] {escape(name)}no permission")
        except BrokenPipeError:  # nobody reads on: no news
            raise
        except OSError as error:
            err.print(f"[bold red]course {ctx.invoked_subcommand}:[/] {escape(trouble(error))}")
        except Exception as error:
            from sqlalchemy.exc import SQLAlchemyError
            from traitlets import TraitError

            from course.directory import reason
            from course.notebooks.bank import BankError
            from course.notebooks.cells import NotebookError

            known = CourseError | NotebookError | BankError | TraitError  # the last is nbgrader's
            if isinstance(error, SQLAlchemyError):
                said = f"the gradebook can't be used: {reason(error)}"
            elif isinstance(error, known):
                said = str(error)
            else:
                raise
            err.print(f"[bold red]course {ctx.invoked_subcommand}:[/] {escape(said)}")
        raise typer.Exit(2)


# Who needs a command, above it in the list.
LEARNER = "Your own work"
CLASS = "A class, from release to grades"
COURSE = "The course itself"

app = typer.Typer(
    cls=PlainErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Release, grade and report on the course. Run it anywhere in the course's folder.",
    epilog="`course COMMAND --help` explains a command.",
)

Assignments = Annotated[
    list[str] | None,
    typer.Argument(help="Assignments, such as 01_activations. All of them if none is named."),
]
SLOW = 10  # times the median of the time that grading takes
ENOUGH = 5  # hand-ins whose median says what is usual
MOST_LINES = 40  # of a list that a terminal shows
MOST_ROWS = 100  # of a class, of which more is shown in sum
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "--workers",
        min=0,
        help="How many processes work at once; 0 for one a CPU.",
        metavar="N",
    ),
]


@app.command(rich_help_panel=LEARNER)
def workspace(
    next_one: Annotated[
        bool, typer.Option("--next", help="Print the first notebook with something to do.")
    ] = False,
) -> None:
    """Copy the released notebooks to my_work/, to work on; what is there stays as it is."""
    from course.workspace import FOLDER, make_workspace, next_notebook

    root = _root()
    made = make_workspace(root)
    if next_one:
        typer.echo(next_notebook(root).relative_to(root).as_posix())
        return
    new = f"{len(made)} new files" if made else "nothing new"
    out.print(f"{escape(_shown(root / FOLDER))}: {new}")


@app.command(rich_help_panel=LEARNER)
def progress() -> None:
    """Say how far you are in each notebook of my_work/, from your own last runs."""
    from course.progress import all_progress

    for one in all_progress(_root()):
        out.print(_progress_line(one), soft_wrap=True)


@app.command(rich_help_panel=LEARNER)
def hand_in(
    chapter: Annotated[str, typer.Argument(help="The chapter, such as 02_softmax, or its number.")],
) -> None:
    """Put a chapter of my_work/ into one file to be handed in, and say what is not in it.

    Where the course has an nbgrader exchange, it is handed in there too.
    """
    from course.exchange import has_exchange, submit
    from course.progress import pack
    from helpers.standing import State

    root = _root()
    packed = pack(root, Path(chapter).name)
    for one in packed.progress:
        out.print(_progress_line(one), soft_wrap=True)
        for state in (State.OPEN, State.UNTRIED, State.WRONG):
            titles = [exercise.title for exercise in one.exercises if exercise.state is state]
            if titles:
                out.print(f"  {state}: {escape('; '.join(titles))}", soft_wrap=True)
    for name in packed.missing:
        out.print(f"[yellow]![/] {escape(name)} is not there", soft_wrap=True)
    there = has_exchange(root)
    to_do = "Kept in this file" if there else "Hand in this file"
    out.print(f"{to_do}: {escape(_shown(packed.path))}", soft_wrap=True)
    out.print(f"Its SHA-256, to keep as a receipt: {packed.digest}", soft_wrap=True)
    if there:
        when = submit(root, packed.path.stem)
        out.print(f"Handed in through the exchange: {escape(when)}", soft_wrap=True)


@app.command(rich_help_panel=LEARNER)
def solution(
    chapter: Annotated[str, typer.Argument(help="The chapter, such as 02_softmax, or its number.")],
    exercise: Annotated[str, typer.Argument(help="Its number or its name: 2.4, log_softmax.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if you have not tried it yet.")
    ] = False,
) -> None:
    """Show the course's own answer to an exercise that you have tried."""
    from rich.syntax import Syntax

    from course.solutions import find_solution

    found = find_solution(_root(), Path(chapter).name, exercise, anyway=anyway)
    out.print(f"[bold]{escape(found.title)}[/]", soft_wrap=True)
    if found.in_words or not out.is_terminal:
        typer.echo(found.text)
    else:
        out.print(Syntax(found.text, "python", background_color="default", word_wrap=True))


def _progress_line(one: "Progress_") -> str:
    """Return how far somebody is in a notebook, in one line."""
    name = escape(f"{one.path.parent.name}/{one.path.name}")
    if one.problem:
        return f"[yellow]![/] {escape(one.problem)}"
    line = f"{name}: {one.done} of {len(one.exercises)} exercises"
    return f"{line}, next {escape(one.next.title)}" if one.next else f"{line}: all done"


@app.command(rich_help_panel=CLASS)
def release(
    assignments: Assignments = None,
    force: Annotated[
        bool, typer.Option("--force", help="Move work found in release/ to saved/.")
    ] = False,
) -> None:
    """Make the students' notebooks in release/ from source/, without solutions.

    The table of all exercises, docs/exercises.md, is made with them.
    """
    from course.authoring.release import make_release

    root = _root()
    with out.status("Making the release") as status:
        results = make_release(
            root,
            assignments or None,
            force=force,
            progress=lambda name: status.update(f"Making {_plain(name)}"),
        )
    for result in results:
        state = "[green]made[/]" if result.changed else "[dim]as it was[/]"
        out.print(f"  {escape(result.assignment)}  {state}")
        if result.saved:
            out.print(f"    what was written into it is in {escape(_shown(result.saved))}")
        if result.gone:
            names = escape(", ".join(result.gone))
            out.print(f"    no longer graded, its points gone: {names}", soft_wrap=True)
            out.print("    the gradebook as it was is in saved/")
        if result.come:
            names = escape(", ".join(result.come))
            out.print(f"    new, to be graded with `course grade`: {names}", soft_wrap=True)


@app.command(rich_help_panel=CLASS)
def handout(
    folder: Annotated[Path, typer.Argument(help="Where to make it: a new folder.")],
    assignments: Assignments = None,
) -> None:
    """Make the copy of the course that a class gets: released notebooks, no solutions."""
    from course.handout import make_handout

    names = make_handout(_root(), folder, assignments)
    out.print(f"{escape(_shown(folder))}: {escape(', '.join(names))}", soft_wrap=True)


@app.command(rich_help_panel=CLASS)
def roster(
    file: Annotated[Path, typer.Argument(help="A CSV file.", metavar="CSV")],
) -> None:
    """Enter a class in the gradebook: from a CSV file of your own, of Canvas or of Moodle.

    Takes the columns id, first_name, last_name, email and lms_user_id; Canvas's gradebook as
    exported; or Moodle's participants. Names and e-mail are brought up to date, nobody is removed.
    """
    from course.platforms.roster import import_roster

    _imported(import_roster(_root(), file))


@app.command(rich_help_panel=CLASS)
def due(
    file: Annotated[
        Path, typer.Argument(help="A CSV file with the columns name and duedate.", metavar="CSV")
    ],
) -> None:
    """Enter due dates in the gradebook, from a CSV file; without a zone they are the course's."""
    from course.platforms.roster import import_due_dates

    done = import_due_dates(_root(), file)
    _tell_zone()
    _imported(done)


def _tell_zone() -> None:
    """Say how times without a zone were read."""
    from course.platforms.roster import time_zone

    zone = time_zone(_root())
    out.print(f"Times without a zone are those of {zone} (c.Exchange.timezone).", soft_wrap=True)


def _imported(done: "Imported") -> None:
    for line in done.problems:
        out.print(f"[bold red]![/] {escape(line)}", soft_wrap=True)
    counts = [(done.added, "added"), (done.changed, "changed"), (done.same, "as before")]
    out.print(", ".join(f"{len(those)} {what}" for those, what in counts) + ".")


@app.command(rich_help_panel=CLASS)
def collect(
    archive: Annotated[
        Path,
        typer.Argument(
            help="The zip file, or the folder that came of unpacking it.", metavar="ZIP"
        ),
    ],
    assignment: Annotated[
        str, typer.Option(help="The assignment, such as 02_softmax.", metavar="NAME")
    ],
    worksheet: Annotated[
        Path | None,
        typer.Option(help="Moodle's grading worksheet, for times and equal names.", metavar="CSV"),
    ] = None,
) -> None:
    """Put into submitted/ what Canvas or Moodle gives out of an assignment in one zip file.

    Students are known by the roster; who isn't on it is named, and not collected. Of several
    attempts the latest is taken, and what was there before is moved to saved/.
    """
    from course.platforms.collect import collect as collect_archive

    done = collect_archive(_root(), archive, assignment, worksheet=worksheet)
    if worksheet:
        _tell_zone()
    for line in done.notes:
        out.print(f"[yellow]•[/] {escape(line)}", soft_wrap=True)
    for line in done.problems:
        out.print(f"[bold red]![/] {escape(line)}", soft_wrap=True)
    if done.saved:
        out.print(f"Earlier hand-ins are in {escape(_shown(done.saved))}", soft_wrap=True)
    out.print(
        f"{len(done.new)} collected, {len(done.changed)} again, {len(done.same)} as before.",
    )


@app.command(rich_help_panel=CLASS)
def give_back(
    exported: Annotated[
        Path,
        typer.Argument(help="What the platform has exported: CSV or zip.", metavar="FILE"),
    ],
    assignment: Annotated[
        str, typer.Option(help="The assignment, such as 02_softmax.", metavar="NAME")
    ],
    column: Annotated[
        str, typer.Option(help="Canvas's column, if it isn't clear which.", metavar="TEXT")
    ] = "",
    scale: Annotated[
        bool, typer.Option("--scale", help="Convert to the platform's full marks.")
    ] = False,
) -> None:
    """Fill in grades, and pack feedback, as Canvas or Moodle takes them back.

    FILE is Canvas's gradebook, Moodle's grading worksheet, or, for feedback in Canvas, the zip file
    of what was handed in. What is made lies in give_back/.
    """
    from course.platforms.give_back import give_back as fill_in

    done = fill_in(_root(), exported, assignment, column=column, scale=scale)
    for line in done.notes:
        out.print(f"[yellow]•[/] {escape(line)}", soft_wrap=True)
    for path in done.files:
        out.print(f"  {escape(_shown(path))}", soft_wrap=True)
    who = "1 student" if done.count == 1 else f"{done.count} students"
    out.print(f"For {done.platform}, of {who}.")


new = typer.Typer(no_args_is_help=True, help="Begin a chapter or an exercise, with placeholders.")
app.add_typer(new, name="new", rich_help_panel=COURSE)


@new.command()
def chapter(
    name: Annotated[
        str, typer.Argument(help="A number and a name, such as 09_example.", metavar="NAME")
    ],
    notebook: Annotated[
        str | None, typer.Option(help="Its notebook, if not named as it is.", metavar="NAME")
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Its title, if not made from NAME.", metavar="TEXT")
    ] = None,
    exercise: Annotated[
        str | None, typer.Option(help="Its exercise, if not as the notebook.", metavar="NAME")
    ] = None,
) -> None:
    """Make a chapter's folder in source/ with every piece that it needs, and say what is missing.

    It has one exercise, one question in words, one figure. docs/authoring.md goes through them.
    """
    from course.authoring.new import new_chapter

    root = _root()
    with out.status("Drawing its figure"):
        made = new_chapter(root, name, notebook=notebook, title=title, exercise=exercise)
    _begun(made)


@new.command()
def exercise(
    chapter: Annotated[
        str, typer.Argument(help="Its folder's name, such as 09_example.", metavar="CHAPTER")
    ],
    name: Annotated[str, typer.Argument(help="What students are to define.", metavar="NAME")],
    notebook: Annotated[
        str | None, typer.Option(help="Which notebook, if there are several.", metavar="NAME")
    ] = None,
    points: Annotated[int, typer.Option(min=2, help="Full marks.", metavar="P")] = 4,
    after: Annotated[
        str | None, typer.Option(help="Which one it follows, if not the last.", metavar="NAME")
    ] = None,
) -> None:
    """Put an exercise into a chapter: statement, hints, solution, test, specification and answers.

    The exercises after it get new numbers, and the first cell says what all are worth.
    """
    from course.authoring.new import new_exercise

    made = new_exercise(_root(), chapter, name, notebook=notebook, points=points, after=after)
    _begun(made)


@app.command(rich_help_panel=COURSE)
def figures(assignments: Assignments = None) -> None:
    """Draw the expected figures of the source notebooks again."""
    from course.authoring.figures import make_figures

    root = _root()
    with out.status("Drawing"):
        made = make_figures(root, assignments or None, on_left_out=_left_out)
    for path in made:
        out.print(f"  {escape(_shown(path))}")


@app.command(rich_help_panel=COURSE)
def site(
    solutions: Annotated[
        bool,
        typer.Option(help="Solutions, folded after each exercise, or nothing of them."),
    ] = True,
    into: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Its folder; _site if not given.")
    ] = None,
) -> None:
    """Make the reading site: all chapters with their figures, to be read in a browser."""
    from course.authoring.site import make_site

    root = _root()
    with out.status("Making pages"):
        page = make_site(root, into, solutions=solutions)
    out.print(f"Open [bold]{escape(_shown(page))}[/] in a browser.", soft_wrap=True)


@app.command(rich_help_panel=CLASS)
def grade(
    assignments: Assignments = None,
    student: Annotated[
        str | None, typer.Option(help="Grade this student's work alone.", metavar="NAME")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Grade again what has been graded since it came in.")
    ] = False,
    figures: Annotated[
        bool,
        typer.Option("--figures", help="Draw figures; grade again what was graded without."),
    ] = False,
    what_if: Annotated[
        bool,
        typer.Option("--what-if", help="Say whose points would change, and write nothing."),
    ] = False,
    jobs: Jobs = 0,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Have the workers of this Dask scheduler grade; `none` for this computer, "
            "whatever the configuration says.",
            metavar="ADDRESS",
        ),
    ] = None,
) -> None:
    """Grade what students handed in, whatever it is, and print a table.

    Reads submitted/STUDENT/ASSIGNMENT/, writes autograded/ and the gradebook. What was graded is
    graded again if anything that decides the grade has changed since: the hand-in, source/, the
    course's code, the configuration, the packages, a due date. What can't be graded is reported and
    stops nobody else; its earlier grades stay. Grades and comments that a person gave are never
    changed.
    """
    from course.grading.grade import doubts
    from course.grading.results import read_results
    from course.grading.what_if import changes_between, trial

    root = _root()
    names = assignments or []
    before = read_results(root, names) if _has_results(root, names) else None
    with trial(root) if what_if else nullcontext(root) as place:
        outcomes = _grade(
            place, names, student, force=force, figures=figures, jobs=jobs, cluster=cluster
        )
        results = read_results(place, names)
    _look_at(outcomes, results)
    if not what_if:
        out.print(_grades(results, {outcome.student for outcome in outcomes}))
    _tell(outcomes, trial=what_if)
    for line in doubts(root, sorted({outcome.assignment for outcome in outcomes})):
        out.print(f"  [yellow]•[/] {escape(line)}", soft_wrap=True)
    for change in changes_between(before, results) if before else []:
        was, now = (_points_or_none(points) for points in (change.before, change.after))
        where = f"{escape(change.student)}, {escape(change.assignment)}"
        if what_if or change.before is not None:
            out.print(f"  {where}: {was} → {now} points", soft_wrap=True)


def _has_results(root: Path, names: Sequence[str]) -> bool:
    """Tell whether these assignments have been released: what is wrong otherwise, grading says."""
    from course.grading.results import read_results

    try:
        read_results(root, names)
    except CourseError:
        return False
    return True


def _grade(
    root: Path,
    names: Sequence[str],
    student: str | None,
    *,
    force: bool,
    figures: bool = False,
    jobs: int,
    cluster: str | None = None,
) -> "list[GradingOutcome]":
    from course.grading.grade import grade_class

    with _progress() as bar:
        watch = Watch(bar)
        try:
            return grade_class(
                root,
                names,
                student=student,
                force=force,
                figures=figures,
                jobs=jobs,
                cluster=cluster,
                on_start=watch.start,
                on_done=watch.done,
                on_wait=lambda line: bar.console.print(
                    f"[yellow]•[/] {escape(line)}", soft_wrap=True
                ),
            )
        except KeyboardInterrupt:
            counts = bar.tasks[watch.every]
            done, total = int(counts.completed), int(counts.total or 0)
    out.print(f"Stopped: {done} of {total} were done, and stay. `course grade` goes on from there.")
    raise typer.Exit(130)


class Watch:
    """Shows how far grading is, and says as it comes what could not be graded and what was slow.

    Args:
        bar: where to.
    """

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._console = bar.console if bar.console.is_terminal else err
        self._seconds: list[float] = []  # in order
        self._tasks: dict[str, TaskID] = {}
        self.every = bar.add_task("Grading", total=None)

    def start(self, counts: Mapping[str, int]) -> None:
        """Begin, with so many submissions of each assignment."""
        self._bar.update(self.every, total=sum(counts.values()))
        for name, count in sorted(counts.items()) if len(counts) > 1 else ():
            self._tasks[printable(name)] = self._bar.add_task(_plain(name), total=count)

    def done(self, outcomes: "Sequence[GradingOutcome]") -> None:
        """Go on by what has come to its end."""
        from course.grading.notes import Status

        for one in outcomes:
            self._bar.advance(self.every)
            if (name := printable(one.assignment)) in self._tasks:
                self._bar.advance(self._tasks[name])
            if one.status is Status.FAILED:
                self._say("[bold red]![/]", one, "; ".join(one.notes))
            elif slow := self._slow(one):
                self._say("[yellow]•[/]", one, slow)

    def _slow(self, one: "GradingOutcome") -> str:
        """Return that, and why, grading took far longer than most; empty if it didn't."""
        if not one.seconds:
            return ""
        usual = median(self._seconds) if len(self._seconds) >= ENOUGH else inf
        insort(self._seconds, one.seconds)
        if one.seconds <= SLOW * usual:
            return ""
        why = f": {_notes(one.notes)}" if one.notes else ""
        return f"took {one.seconds:.0f} s, most take {usual:.1f} s{why}"

    def _say(self, mark: str, one: "GradingOutcome", words: str) -> None:
        where = f"{escape(one.student)}, {escape(one.assignment)}"
        self._console.print(f"{mark} {where}: {escape(words)}", soft_wrap=True)


def _tell(outcomes: "Sequence[GradingOutcome]", *, trial: bool) -> None:
    """Say what could not be graded, how many were, and why again."""
    from course.grading.grade import LOG
    from course.grading.notes import Status

    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    graded = sum(outcome.status is Status.GRADED for outcome in outcomes)
    current = len(outcomes) - graded - len(failed)
    parts = [f"{graded} graded"]
    parts += [f"{current} graded before (--force grades them again)"] if current else []
    details = "" if trial else f" (details in {LOG})"
    parts += [f"{len(failed)} could not be graded{details}"] if failed else []
    out.print(", ".join(parts) + (", on trial: nothing was written." if trial else "."))
    causes = Counter(cause for outcome in outcomes for cause in outcome.because)
    for cause, count in causes.items():
        out.print(f"  {count} graded again: {escape(cause)} has changed", soft_wrap=True)


def _look_at(outcomes: "Sequence[GradingOutcome]", results: "Results") -> None:
    """List what a person must look at, with the reason: what could not be graded is first."""
    from course.grading.notes import Status

    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    works = [results.works.get((one.student, one.assignment)) for one in outcomes]
    there = [work for work in works if work and work.graded]
    lines = [
        ("[bold red]![/]", one.student, one.assignment, "; ".join(one.notes)) for one in failed
    ]
    lines += [
        ("[yellow]•[/]", work.student, work.assignment, _notes(work.notes))
        for work in there
        if work.notes
    ]
    answers = sum(len(work.waiting) for work in there)
    if lines or answers:
        out.print("[bold]For a person to look at[/]")
    for mark, student, assignment, why in lines[:MOST_LINES]:
        text = f"{mark} {escape(student)}, {escape(assignment)}: {escape(why)}"
        out.print(text, soft_wrap=True)
    if len(lines) > MOST_LINES:
        out.print(f"  and {len(lines) - MOST_LINES} more: `course report` lists them all")
    if answers:
        words = "answer in words waits" if answers == 1 else "answers in words wait"
        out.print(f"[yellow]•[/] {answers} {words} to be read")


def _points_or_none(points: float | None) -> str:
    return "no" if points is None else f"{points:g}"


@app.command(rich_help_panel=LEARNER)
def check(
    notebook: Annotated[
        Path, typer.Argument(help="The notebook, or a folder of them.", metavar="NOTEBOOK")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    replay: Annotated[
        Path | None,
        typer.Option(help="Draw this verdict's random points again.", metavar="VERDICT"),
    ] = None,
    unprotected: Annotated[
        bool,
        typer.Option("--unprotected", help="Run its code even where it can't be confined."),
    ] = False,
) -> None:
    """Grade one notebook by itself, without a gradebook, as the course would grade it.

    It may have any name: its cells tell which one it is. Of a folder each of the course's notebooks
    is graded, found under the names that `course grade` forgives; as JSON each verdict is a line
    then. Exit status 0 when it was graded, whatever the
    score.
    """
    from course.judge.sandbox import missing
    from course.judge.sandbox.server import WarmServer

    root = _root()
    several = notebook.is_dir()
    with WarmServer() as server:
        if notebook.exists():
            server.start()  # it takes as long as the imports that come now
        from course.grading.check import (
            check_notebook,
            exercise_names,
            find_source,
            notebooks_in,
            points_in_words,
        )

        for path, source in notebooks_in(root, notebook) if several else [(notebook, None)]:
            with err.status(f"Grading {_plain(path.name)}"):
                verdict = check_notebook(
                    root, path, server, source=source, replay=replay, unprotected=unprotected
                )
            if as_json:
                indent = None if several else 2
                typer.echo(_plain_json(verdict.to_json(), indent))
                continue
            if several:
                out.print(f"[bold]{escape(_shown(path))}[/]", soft_wrap=True)
            own = source or find_source(root, path)
            _verdict(verdict, points_in_words(own), exercise_names(own))
    if lacking := [protection.name for protection in missing()]:
        err.print(f"The notebook's code ran without protection of {', '.join(lacking)}.")


@app.command(rich_help_panel=CLASS)
def feedback(assignments: Assignments = None, jobs: Jobs = 0) -> None:
    """Make each student's feedback: the checks and their diagnoses, no hidden test."""
    from course.grading.feedback import make_feedback
    from course.grading.results import read_results

    root = _root()
    with _progress() as bar:
        task = bar.add_task("Feedback", total=None)
        made = make_feedback(
            root,
            assignments or [],
            jobs=jobs,
            on_start=lambda count: bar.update(task, total=count),
            on_done=lambda _: bar.advance(task),
        )
    for item in made:
        for page in item.pages:
            out.print(f"  {escape(_shown(page))}", soft_wrap=True)
    for item in made:
        if item.problem:
            _problem(item.student, item.assignment, item.problem)
    works = read_results(root, assignments or []).works
    there = [works[key] for item in made if (key := (item.student, item.assignment)) in works]
    if waiting := sum(column.exercise is None for work in there for column in work.waiting):
        answers = "1 answer in words waits" if waiting == 1 else f"{waiting} answers in words wait"
        err.print(
            f"[yellow]![/] {answers} to be read, and the pages say so: mark them in formgrader, "
            "then run `course feedback` again.",
        )


@app.command(rich_help_panel=CLASS)
def report(
    assignments: Assignments = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to; report/ if not given.", metavar="DIR")
    ] = None,
) -> None:
    """Write report/index.html, one page on how the class did, and report/grades.csv."""
    from course.grading.report import write_report
    from course.grading.results import read_results

    root = _root()
    page = write_report(read_results(root, assignments or []), output or root / "report")
    out.print(escape(_shown(page)), soft_wrap=True)


@app.command(rich_help_panel=CLASS)
def leaderboard(
    assignment: Annotated[
        str, typer.Argument(help="The assignment with a network to be measured.")
    ] = "08_project",
    names: Annotated[
        Names, typer.Option(help="Under which names students stand there.")
    ] = Names.PSEUDONYMS,
    output: Annotated[
        Path | None, typer.Option(help="Where to; report/ if not given.", metavar="DIR")
    ] = None,
) -> None:
    """Write report/leaderboard.html: whose network reads new images best.

    With pseudonyms it prints who is who: for you, and to tell each student theirs.
    """
    from course.grading.leaderboard import entries, write_leaderboard
    from course.grading.pseudonyms import shown_names
    from course.grading.results import read_results

    root = _root()
    results = read_results(root, [assignment])
    shown = shown_names(results.students, names, root)
    page = write_leaderboard(results, assignment, shown, output or root / "report")
    if names is Names.PSEUDONYMS:
        for entry in entries(results, assignment):
            out.print(f"  {escape(entry.student)}: {escape(shown[entry.student])}")
    out.print(escape(_shown(page)), soft_wrap=True)


@app.command(rich_help_panel=COURSE)
def demo(
    keep: Annotated[
        Path | None,
        typer.Option(help="The folder to make it in; demo/ if not given.", metavar="DIR"),
    ] = None,
    students: Annotated[int, typer.Option(min=1, help="The size of the class.", metavar="N")] = 24,
    jobs: Jobs = 0,
) -> None:
    """Grade a simulated class, and compare every score with the one known beforehand.

    All students hand in the first chapter, two of them the others too.
    Works in a folder of its own: the course's gradebook and submissions are not touched. Exit
    status 1 if a score is not as it should be.
    """
    from course.demo import make_demo

    root = _root()
    with out.status("") as status:
        done = make_demo(
            root,
            (keep or root / "demo").resolve(),
            students=students,
            jobs=jobs,
            on_step=lambda step: status.update(_plain(f"{step[0].upper()}{step[1:]}")),
        )
    for line in done.left_out:
        _left_out(line)
    out.print(_class_table(done))
    for row in done.rows:
        for line in row.differences:
            out.print(f"[bold red]![/] {escape(row.student.id)}: {escape(line)}")
    equal = sum(row.equal for row in done.rows)
    count = sum(len(row.scores) for row in done.rows)
    out.print(f"{equal} of {len(done.rows)} students have the score that was predicted.")
    out.print(f"{count} hand-ins were graded; of later chapters those of two students.")
    out.print(f"Report: {escape(_shown(done.report))}", soft_wrap=True)
    out.print(f"It took {done.seconds:.0f} seconds.")
    if equal < len(done.rows):
        raise typer.Exit(1)


@app.command(rich_help_panel=COURSE)
def doctor() -> None:
    """Say whether this computer has what the course needs. Exit status 1 if it lacks something."""
    from course.doctor import State, examine

    marks = {
        State.FINE: "[green]✓[/]",
        State.NOTE: "[yellow]•[/]",
        State.MISSING: "[bold red]✗[/]",
    }
    missing = False
    for finding in examine(_root()):
        missing |= finding.state is State.MISSING
        out.print(f"{marks[finding.state]} {escape(finding.line)}", soft_wrap=True)
    if missing:
        raise typer.Exit(1)


# --- how things are shown -------------------------------------------------------------------------


def _root() -> Path:
    return find_root(Path.cwd())


def _plain(text: str) -> str:
    """Return a text that no console has a look at before it stands beside a spinner."""
    return escape(printable(text))


def _plain_json(value: Any, indent: int | None) -> str:
    """Return JSON in which all that a terminal would not simply print is written as JSON has it."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _shown(path: Path) -> str:
    """Return a path as seen from where the person is, if it lies below."""
    path = path.absolute()
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _begun(made: Sequence[Path]) -> None:
    from course.notebooks.placeholders import MARK

    for path in made:
        out.print(f"  {escape(_shown(path))}", soft_wrap=True)
    out.print(f"Now write what belongs where “{MARK}” stands: docs/authoring.md shows how.")


def _verdict(verdict: "Verdict", in_words: float, names: Mapping[str, str]) -> None:
    """Print a line for each exercise that was attempted, what is wrong with it, and the rest.

    Args:
        verdict: the verdict.
        in_words: points for what a person grades.
        names: of exercises, where they are not their ids.
    """
    from helpers.panel import said_once

    untouched = [one for one in verdict.exercises if one.blank]
    for exercise in verdict.exercises:
        if exercise in untouched:
            continue
        done = exercise.score == exercise.max_score
        mark = "[green]✓[/]" if done else "[bold red]✗[/]"
        name = names.get(exercise.id, exercise.id)
        out.print(f"{mark} {escape(name)}: {exercise.score:g} of {exercise.max_score:g}")
        for check, again in said_once(one for one in exercise.checks if not one.passed):
            words = f"{check.name}: {check.message} {again}".rstrip()
            out.print(f"    {escape(words)}", soft_wrap=True)
        for name, value in exercise.measured:
            out.print(f"    {escape(name)}: {value:.4g}")
    if untouched:
        left = ", ".join(escape(names.get(one.id, one.id)) for one in untouched)
        out.print(f"[dim]· not attempted yet: {left}[/]", soft_wrap=True)
    for note in (*verdict.repairs, *verdict.incidents):
        out.print(f"[yellow]•[/] {escape(note)}", soft_wrap=True)
    rest = f" A person reads the answers in words, for {in_words:g} more." if in_words else ""
    out.print(f"{verdict.score:g} of {verdict.max_score:g} points.{rest}")


def _left_out(line: str) -> None:
    out.print(f"[yellow]•[/] left out: {escape(line)}", soft_wrap=True)


def _problem(student: str, assignment: str, problem: str) -> None:
    text = f"[bold red]![/] {escape(student)}, {escape(assignment)}: {escape(problem)}"
    out.print(text, soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TextColumn("time left"), TimeRemainingColumn())
    with Progress(*columns, *times, console=out, transient=True) as bar:
        yield bar


def _grades(results: "Results", students: set[str]) -> Table:
    """Return the class as a table: scores, and what a person has to do; a large one in sum."""
    from course.grading.report import points

    if len(students) > MOST_ROWS:
        return _summary(results)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("student", no_wrap=True)
    for head in _heads(list(results.columns)):
        table.add_column(escape(head), justify="right")
    table.add_column("to read", justify="right")
    table.add_column("late")
    full = [points(results.max_score(name)) for name in results.columns]
    table.add_row("full marks", *full, style="dim")
    for student in sorted(students):
        works = [results.works.get((student, name)) for name in results.columns]
        there = [work for work in works if work]
        waiting = sum(len(work.waiting) for work in there)
        table.add_row(
            escape(student),
            *map(_score, works),
            str(waiting or ""),
            _late(there),
        )
    return table


def _summary(results: "Results") -> Table:
    """Return what there is to know of a large class: a row an assignment."""
    from course.grading.report import points

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("assignment", no_wrap=True)
    for head in ("handed in", "median", "mean", "of", "to read", "late", "not gradable"):
        table.add_column(head, justify="right")
    for name in results.columns:
        works = [work for (_, which), work in results.works.items() if which == name]
        scores = [work.score for work in works if work.graded]
        table.add_row(
            escape(name),
            str(len(works)),
            points(median(scores)) if scores else "–",
            points(mean(scores)) if scores else "–",
            points(results.max_score(name)),
            str(sum(len(work.waiting) for work in works) or ""),
            str(sum(bool(work.late) for work in works) or ""),
            str(sum(not work.graded for work in works) or ""),
        )
    return table


def _heads(assignments: Sequence[str]) -> Sequence[str]:
    """Return assignments' names; of many, the numbers before "_" if they tell them apart."""
    numbers = [name.partition("_")[0] for name in assignments]
    many = len(assignments) > 3  # names of more don't fit into a terminal's 80 columns
    return numbers if many and len(set(numbers)) == len(numbers) else assignments


def _notes(notes: Sequence[str], most: int = 2) -> str:
    more = f"; {len(notes) - most} more in `course report`" if len(notes) > most else ""
    return "; ".join(notes[:most]) + more


def _score(work: "Work | None") -> str:
    from course.grading.report import points

    if work is None:
        return "[dim]–[/]"
    return points(work.score) if work.graded else f"[bold red]! {points(work.score)}[/]"


def _late(works: Sequence["Work"]) -> str:
    from course.grading.report import duration

    late = [work.late for work in works if work.late]
    return duration(max(late)) if late else ""


def _class_table(demo: "Demo") -> Table:
    """Return the demo's class: scores beside those that the bank predicted."""
    from course.grading.report import points

    narrow = (0, 1, 0, 0)  # or many chapters don't fit into a terminal's 80 columns
    table = Table(box=None, header_style="bold", pad_edge=False, padding=narrow)
    table.add_column("student", no_wrap=True)
    table.add_column("kind")
    for head in (*_heads(list(demo.max_scores)), "score", "predicted"):
        table.add_column(escape(head), justify="right")
    table.add_column("equal", justify="center")
    full = [*demo.max_scores.values(), *[sum(demo.max_scores.values())] * 2]
    table.add_row("full marks", "", *map(points, full), style="dim")
    for row in demo.rows:
        table.add_row(
            f"{row.student.first} {row.student.last}",
            row.student.kind.name,
            *(points(row.scores[name]) if name in row.scores else "" for name in demo.max_scores),
            points(sum(row.scores.values())),
            points(sum(row.predicted.values())),
            "[green]✓[/]" if row.equal else "[bold red]✗[/]",
        )
    return table
