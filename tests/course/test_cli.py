"""The command line, and nbgrader's own commands beside it."""

import csv
import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course import cli
from course.cli import PlainConsole, app
from course.demo import Demo, Row, make_class
from course.doctor import Finding, State
from course.grading.batch import LogFormatter
from course.grading.notes import GradingOutcome, Status
from course.grading.results import Column, Results, Work
from course.verdict import CheckVerdict, ExerciseVerdict, Verdict
from helpers.checks import Outcome

ROOT = Path(__file__).parents[2]
COMMANDS = ("release", "figures", "workspace", "grade", "feedback", "report", "demo", "doctor")


@pytest.fixture
def run(monkeypatch):
    """A function that runs `course` in a folder."""

    def command(root, *arguments):
        monkeypatch.chdir(root)
        monkeypatch.setattr(cli, "out", PlainConsole(width=120, highlight=False))
        monkeypatch.setattr(
            cli, "err", PlainConsole(stderr=True, width=120, highlight=False, soft_wrap=True)
        )
        return CliRunner().invoke(app, arguments, env={"COLUMNS": "120", "NO_COLOR": "1"})

    return command


def flat(text):
    return " ".join(text.split())


def test_help_names_every_command(run, tmp_path):
    shown = run(tmp_path, "--help").output
    for name in (*COMMANDS, "check"):
        assert f" {name} " in shown
        assert run(tmp_path, name, "--help").exit_code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_outside_a_course_every_command_ends_with_one_line(run, tmp_path, command):
    done = run(tmp_path, command)
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"course {command}: no nbgrader_config.py in ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["grade"], "nobody handed in anything"),
        (["grade", "09_nothing"], "nobody handed in 09_nothing"),
        (["feedback"], "run `course grade` first"),
        (["report", "09_nothing"], "09_nothing is not in the gradebook"),
        (["figures", "09_nothing"], "source/ has no 09_nothing"),
        (["release", "09_nothing"], "source/ has no 09_nothing"),
        (["demo", "--keep", "source"], "is not a folder that `course demo` made"),
    ],
)
def test_a_mistake_ends_with_one_line(run, released, arguments, words):
    done = run(released, *arguments)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert words in line


def test_without_a_gradebook_the_report_says_what_to_do(run, course_root):
    done = run(course_root, "report")
    assert done.exit_code == 2
    assert "nothing has been released: run `course release` first" in done.stderr
    (course_root / "gradebook.db").unlink()
    done = run(course_root, "report")
    assert done.exit_code == 2
    assert "there is no gradebook at" in done.stderr
    assert not (course_root / "gradebook.db").exists()


def test_a_class_goes_from_grading_to_report(run, graded):
    done = run(graded / "source", "grade")  # from a folder below
    assert done.exit_code == 0
    text = flat(done.stdout)
    assert "student 01_doubling 02_pair to read late full marks 6 12 ada" in text
    assert "ada 4 – 1 1 day" in text
    assert "bob 1 4" in text
    first = "For a person to look at ! ian, 01_doubling: doubling.ipynb is missing: no notebook was"
    assert text.startswith(first)
    assert "• dan, 01_doubling: The file was damaged" in text
    assert "1 more in `course report`" in text
    assert "• hal, 01_doubling: double: Your code ended its own process" in text
    assert "• 1 answer in words waits to be read student" in text
    assert "dan 0 –" in text
    assert "ian ! 0" in text
    assert "6 graded before (--force grades them again), 1 could not be graded" in text

    done = run(graded, "feedback", "01_doubling")
    assert done.exit_code == 0
    assert "feedback/ada/01_doubling/doubling.html" in done.stdout

    done = run(graded, "report", "--output", "here")
    assert done.exit_code == 0
    assert done.stdout.strip() == "here/index.html"
    (graded / "here" / "index.html").write_text("mine")
    assert run(graded, "report", "--output", "here").exit_code == 2


def test_the_demo_fails_if_a_score_is_not_as_predicted(run, course_root, monkeypatch):
    ada, bob = make_class(2)
    rows = [
        Row(ada, {"01": 4}, {"01": 4}, []),
        Row(bob, {"01": 3}, {"01": 4}, ["01, double: 2 points instead of 3"]),
    ]

    graded = rows[:1]

    def demo(root, folder, **options):
        assert folder == course_root / "demo"
        return Demo(folder, folder / "report" / "index.html", {"01": 4}, graded, 1.5)

    monkeypatch.setattr("course.demo.make_demo", demo)
    done = run(course_root, "demo")
    assert done.exit_code == 0
    assert "Report: demo/report/index.html" in done.stdout
    graded.append(rows[1])
    done = run(course_root, "demo")
    assert done.exit_code == 1
    assert "! mateo.quispe: 01, double: 2 points instead of 3" in done.stdout
    assert "1 of 2 students have the score that was predicted" in done.stdout


