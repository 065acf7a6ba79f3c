"""What every machine's sandbox offers, and a machine that has none."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from course.judge import sandbox
from course.judge.sandbox import local_sandbox, missing, server
from course.judge.sandbox.none import NoSandbox
from course.judge.sandbox.port import PROTECTIONS, Confinement, Protection
from course.judge.sandbox.server import ServerError, WarmServer

HERE = Path(__file__).parent
needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="nothing can be forked")


@pytest.mark.parametrize("name", ["darwin", "win32", "freebsd14"])
def test_a_system_without_a_sandbox_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(sys, "platform", name)
    assert isinstance(local_sandbox.__wrapped__(), NoSandbox)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_linux_has_a_sandbox() -> None:
    assert not isinstance(local_sandbox(), NoSandbox)


def test_what_is_missing_is_what_the_sandbox_does_not_have_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    off = Protection("disk", False, "no limits")

    class Half(NoSandbox):
        def protections(self) -> list[Protection]:
            return [Protection("files", True, "a chroot"), off]

    monkeypatch.setattr(sandbox, "local_sandbox", Half)
    assert missing() == [off]


def test_no_sandbox_says_that_every_protection_is_missing() -> None:
    found = NoSandbox().protections()
    assert [item.name for item in found] == list(PROTECTIONS)
    assert not any(item.on for item in found)
    assert all(item.note.startswith("needs Linux") for item in found)


def test_a_confinement_travels_as_plain_values(tmp_path: Path) -> None:
    given = Confinement.for_student(tmp_path, ["helpers.answers.gradients"], memory=1, cpu=2)
    assert Confinement.from_json(json.loads(json.dumps(given.to_json()))) == given
    assert {path.name for path in given.hidden} >= {"course", "gradients.py"}


# --- student code where there is no sandbox -------------------------------------------------------


@pytest.fixture
def unprotected(monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmServer]:
    monkeypatch.setattr(server, "SERVER", "without_sandbox")
    with WarmServer({"PYTHONPATH": str(HERE)}) as found:
        yield found


def run(unprotected: WarmServer, scratch: Path) -> tuple[tuple[str, ...], str]:
    """Return what a process lacks, and the folder that its code finds itself in."""
    ours, theirs = socket.socketpair()
    source = "import os, tempfile; result = [os.getcwd(), tempfile.gettempdir()]"
    limits = Confinement.for_student(scratch).to_json()
    arguments = {"source": source, "names": {}, "confinement": limits}
    with ours:
        with theirs:
            child = unprotected.spawn("inside:run", theirs, arguments)
        ours.settimeout(60)
        answer = json.loads(b"".join(iter(lambda: ours.recv(4096), b"")))
    return child.missing, answer["result"]


@needs_fork
def test_student_code_runs_in_its_scratch_folder_all_the_same(
    unprotected: WarmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "missing", NoSandbox().protections)
    lacking, found = run(unprotected, tmp_path)
    assert lacking == tuple(PROTECTIONS)
    assert found == [str(tmp_path.resolve())] * 2


@needs_fork
def test_a_process_that_is_confined_less_than_expected_does_not_run(
    unprotected: WarmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "missing", lambda: NoSandbox().protections()[1:])
    with pytest.raises(ServerError, match=r"a process could not be confined: files$"):
        run(unprotected, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_nothing_of_linux_is_imported_where_there_is_no_sandbox() -> None:
    source = """
import sys
sys.modules["landlockpy"] = sys.modules["seccompy"] = sys.modules["resource"] = None
import course.judge.sandbox.none, course.judge.sandbox.server, course.judge.judging
import course.judge.preprocessor, course.grading.grade, course.doctor, course.cli
print("course.judge.sandbox.linux" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
