"""Grading on a cluster: the same scores, whoever refuses or dies on the way."""

import os
import shutil
import signal

import pytest
from nbgrader.api import Gradebook

from course.directory import open_course
from course.grading.fingerprint import code_digest
from course.grading.grade import LOG, grade_class
from course.grading.notes import Status, read_notes
from course.grading.results import read_results
from course.judge.preprocessor import VERDICTS
from course.layout import CourseError
from course.notebooks.cells import read
from course.verdict import find_verdict, read_verdict

distributed = pytest.importorskip(
    "distributed", reason="needs Dask distributed: pip install -e '.[scale]'"
)

DOUBLING = "01_doubling"
RIGHT = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "quadruple": "def quadruple(x):\n    return 4 * np.asarray(x)",
}
OPEN = """
from course.judge import preprocessor
from course.judge.sandbox.port import Protection
preprocessor.missing = lambda: [Protection("the network", False, "as a test wants it")]
"""
QUIET = {"silence_logs": 50, "dashboard_address": None}


def settings(**more):
    """What keeps Dask's waiting short where a worker dies."""
    import dask

    return dask.config.set({"distributed.scheduler.allowed-failures": 1, **more})


@pytest.fixture(scope="module")
def workers():
    with settings(), distributed.LocalCluster(2, threads_per_worker=1, **QUIET) as cluster:
        yield cluster


@pytest.fixture
def address(workers):
    return workers.scheduler_address


def book(root):
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}")


def held(root):
    """All that the gradebook holds of what was handed in, but for the names of its rows."""
    with book(root) as found:
        return {
            (submission.student.id, submission.assignment.name): (
                submission.timestamp,
                submission.late_submission_penalty,
                submission.student.last_name,
                sorted(
                    (notebook.name, grade.name, grade.auto_score, grade.manual_score,
                     grade.needs_manual_grade, grade.max_score)
                    for notebook in submission.notebooks
                    for grade in notebook.grades
                ),
                sorted(
                    (notebook.name, comment.name, comment.auto_comment or "")
                    for notebook in submission.notebooks
                    for comment in notebook.comments
                ),
            )
            for assignment in found.assignments
            for submission in found.assignment_submissions(assignment.name)
        }  # fmt: skip


def noted(root):
    return {key: (one.status, one.notes) for key, one in read_notes(open_course(root)).items()}


def verdicts(root):
    return {
        path.relative_to(root): [
            (one.id, one.score, one.blank, one.checks) for one in read_verdict(path).exercises
        ]
        for path in (root / VERDICTS).rglob("*.json")
    }


def answers(root):
    """What the graded notebooks hold: their cells with outputs, and whether there is a verdict."""
    return {
        path.relative_to(root): (
            [(cell.cell_type, cell.source, cell.get("outputs")) for cell in read(path).cells],
            find_verdict(read(path).metadata) is not None,
        )
        for path in (root / "autograded").rglob("*.ipynb")
    }


def ungraded(root, to):
    """A copy of a course in which nothing has been graded yet."""
    shutil.copytree(root, to)
    shutil.rmtree(to / "autograded")
    shutil.rmtree(to / VERDICTS)
    with book(to) as found:
        for student in found.students:
            last = student.last_name
            found.remove_student(student.id)
            if last:
                found.add_student(student.id, first_name=student.first_name, last_name=last)
    return to


@pytest.mark.parametrize("shared", [False, True])
def test_a_class_earns_on_a_cluster_what_it_earns_here(graded, tmp_path, address, shared):
    there = ungraded(graded, tmp_path / "there")
    if shared:
        with (there / "nbgrader_config.py").open("a") as file:
            file.write(f"\nc.Grading.shared = {str(there / 'submitted')!r}\n")
    (there / "submitted" / "hal" / DOUBLING / "more").symlink_to("/etc")
    (graded / "submitted" / "hal" / DOUBLING / "more").symlink_to("/etc")
    grade_class(graded)
    done = []
    outcomes = grade_class(there, cluster=address, on_done=done.extend)
    assert sorted(done, key=lambda one: (one.student, one.assignment)) == outcomes
    assert noted(there) == noted(graded)
    assert any(
        "more is a link to another file" in note for note in noted(there)["hal", DOUBLING][1]
    )
    assert held(there) == held(graded)
    assert verdicts(there) == verdicts(graded)
    assert answers(there) == answers(graded)
    log = (there / LOG).read_text()
    assert "Autograding" in log
    assert not [path.name for path in (there / "autograded").iterdir() if path.name[0] == "."]
    assert {one.status for one in grade_class(there, cluster=address)} == {
        Status.UP_TO_DATE,
        Status.FAILED,
    }