def test_a_class_of_many_assignments_fits_into_a_terminal(tmp_path):
    full = {path.name: 100.0 for path in sorted((ROOT / "source").iterdir())}
    rows = [Row(student, full, full, []) for student in make_class(24)]
    console = PlainConsole(width=80, record=True, file=io.StringIO())
    console.print(cli._class_table(Demo(tmp_path, tmp_path, full, rows, 1.5)))
    shown = console.export_text()
    assert "…" not in shown
    assert len(shown.splitlines()) == 2 + 24
    assert shown.split()[: len(full) + 2] == ["student", "kind", *(name[:2] for name in full)]


def test_few_assignments_are_called_by_their_names():
    assert cli._heads(["01_one", "02_two", "03_three"]) == ["01_one", "02_two", "03_three"]
    assert cli._heads(["week_1", "week_2", "week_3", "week_4"])[0] == "week_1"


HOSTILE = "eve\n! ada, 01_doubling: lost\r\x1b[2K\x9b1A\x07\u202e\u2028:boom:[red]\\\ud800\udcff"
SPELLED_OUT = r"eve\n! ada, 01_doubling: lost\r\x1b[2K\x9b1A\x07\u202e\u2028:boom:[red]\\ud800\xff"


@pytest.fixture
def printed(monkeypatch):
    """A function that returns what the functions of the command line print to a wide terminal."""
    file = io.StringIO()
    for name in ("out", "err"):
        monkeypatch.setattr(cli, name, PlainConsole(file=file, width=2_000, highlight=False))
    return file.getvalue


def test_what_a_name_or_a_message_holds_makes_no_row_and_moves_nothing(printed):
    check = CheckVerdict(HOSTILE, Outcome.FAILED, HOSTILE)
    exercise = ExerciseVerdict(HOSTILE, 0, 2, (check,), ((HOSTILE, 1.5),))
    cli._verdict(Verdict("doubling", (exercise,), (HOSTILE,), (HOSTILE,)), 0, {HOSTILE: HOSTILE})
    cli._problem(HOSTILE, HOSTILE, HOSTILE)
    cli._left_out(HOSTILE)
    cli._begun([Path("/a", HOSTILE)])
    failed = GradingOutcome(HOSTILE, HOSTILE, Status.FAILED, (HOSTILE,), "", (HOSTILE,))
    cli._tell([failed], trial=True)
    work = Work(HOSTILE, HOSTILE, {}, notes=(HOSTILE,))
    results = Results({HOSTILE: HOSTILE}, {HOSTILE: []}, {(HOSTILE, HOSTILE): work})
    cli._look_at([failed], results)
    cli.out.print(cli._grades(results, {HOSTILE}))
    cli.out.print(cli._summary(results))
    text = printed()
    assert text.count("eve") == text.count(SPELLED_OUT) > 15
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert len(text.splitlines()) == 6 + 1 + 1 + 2 + 2 + 3 + 3 + 2


def test_of_a_large_class_the_terminal_shows_the_sum_and_the_first_lines(printed):
    column = Column("doubling", "double", "Double", 4, None)
    works = {
        (name, "01"): Work(name, "01", {column: score}, [column], notes=("torn",))
        for score in range(5)
        for name in (f"{score}{number}" for number in range(40))
    }
    results = Results(dict.fromkeys([name for name, _ in works], ""), {"01": [column]}, works)
    outcomes = [GradingOutcome(name, "01", Status.GRADED, ("torn",)) for name, _ in works]
    cli._look_at(outcomes, results)
    cli.out.print(cli._grades(results, {name for name, _ in works}))
    text = flat(printed())
    assert text.count("torn") == cli.MOST_LINES
    assert f"and {200 - cli.MOST_LINES} more: `course report` lists them all" in text
    assert "200 answers in words wait to be read" in text
    assert text.endswith("01 200 2 2 4 200")


def test_ctrl_c_says_what_stays_and_how_to_go_on(run, released, hand_in, monkeypatch):
    hand_in(released, "ada")

    def interrupted(*_, on_start, on_done, **options):
        on_start({"01_doubling": 2, "02_pair": 1})
        on_done([GradingOutcome("ada", "01_doubling", Status.GRADED)])
        raise KeyboardInterrupt

    monkeypatch.setattr("course.grading.grade.grade_class", interrupted)
    done = run(released, "grade")
    assert done.exit_code == 130
    assert flat(done.stdout).strip() == (
        "Stopped: 1 of 3 were done, and stay. `course grade` goes on from there."
    )


