"""Grading one notebook by itself, from the command line."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from rich.console import Console
from typer.testing import CliRunner

from course import cli
from course.grading.check import check_notebook, find_source, notebooks_in
from course.grading.notes import Status
from course.grading.one_student import grade_submission
from course.judge.judging import Limits
from course.judge.sandbox.port import Protection
from course.judge.sandbox.server import WarmServer
from course.layout import CourseError
from course.notebooks.cells import grade_id, read
from course.notebooks.source import source_notebooks
from course.verdict import Verdict, read_verdict, write_verdict
from tests.course.repair.test_which import NAMES

ROOT = Path(__file__).parents[3]
CHAPTERS = sorted((ROOT / "source").glob("*/*.ipynb"))
DOUBLING = "01_doubling"
SQUARE = "def double(x):\n    return np.asarray(x) ** 2"
RIGHT = "def double(x):\n    return 2 * np.asarray(x)"


@pytest.fixture(scope="module")
def server():
    with WarmServer() as server:
        yield server


@pytest.fixture
def check(monkeypatch):
    """A function that runs `course check` in a folder."""

    def run(root, *arguments):
        monkeypatch.chdir(root)
        monkeypatch.setattr(cli, "out", Console(width=100, highlight=False))
        console = Console(stderr=True, width=100, highlight=False, soft_wrap=True)
        monkeypatch.setattr(cli, "err", console)
        return CliRunner().invoke(cli.app, ["check", *map(str, arguments)])

    return run


def work(root, hand_in, student="eve", **cells):
    return hand_in(root, student, **cells) / "doubling.ipynb"


def messages(verdict):
    return {
        (exercise.id, check.name): check.message
        for exercise in verdict.exercises
        for check in exercise.checks
    }


# --- the command ----------------------------------------------------------------------------------


def test_the_json_has_the_promised_form(check, released, hand_in):
    done = check(released, work(released, hand_in, double=SQUARE), "--json")
    assert done.exit_code == 0
    verdict = json.loads(done.stdout)
    assert verdict.pop("seconds") > 0
    for exercise in verdict["exercises"]:
        for line in exercise["checks"]:
            assert line["passed"] is not bool(line.pop("message"))
    assert verdict == {
        "format": 2,
        "notebook": "doubling",
        "score": 0,
        "max_score": 4,
        "exercises": [
            {
                "id": "double",
                "score": 0,
                "max_score": 3,
                "checks": [
                    {
                        "name": "gives the known values",
                        "outcome": "failed",
                        "points": 1,
                        "essential": False,
                        "passed": False,
                        "hidden": False,
                    },
                    {
                        "name": "is right anywhere",
                        "outcome": "failed",
                        "points": 2,
                        "essential": True,
                        "passed": False,
                        "hidden": True,
                    },
                ],
            },
            {
                "id": "quadruple",
                "score": 0,
                "max_score": 1,
                "checks": [
                    {
                        "name": "is four times as much",
                        "outcome": "not attempted",
                        "points": 1,
                        "essential": True,
                        "passed": False,
                        "hidden": False,
                    }
                ],
            },
        ],
        "repairs": [],
        "incidents": [],
    }


def test_people_are_told_the_score_and_what_failed(check, released, hand_in):
    done = check(released, work(released, hand_in, double=SQUARE))
    assert done.exit_code == 0
    assert "✗ double: 0 of 3" in done.stdout
    assert "it is the square" in done.stdout
    assert "\n· not attempted yet: quadruple\n" in done.stdout
    assert "0 of 4 points. A person reads the answers in words, for 2 more." in done.stdout
    source = released / "source" / DOUBLING / "doubling.ipynb"
    done = check(released, source)
    assert "✓ double: 3 of 3" in done.stdout
    assert "4 of 4 points. A person reads the answers in words, for 2 more." in done.stdout
    source.write_text(source.read_text().replace("Exercise: `double`", "Exercise 1.2: `double`"))
    assert "✓ 1.2 double: 3 of 3" in check(released, source).stdout


def test_what_several_checks_say_is_told_once(check, released, hand_in):
    done = check(released, work(released, hand_in, double="def double(x):\n    return unknown"))
    (line,) = [line for line in done.stdout.splitlines() if "'unknown' is not" in line]
    assert line.startswith("    gives the known values: Your code raises NameError")
    assert line.endswith(" The same holds for “is right anywhere”.")


def test_a_folder_is_checked_notebook_by_notebook_whatever_their_names(check, released, hand_in):
    folder = hand_in(released, "eve", double=RIGHT)
    (folder / "doubling.ipynb").rename(folder / "my homework.ipynb")
    (folder / "notes.ipynb").write_text("{}")
    second = released / "release" / "02_pair" / "second.ipynb"
    (folder / "more").mkdir()
    shutil.copy(second, folder / "more")
    done = check(released, folder)
    assert done.exit_code == 0
    heads = [line for line in done.stdout.splitlines() if line.endswith(".ipynb")]
    where = f"submitted/eve/{DOUBLING}"
    assert heads == [f"{where}/more/second.ipynb", f"{where}/my homework.ipynb"]
    assert "✓ double: 3 of 3" in done.stdout
    lines = check(released, folder, "--json").stdout.splitlines()
    assert [json.loads(line)["notebook"] for line in lines] == ["second", "doubling"]


@pytest.fixture
def answered(course_root):
    """The notebook of a course that has no other, with a right answer, as a file's text."""
    (source,) = source_notebooks(course_root / "source")
    nb = deepcopy(source.released())
    for cell in nb.cells:
        cell.source = RIGHT if grade_id(cell) == "double" else cell.source
    return nbformat.writes(nb)


