"""Processes for many people's work: how they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from course.grading.batch import new_log

MARK = "COURSE_TEST_OF_PROCESSES"
WORK = """
import sys, time
from pathlib import Path

def work(folder, name):
    Path(folder, f"{name}.begun").touch()
    time.sleep(2)
    Path(folder, f"{name}.done").touch()
"""
MAIN = """
import signal, sys
from pathlib import Path
from the_work import work
from course.grading.batch import new_log, run_each

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
    folder = sys.argv[1]
    tasks = [(folder, str(number)) for number in range(40)]
    try:
        for (_, name), _ in run_each(work, tasks, jobs=2, log=Path(folder, "log")):
            Path(folder, f"{name}.handed_on").touch()
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.fixture
def running(tmp_path):
    """A process that has two others at work, in a group of its own."""
    (tmp_path / "the_work.py").write_text(WORK)
    (tmp_path / "main.py").write_text(MAIN)
    mark = uuid4().hex
    root = str(Path(__file__).parents[3])
    variables = {**os.environ, MARK: mark, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py"), str(tmp_path)],
        env=variables, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        # Both are at work: one that is only starting does not know yet what to do with a signal.
        until(lambda: len([*tmp_path.glob("*.begun")]) - len([*tmp_path.glob("*.done")]) >= 2)
        yield process, mark
        if process.poll() is None:
            process.kill()


def until(what):
    """Wait until something is so."""
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(mark):
    """The processes that were begun with this mark."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks in Linux's /proc")
def test_who_is_killed_takes_the_processes_at_work_along(running):
    process, mark = running
    assert len(alive(mark)) >= 3
    process.kill()
    process.wait()
    until(lambda: not alive(mark))


def test_ctrl_c_while_processes_start_is_told_by_nobody_else(tmp_path):
    begun = "with open(__file__ + '.imported', 'a') as file: print(file=file)\ntime.sleep(1)\n"
    (tmp_path / "the_work.py").write_text(WORK + begun)
    (tmp_path / "main.py").write_text(MAIN)
    root = str(Path(__file__).parents[3])
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])}
    imported = tmp_path / "the_work.py.imported"
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py"), str(tmp_path)], env=variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        until(lambda: imported.exists() and imported.read_text().count("\n") == 2)
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate() == ("interrupted\n", "")


def test_ctrl_c_lets_what_is_being_done_come_to_its_end(running, tmp_path):
    process, _ = running
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate()
    assert printed == "interrupted\n"
    begun, done, handed_on = (
        {path.stem for path in tmp_path.glob(f"*.{kind}")}
        for kind in ("begun", "done", "handed_on")
    )
    assert begun == done == handed_on
    assert len(done) < 40


def test_a_new_log_keeps_that_of_the_run_before_and_no_more(tmp_path):
    log = tmp_path / "grading.log"
    for text in ("first", "second", "third"):
        new_log(log)
        assert log.read_text() == ""
        log.write_text(text)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "grading.log": "third",
        "grading.1.log": "second",
    }