def graded_in(seconds, student="ada", assignment="01", **more):
    return GradingOutcome(student, assignment, Status.GRADED, seconds=seconds, **more)


def test_while_grading_each_assignment_has_its_bar_and_all_have_one(printed):
    with cli._progress() as bar:
        watch = cli.Watch(bar)
        watch.start({"02_pair": 1, "01_doubling": 2})
        watch.done([graded_in(1, assignment="01_doubling")])
        watch.done([GradingOutcome("bob", "01_doubling", Status.UP_TO_DATE)])
        shown = [(task.description, task.completed, task.total) for task in bar.tasks]
    assert shown == [("Grading", 2, 3), ("01_doubling", 2, 2), ("02_pair", 0, 1)]
    with cli._progress() as bar:
        cli.Watch(bar).start({"01_doubling": 2})
        assert len(bar.tasks) == 1
    assert not printed().strip()


def test_while_grading_what_fails_and_what_is_slow_is_told_in_one_line_each(printed):
    lost = GradingOutcome(HOSTILE, HOSTILE, Status.FAILED, (HOSTILE, "torn"))
    with cli._progress() as bar:
        watch = cli.Watch(bar)
        watch.start({HOSTILE: 1, "01": 9})
        watch.done([lost, graded_in(40)])  # nobody knows yet what is usual
        watch.done([graded_in(2) for _ in range(4)])
        watch.done([graded_in(20), GradingOutcome("dan", "01", Status.UP_TO_DATE)])
        watch.done([graded_in(20.6, "bob", notes=("test_x: all was judged twice",))])
        watch.done([graded_in(30, "eve")])
        assert bar.tasks[watch.every].completed == 10
        assert [task.completed for task in bar.tasks[1:]] == [9, 1]
    assert printed().strip().splitlines() == [
        f"! {SPELLED_OUT}, {SPELLED_OUT}: {SPELLED_OUT}; torn",
        "• bob, 01: took 21 s, most take 2.0 s: test_x: all was judged twice",
        "• eve, 01: took 30 s, most take 2.0 s",
    ]


def test_what_is_told_while_grading_leaves_the_table_on_its_own_where_no_terminal_is(monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(cli, "out", PlainConsole(file=out, highlight=False))
    monkeypatch.setattr(cli, "err", PlainConsole(file=err, highlight=False))
    with cli._progress() as bar:
        cli.Watch(bar).done([GradingOutcome("ada", "01", Status.FAILED, ("torn",))])
    assert (out.getvalue().strip(), err.getvalue()) == ("", "! ada, 01: torn\n")


def test_json_is_printed_so_that_a_terminal_shows_it_and_reads_back_the_same():
    verdict = Verdict("doubling", (), (HOSTILE[:-2],))
    text = cli._plain_json(verdict.to_json(), 2)
    assert json.loads(text) == verdict.to_json()
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_a_log_holds_a_line_of_its_own_for_each_record():
    record = logging.LogRecord("x", logging.ERROR, "", 0, "%s is gone", (HOSTILE,), None)
    text = LogFormatter("at %(levelname)s %(message)s").format(record)
    first, *rest = text.splitlines()
    assert first == "at ERROR eve"
    assert all(line.startswith("    ") for line in rest)
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize(
    ("state", "status"), [(State.FINE, 0), (State.NOTE, 0), (State.MISSING, 1)]
)
def test_the_doctor_fails_if_something_is_missing(run, course_root, monkeypatch, state, status):
    monkeypatch.setattr("course.doctor.examine", lambda root: [Finding(state, "a [bold] line")])
    done = run(course_root, "doctor")
    assert done.exit_code == status
    assert "a [bold] line" in done.stdout


@pytest.mark.slow
def test_nbgrader_s_own_commands_work_in_the_course(course_root, hand_in):
    def nbgrader(*arguments):
        command = [sys.executable, "-m", "nbgrader", *arguments]
        done = subprocess.run(command, cwd=course_root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    right = {"double": "def double(x):\n    return 2 * np.asarray(x)"}
    nbgrader("generate_assignment", "01_doubling")
    hand_in(course_root, "ada", **right)
    nbgrader("autograde", "01_doubling")
    nbgrader("generate_feedback", "01_doubling")
    nbgrader("export")
    page = course_root / "feedback" / "ada" / "01_doubling" / "doubling.html"
    assert "is right anywhere" in page.read_text()
    with (course_root / "grades.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["student_id"], row["score"], row["max_score"]) == ("ada", "3.0", "6.0")