@pytest.mark.parametrize(
    ("names", "found"), [(names, found) for names, wanted, found in NAMES if len(wanted) == 1]
)
def test_in_a_folder_a_notebook_has_any_name_that_course_grade_forgives(
    course_root, answered, tmp_path, names, found
):
    folder = tmp_path / "downloads"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(answered)
    own = course_root / "source" / DOUBLING / "doubling.ipynb"
    if found:
        assert notebooks_in(course_root, folder) == [(folder / found, own)]
    else:
        with pytest.raises(CourseError, match="holds no notebook of the course"):
            notebooks_in(course_root, folder)


def test_a_text_file_and_a_zip_of_a_folder_are_checked_in_a_folder(check, released, hand_in):
    work = hand_in(released, "eve", double=RIGHT)
    folder = released / "downloads"
    folder.mkdir()
    shutil.copy(work / "doubling.ipynb", folder / "doubling.ipynb.txt")
    pair = hand_in(released, "eve", "02_pair", double=RIGHT)
    shutil.make_archive(str(folder / "02_pair"), "zip", pair)
    lines = [json.loads(line) for line in check(released, folder, "--json").stdout.splitlines()]
    assert sorted((line["notebook"], line["score"]) for line in lines) == [
        ("doubling", 3),
        ("first", 3),
        ("second", 3),
    ]


