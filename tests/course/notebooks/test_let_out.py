"""What students don't get leaves an assignment's folder by no door, whoever starts nbgrader."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from course.authoring.release import make_release
from course.grading.feedback import make_feedback
from course.grading.grade import grade_class
from course.layout import load_config
from course.notebooks.let_out import take_back

SECRET = "nobody may see this"
NAME = "01_doubling"
PATIENCE = 300  # seconds that a server may take to start on a busy machine
RELEASED = {"doubling.ipynb", "figures/doubling.png"}


@pytest.fixture
def course(course_root):
    """A course whose assignment holds what students must not get, in old and new places."""
    folder = course_root / "source" / NAME
    for name in ("notes.md", "specifications.py", "bank/doubling.toml", "figures/old/a.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("" if name.endswith("toml") else SECRET)
    return course_root


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def command(course: Path, *arguments: str) -> None:
    """Run a program of nbgrader's in a course."""
    environment = {**os.environ, "HOME": str(course), "JUPYTER_NO_CONFIG": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=course, env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def test_course_release_lets_out_what_is_on_the_list(course):
    before = files(course / "source")
    make_release(course)
    assert files(course / "release" / NAME) == RELEASED
    assert files(course / "source") == before


@pytest.mark.slow
def test_so_does_nbgraders_own_command(course):
    before = files(course / "source")
    command(course, "nbgrader", "generate_assignment", NAME)
    assert files(course / "release" / NAME) == RELEASED
    assert files(course / "source") == before


@pytest.mark.slow
def test_so_does_formgraders_button(course):
    """The button sends this request to the server that formgrader runs in."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "HOME": str(course)}
    server = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root"]
    options = [f"--port={port}", "--IdentityProvider.token=t", f"--ServerApp.root_dir={course}"]
    process = subprocess.Popen(
        [*server, *options, "--ServerApp.disable_check_xsrf=True"],
        cwd=course, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/formgrader/api/assignment/{NAME}/assign?token=t",
            method="POST",
        )
        answer = json.loads(_sent(request))
    finally:
        process.terminate()
        process.wait()
    assert answer["success"], answer
    assert files(course / "release" / NAME) == RELEASED


def _sent(request: urllib.request.Request) -> bytes:
    """Send a request, again and again until somebody listens."""
    end = monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return bytes(response.read())
        except urllib.error.HTTPError:
            raise
        except OSError:
            if monotonic() > end:
                raise
            sleep(0.5)


def test_an_assignment_without_a_file_lets_out_its_notebook_alone(course):
    (course / "source" / NAME / "assignment.toml").unlink()
    config = load_config(course)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    assert api.generate_assignment(NAME)["success"]
    assert files(course / "release" / NAME) == {"doubling.ipynb"}


@pytest.mark.slow
def test_nothing_of_it_comes_into_graded_folders_and_feedback(course):
    make_release(course)
    work = course / "submitted" / "ada" / NAME
    shutil.copytree(course / "release" / NAME, work)
    (work / "own.py").write_text("x = 1")
    grade_class(course, jobs=1)
    make_feedback(course, [])
    assert files(course / "autograded" / "ada" / NAME) == RELEASED | {"own.py"}
    pages = [path for path in (course / "feedback").rglob("*") if path.is_file()]
    assert pages
    assert not [path for path in pages if SECRET.encode() in path.read_bytes()]
    assert files(work) == RELEASED | {"own.py"}


def test_nothing_is_ever_taken_back_from_source(course):
    folder = course / "source" / NAME
    before = files(folder)
    for filled in (folder, folder / "bank", folder / ".." / NAME):
        with pytest.raises(ValueError, match="is a source folder itself"):
            take_back(filled, folder)
    assert files(folder) == before