def test_what_a_person_entered_stays_and_what_has_changed_is_graded_again(
    released, hand_in, address
):
    with (released / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.Grading.cluster = {address!r}\n")
    hand_in(released, "ada", why_twice="It is counted twice.", **RIGHT)
    hand_in(released, "bob", **RIGHT)
    assert [one.status for one in grade_class(released)] == [Status.GRADED] * 2
    with book(released) as found:
        grade = found.find_grade("why_twice", "doubling", DOUBLING, "ada")
        grade.manual_score, grade.needs_manual_grade = 2, False
        found.find_comment("why_twice", "doubling", DOUBLING, "ada").manual_comment = "Yes."
        found.db.commit()
    hand_in(released, "ada", why_twice="It is counted twice.", double=RIGHT["double"])
    ada, bob = grade_class(released)
    assert (ada.status, ada.because) == (Status.GRADED, ("what was handed in",))
    assert bob.status is Status.UP_TO_DATE
    work = read_results(released).works["ada", DOUBLING]
    assert (work.score, list(work.waiting)) == (5, [])
    with book(released) as found:
        comment = found.find_comment("why_twice", "doubling", DOUBLING, "ada")
        assert comment.manual_comment == "Yes."
    assert [one.status for one in grade_class(released, cluster="none", force=True)] == [
        Status.GRADED
    ] * 2


def test_what_is_entered_while_a_hand_in_is_away_stays(released, hand_in, address):
    hand_in(released, "ada", why_twice="It is counted twice.", **RIGHT)
    hand_in(released, "bob", **RIGHT)
    grade_class(released, cluster="none")

    def mark(_):
        with book(released) as found:
            found.find_grade("why_twice", "doubling", DOUBLING, "ada").manual_score = 2
            found.find_grade("why_twice", "doubling", DOUBLING, "bob").manual_score = 1
            found.db.commit()

    grade_class(released, cluster=address, force=True, on_start=mark)
    assert read_results(released).works["ada", DOUBLING].score == 6
    assert read_results(released).works["bob", DOUBLING].score == 5


def test_work_of_a_worker_that_is_killed_is_done_by_others(graded, tmp_path, workers, address):
    there = ungraded(graded, tmp_path / "there")
    for number in range(4):
        for root in (graded, there):
            shutil.copytree(root / "submitted" / "ada", root / "submitted" / f"ada{number}")
    grade_class(graded)
    killed = []

    def kill(_):
        with distributed.Client(address, set_as_default=False) as client:
            pids = client.run(os.getpid)
            busy = [worker for worker, tasks in client.processing().items() if tasks]
            if busy and not killed:
                killed.append(pids[busy[0]])
                os.kill(killed[0], signal.SIGKILL)

    outcomes = grade_class(there, cluster=address, on_done=kill)
    assert killed
    failed = {one.student: one.notes for one in outcomes if one.status is Status.FAILED}
    assert set(failed) == {"ian"}, failed
    assert held(there) == held(graded)
    assert verdicts(there) == verdicts(graded)


def deadly(root, student, assignment, decides, figures):
    """Grade as ever, but let one student's work kill the worker."""
    import os

    from course.grading.one_student import grade_submission

    if student == "bob":
        os.kill(os.getpid(), 9)
    return grade_submission(root, student, assignment, decides, figures)


@pytest.mark.long
def test_what_kills_every_worker_is_given_up_alone(released, hand_in, address, monkeypatch):
    import sys

    from distributed.protocol.pickle import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr("course.grading.grade.grade_submission", deadly)
    for name in ("ada", "bob", "cat"):
        hand_in(released, name, **RIGHT)
    ada, bob, cat = grade_class(released, cluster=address)
    assert ada.status is cat.status is Status.GRADED
    assert bob.status is Status.FAILED
    assert bob.notes == (
        "the process that graded it was killed, or ran out of memory, again and again; "
        "run `course grade` again",
    )
    assert noted(released)["bob", DOUBLING] == (Status.FAILED, bob.notes)
    assert read_results(released).works["ada", DOUBLING].score == 4


def nanny(**options):
    return {"cls": distributed.Nanny, "options": {"nthreads": 1, **options}}


def one_of_two(first, second):
    """A cluster whose workers differ."""
    from distributed import Scheduler, SpecCluster

    return SpecCluster(
        {"first": nanny(**first), "second": nanny(**second)},
        {"cls": Scheduler, "options": {"dashboard_address": None, "port": 0, "host": "127.0.0.1"}},
        silence_logs=50,
    )


def test_a_worker_that_can_not_confine_gets_no_work_and_is_named(released, hand_in):
    for name in ("ada", "bob", "cat"):
        hand_in(released, name, **RIGHT)
    with one_of_two({"name": "safe"}, {"name": "open", "preload": [OPEN]}) as cluster:
        done = grade_class(released, cluster=cluster.scheduler_address)
        log = (released / LOG).read_text()
    assert [one.status for one in done] == [Status.GRADED] * 3
    assert {work.score for work in read_results(released).works.values()} == {4}
    assert log.count("grades nothing: this machine can't confine students' code (the network)") == 1


@pytest.mark.long
def test_without_a_worker_that_can_confine_nobody_is_graded(released, hand_in):
    hand_in(released, "ada", **RIGHT)
    with (
        one_of_two({"preload": [OPEN]}, {"preload": [OPEN]}) as cluster,
        pytest.raises(CourseError, match=r"no worker of .* can grade: this machine can't confine"),
    ):
        grade_class(released, cluster=cluster.scheduler_address)
    assert not (released / "autograded").exists()


def test_a_worker_with_other_code_of_the_course_grades_nothing(released):
    from course.grading.station import RemoteStation, make_kit

    kit = make_kit(open_course(released))
    refusals = []
    for code in (code_digest(), "another"):
        station = RemoteStation(kit, code)
        refusals.append(station.refusal)
        station.close()
    assert refusals == ["", "the course's own code is another version here"]


@pytest.mark.long
def test_workers_that_are_about_to_start_are_waited_for(released, hand_in, workers, address):
    hand_in(released, "ada", **RIGHT)
    with distributed.Client(address, set_as_default=False) as client:
        pids = list(client.run(os.getpid).values())
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert [one.status for one in grade_class(released, cluster=address)] == [Status.GRADED]


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:1", "nonsense://", "a b"])
def test_where_no_cluster_answers_one_line_says_so(released, hand_in, where, monkeypatch):
    from course.grading import cluster

    monkeypatch.setattr(cluster, "START", 1.0)
    hand_in(released, "ada", **RIGHT)
    with pytest.raises(CourseError, match=f"no cluster answers at {where}"):
        grade_class(released, cluster=where)