def test_in_a_folder_an_untouched_release_gives_way_to_work_beside_it(released, hand_in):
    folder = hand_in(released, "eve", double=RIGHT)
    (folder / "doubling.ipynb").rename(folder / "doubling (1).ipynb")
    shutil.copy(released / "release" / DOUBLING / "doubling.ipynb", folder)
    assert [path.name for path, _ in notebooks_in(released, folder)] == ["doubling (1).ipynb"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere/doubling.ipynb"], "nowhere/doubling.ipynb: no such file"),
        (["tripling.ipynb"], "tripling.ipynb has no counterpart in source/"),
        (["folder"], "folder holds no notebook of the course"),
        ([f"source/{DOUBLING}/doubling.ipynb", "--replay", "nowhere"], "nowhere is no verdict"),
        ([f"source/{DOUBLING}/doubling.ipynb", "--replay", "scores.json"], "scores.json is no"),
        ([f"source/{DOUBLING}/doubling.ipynb", "--replay", "other.json"], "on another notebook"),
        ([f"source/{DOUBLING}/doubling.ipynb", "--replay", "mine.json"], "mine.json holds no seed"),
    ],
)
def test_what_can_not_be_graded_ends_with_one_line(check, released, arguments, words):
    (released / "tripling.ipynb").write_text("{}")
    (released / "folder" / "doubling.ipynb").mkdir(parents=True)
    (released / "scores.json").write_text('{"seed": 7}')
    write_verdict(released / "other.json", Verdict("trebling", (), seed=b"a seed"))
    write_verdict(released / "mine.json", Verdict("doubling", ()))
    done = check(released, *arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("course check: ")
    assert words in line


def test_a_machine_that_can_not_confine_the_code_runs_none_unless_told_to(
    check, released, hand_in, monkeypatch
):
    path = work(released, hand_in)
    lacking = [Protection("network", False, "no seccomp")]
    for place in ("course.judge.sandbox.missing", "course.judge.preprocessor.missing"):
        monkeypatch.setattr(place, lambda: lacking)
    done = check(released, path, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("course check: this machine can't confine students' code (network)")
    assert line.endswith("or run it with --unprotected")
    told = check(released, path, "--json", "--unprotected")
    config = released / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Judge.unprotected = True\n")
    for done in (told, check(released, path, "--json")):
        assert done.exit_code == 0
        assert json.loads(done.stdout)["max_score"] == 4
        assert "ran without protection of network" in done.stderr


@pytest.mark.parametrize("replay", [False, True])
def test_the_limits_are_those_of_the_configuration(released, hand_in, monkeypatch, replay):
    given = []

    def grade(submission, server, limits=None):
        given.append(limits)
        return Verdict(submission.source.name, ()), submission.submitted

    monkeypatch.setattr("course.grading.check.grade_notebook", grade)
    config = released / "nbgrader_config.py"
    limits = {"request": 1, "question": 2, "cell": 3, "notebook": 4}
    lines = [f"c.Judge.{what}_seconds = {seconds}\n" for what, seconds in limits.items()]
    config.write_text(config.read_text() + "".join(lines))
    record = released / "doubling.json"
    write_verdict(record, Verdict("doubling", (), seed=b"a seed"))
    path = work(released, hand_in)
    check_notebook(released, path, None, replay=record if replay else None)  # type: ignore[arg-type]
    assert given == [Limits(**limits)]


def test_a_broken_secret_is_named_in_one_line(check, released, hand_in):
    (released / ".course-secret").write_text("nothing\n")
    done = check(released, work(released, hand_in))
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert ".course-secret does not hold a secret" in line


# --- broken notebooks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "score", "repair"),
    [
        (lambda data: data[: data.index(b'"id": "quadruple"')], 3, "The file was damaged"),
        (lambda data: data.decode().encode("utf-16"), 3, "UTF-16"),
        (lambda data: data.replace(b'"grade_id"', b'"old_id"'), 3, ""),
        (lambda data: bytes(range(256)), 0, "binary data"),
        (lambda data: b"", 0, "empty"),
    ],
)
def test_a_broken_notebook_is_graded_as_what_was_recovered(
    released, hand_in, server, spoil, score, repair
):
    path = work(released, hand_in, double=RIGHT)
    path.write_bytes(spoil(path.read_bytes()))
    verdict = check_notebook(released, path, server)
    assert verdict.score == score
    assert verdict.repairs
    assert repair in verdict.repairs[0]


def test_what_goes_wrong_while_it_runs_is_an_incident(released, hand_in, server):
    path = work(released, hand_in, double=RIGHT, quadruple="import os\nos._exit(1)")
    verdict = check_notebook(released, path, server)
    assert verdict.score == 3
    assert verdict.incidents == ("quadruple: Your code ended its own process.",)


def test_the_counterpart_is_found_by_name_and_folder(released):
    sources = released / "source"
    shutil.copytree(sources / DOUBLING, sources / "03_again")
    found = find_source(released, released / "release" / "03_again" / "doubling.ipynb")
    assert found == sources / "03_again" / "doubling.ipynb"
    with pytest.raises(CourseError, match="has no counterpart"):
        find_source(released, released / "doubling.ipynb")


# --- random points --------------------------------------------------------------------------------


def test_a_verdict_is_replayed_with_the_same_points_and_others_get_other_ones(
    released, hand_in, server
):
    verdicts = {}
    for student in ("ada", "bob"):
        path = work(released, hand_in, student, double=SQUARE)
        outcome = grade_submission(released, student, DOUBLING)
        assert outcome.status is Status.GRADED
        record = released / "verdicts" / student / DOUBLING / "doubling.json"
        verdicts[student] = messages(read_verdict(record))
        replayed = check_notebook(released, path, server, replay=record)
        assert messages(replayed) == verdicts[student]
        assert replayed.seed == b""
    anew = messages(check_notebook(released, path, server))
    drawn = [said["double", "is right anywhere"] for said in (*verdicts.values(), anew)]
    assert len(set(drawn)) == 3
    fixed = [said["double", "gives the known values"] for said in (*verdicts.values(), anew)]
    assert len(set(fixed)) == 1


# --- every chapter --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.one_in(4)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_reference_earns_everything(path, server, course_root):
    source = course_root / "source" / path.parent.name
    # What a chapter builds on is open to it because the chapters before it say so.
    shutil.copytree(ROOT / "source", course_root / "source", dirs_exist_ok=True)
    verdict = check_notebook(course_root, source / path.name, server)
    failed = {e.id: e.failed for e in verdict.exercises if e.failed}
    assert (failed, verdict.incidents, verdict.repairs) == ({}, (), ())
    assert (
        verdict.score
        == verdict.max_score
        == sum(
            cell.metadata.get("nbgrader", {}).get("points", 0)
            for cell in read(path).cells
            if cell.cell_type == "code"
        )
    )
