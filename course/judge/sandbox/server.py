"""The warm server: a process that has the slow imports behind it and forks a child per request.

`WarmServer` and `Child` belong to the grading process; the server itself runs as
`python -m course.judge.sandbox.server`, in an environment that holds no secrets. It runs nobody's
code and reads nothing that a child is sent, so nothing of one submission is there for the next to
find. What is handed to `spawn` does pass through it: it must not be secret. A child's only way to
the outside is its one socket. Knows nothing of notebooks and verdicts.

Between grading process and server: one stream for requests, each with two sockets, the child's own
and the child's status. On the status, a line of JSON says that the child runs, another how it
ended; closing it at the grading process's end kills the child.
"""

import atexit
import contextlib
import gc
import importlib
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from course.judge.sandbox import local_sandbox, missing
from course.judge.sandbox.port import BESIDE, Confinement
from course.judge.wire.codec import Left, WireError, receive, send, within

PRELOAD = (
    "IPython", "matplotlib.pyplot", "helpers", "course.judge.closed_modules",
    "course.judge.shell", "course.judge.wire.judge_end", "course.judge.wire.student_end",
)  # fmt: skip
SERVER = "course.judge.sandbox.server"
# Not preloaded: `judging` imports helpers that hold answers; no student may find them in memory.
ENTRIES = {
    "student": "course.judge.sandbox.server:student",
    "judge": "course.judge.judging:main",
}
ENVIRONMENT = {
    "COURSE_PACE": "short",
    "KERAS_BACKEND": "torch",  # chosen when it is imported, which may be ahead of time
    "KERAS_HOME": "/dev/null",  # or it would write its settings to the grader's home
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PATH": "/usr/bin:/bin",
    "TFDS_DATA_DIR": "/nonexistent",  # judge and student load the same data: the bundled
}
# HOME is where Matplotlib finds its list of fonts; a confined child gets another.
INHERITED = ("HOME", "LD_LIBRARY_PATH", "MPLCONFIGDIR", "TZ")
START_SECONDS = 120.0  # until a server that starts with cold disks has answered
KILL_SECONDS = 60.0  # for what takes a moment, but on a machine with a thousand other things to do
KILLED = "killed by the system, which is most likely out of memory"
WATCH_SECONDS = 0.2  # between looks at what a child has written


class ServerError(Exception):
    """The warm server or a child could not be started: the message says why."""


@dataclass(frozen=True)
class Exit:
    """How a child ended.

    Attributes:
        code: its exit status, if it ended by itself.
        signal: the signal that ended it.
        reason: in words, for people; empty after status 0.
    """

    code: int | None
    signal: int | None
    reason: str


# --- in the grading process -----------------------------------------------------------------------


class Child:
    """A process that the server has forked.

    Attributes:
        pid: its number, to show; it may be somebody else's as soon as the child has ended.
        missing: the protections that it lacks.
    """

    def __init__(self, status: socket.socket, pid: int, missing: Sequence[str]) -> None:
        self.pid = pid
        self.missing = tuple(missing)
        self._status = status
        self._exit: Exit | None = None

    def kill(self) -> None:
        """End it with all that it has started, and wait until that is done."""
        with contextlib.suppress(OSError):
            self._status.shutdown(socket.SHUT_WR)
        self.wait(KILL_SECONDS)

    @property
    def clock(self) -> int:
        """The clock of its computing, for `time.clock_gettime`; see `Sandbox.computing_clock`."""
        return local_sandbox().computing_clock(self.pid)

    def wait(self, seconds: float) -> Exit:
        """Wait until it has ended and return how.

        Raises:
            TimeoutError: if it has not ended in time.
        """
        if self._exit is None:
            line = _read_line(self._status, within(seconds))
            gone = {"code": None, "signal": None, "reason": "the judge's server has ended"}
            self._exit = Exit(**(json.loads(line) if line else gone))
            self._status.close()
        return self._exit


class WarmServer:
    """Starts a warm server when it is first needed; use it in a `with` statement or close it.

    Args:
        environment: variables for the server and its children, besides the usual.
        preload: modules that it imports one by one while nobody asks for anything, such as
            "sklearn.metrics": the first child need not wait for them. One that fails is left out.
    """

    def __init__(
        self, environment: Mapping[str, str] | None = None, preload: Sequence[str] = ()
    ) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._environment = {**ENVIRONMENT, **inherited, **(environment or {})}
        # Its children may read the helpers that stand beside this code, so it must import those.
        more = self._environment.get("PYTHONPATH")
        self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(BESIDE), more]))
        self._preload = tuple(preload)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._errors: IO[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "WarmServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The server's process, if it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def spawn(self, entry: str, connection: socket.socket, arguments: Mapping[str, Any]) -> Child:
        """Fork a child that runs `entry(connection, arguments)`.

        Args:
            entry: "student", "judge", or another function as "module:name".
            connection: a stream socket; close it here afterwards.
            arguments: what JSON can hold, nothing secret. Under "confinement" may lie a
                `Confinement` as JSON, which is in force before the function is called, and under
                "ahead" modules that the server imports first, as it does those of `preload`.

        Returns:
            The child, running.

        Raises:
            ServerError: if the child, or a second time the server, can't be started.
        """
        with self._lock:
            for _ in range(2):
                try:
                    return self._request(entry, connection, arguments)
                except (OSError, WireError):
                    reason = self._stop()
            raise ServerError(f"the judge's server can't be started: {reason}")

    def start(self) -> None:
        """Have the server get ready while something else is done."""
        with self._lock:
            self._start()

    def close(self) -> None:
        """End the server and every child."""
        with self._lock:
            self._stop()

    def _request(
        self, entry: str, connection: socket.socket, arguments: Mapping[str, Any]
    ) -> Child:
        control = self._start()
        status, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(control, [b"+"], [connection.fileno(), theirs.fileno()])
            message = [ENTRIES.get(entry, entry)]
            send(control, message, json.dumps(arguments).encode(), within(START_SECONDS))
        line = _read_line(status, within(START_SECONDS))
        if not line:
            raise WireError("the server has ended")
        started = json.loads(line)
        if "pid" not in started:
            raise ServerError(f"a process can't be started: {started['reason']}")
        child = Child(status, **started)
        unexpected = set(child.missing) - {protection.name for protection in missing()}
        if unexpected:
            child.kill()
            raise ServerError(f"a process could not be confined: {', '.join(sorted(unexpected))}")
        return child

    def _start(self) -> socket.socket:
        if self.pid is not None and self._control is not None:
            return self._control
        self._stop()
        self._control, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", SERVER, str(theirs.fileno()), *self._preload],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors,
                cwd="/", env=self._environment, pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        atexit.register(self._stop)
        return self._control

    def _stop(self) -> str:
        """End the server, if it runs, and return the last line that it complained with."""
        atexit.unregister(self._stop)
        if self._control:
            self._control.close()
        if self._process:
            try:
                self._process.wait(KILL_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        complaint = ""
        if self._errors:
            self._errors.seek(0)
            complaint = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
            self._errors.close()
        self._control = self._process = self._errors = None
        return complaint or "it ended without a message"


def _read_line(status: socket.socket, left: Left) -> bytes:
    """Read up to the end of a line; return what there is when the other end is closed."""
    line = b""
    while not line.endswith(b"\n"):
        status.settimeout(max(left(), 1e-3))
        try:
            byte = status.recv(1)
        except ConnectionError:
            return b""
        if not byte:
            return b""
        line += byte
    return line


# --- in the server --------------------------------------------------------------------------------


@dataclass
class _Running:
    """A child, as the server keeps it."""

    status: socket.socket
    confinement: Confinement | None
    reason: str = ""  # why the server has killed it


class _Server:
    """Forks a child per request, and ends and buries children, until nobody asks any more."""

    def __init__(self, control: socket.socket, preload: Sequence[str]) -> None:
        self._control = control
        self._children: dict[int, _Running] = {}
        self._later = list(preload)
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Work until the grading process has closed its end."""
        while True:
            ready = self._wait()
            self._woken.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
            self._bury()
            for pid, running in self._children.items():
                if running.status.fileno() in ready:
                    self._end(pid, "killed")
                elif running.confinement and _overfull(running.confinement):
                    self._end(pid, "too much written to its folder")
            if self._control.fileno() in ready and not self._take():
                break
        for pid in self._children:
            self._end(pid, "killed")
        while self._children:
            self._bury(0)

    def _wait(self) -> set[int]:
        poll = select.poll()
        for running in self._children.values():
            if not running.reason:
                poll.register(running.status, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        ready = poll.poll(WATCH_SECONDS * 1e3 if self._children or self._later else None)
        if self._later and not ready:
            self._load([self._later.pop(0)])
        return {number for number, _ in ready}

    def _load(self, modules: Sequence[str]) -> None:
        for module in modules:
            if module not in sys.modules:
                with contextlib.suppress(ImportError):  # whoever needs it will say so
                    _load(module)

    def _take(self) -> bool:
        """Take a request, and return False if there will be no more."""
        data, descriptors, _, _ = socket.recv_fds(self._control, 1, 2)
        if not data:
            return False
        connection, status = (socket.socket(fileno=number) for number in descriptors)
        message, body = receive(self._control, within(KILL_SECONDS))
        arguments = json.loads(body)
        given = arguments.pop("confinement", None)
        self._load(arguments.pop("ahead", ()))
        running = _Running(status, Confinement.from_json(given) if given else None)
        try:
            pid = os.fork()
        except OSError as error:
            _tell(status, asdict(Exit(None, None, str(error))))
            status.close()
        else:
            if pid == 0:
                self._forget()
                _run(message[0], connection, arguments, running)
            self._children[pid] = running
        connection.close()
        return True

    def _forget(self) -> None:
        """In a child: drop what is the server's, so that nothing is closed by mistake later."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (self._control, self._woken, self._waker):
            other.detach()
        for running in self._children.values():
            running.status.detach()
        self._children.clear()

    def _end(self, pid: int, reason: str) -> None:
        """Kill a child that is not buried yet; its number can't be anybody else's."""
        self._children[pid].reason = self._children[pid].reason or reason
        os.kill(pid, signal.SIGKILL)

    def _bury(self, options: int = os.WNOHANG) -> None:
        """Take note of children that have ended, when all that they have started is gone too."""
        while self._children:
            try:
                pid, status, usage = os.wait4(-1, options)
            except ChildProcessError:
                self._children.clear()  # can't be, but must not stop the server
                return
            if pid == 0:
                return
            running = self._children.pop(pid, None)
            if running:
                self._end_orphans()
                _tell(running.status, asdict(_exit(running, status, usage)))
                running.status.close()

    def _end_orphans(self) -> None:
        """Kill what ended children have left: it has become the server's own."""
        own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        with contextlib.suppress(FileNotFoundError):
            while orphans := set(map(int, own.read_text().split())) - self._children.keys():
                for pid in orphans:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)


def _tell(status: socket.socket, what: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        status.sendall(json.dumps(what).encode() + b"\n")


def _exit(running: _Running, status: int, usage: Any) -> Exit:
    """Say in words how a child ended."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return Exit(code, None, running.reason or (code and f"ended with status {code}") or "")
    number = -code
    limits = running.confinement
    reason = running.reason
    used_up = limits and usage.ru_utime + usage.ru_stime > limits.cpu - 1
    if not reason and (used_up or number == signal.SIGXCPU):
        reason = "too much CPU time"
    elif not reason and limits and usage.ru_maxrss * 1024 > 0.7 * limits.memory:
        reason = "out of memory"
    elif not reason and number == signal.SIGKILL:
        reason = KILLED
    return Exit(None, number, reason or f"crashed ({signal.Signals(number).name})")


def _overfull(limits: Confinement) -> bool:
    """Whether more has been written to the scratch folder than may be.

    Where the child has a file system of its own it writes there, and that is limited by itself.
    """
    files = written = 0
    failures: list[OSError] = []
    for folder, _, names in os.walk(limits.scratch, onerror=failures.append):
        files += 1 + len(names)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                written += os.lstat(Path(folder, name)).st_blocks * 512
        if files > limits.files or written > limits.disk:
            return True
    return not all(isinstance(failure, FileNotFoundError) for failure in failures)


def _load(*modules: str) -> None:
    """Import modules, for all children; no garbage collection will touch and so copy them."""
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


# --- in a child -----------------------------------------------------------------------------------


def student(connection: socket.socket, arguments: Mapping[str, Any]) -> None:
    """Run a student's cells and answer the judge's requests.

    Args:
        connection: the socket to the judge.
        arguments: "closed", the modules of helpers that its code may not import; "begin", what is
            called once the shell stands, each as "module:function".
    """
    from course.judge.closed_modules import close
    from course.judge.shell import Shell
    from course.judge.wire.student_end import Student

    close(arguments["closed"])
    shell = Shell()
    for entry in arguments.get("begin", ()):
        _named(entry)()
    Student(connection, shell.names, shell.run_cell).serve()


def _named(entry: str) -> Callable[..., Any]:
    """Return the function that is called "module:function"."""
    module, _, name = entry.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _run(
    entry: str, connection: socket.socket, arguments: dict[str, Any], running: _Running
) -> NoReturn:
    """Be the child: confine it, say so, do the work, and end without any cleaning up."""
    status, code = running.status, 1
    try:
        os.setsid()
        local_sandbox().end_with_parent()
        _close_all_but(connection.fileno(), status.fileno())
        np.random.seed()  # or every process would draw the same numbers
        function = _named(entry)
        started: dict[str, Any] = {"pid": os.getpid(), "missing": []}
        if running.confinement:
            found = local_sandbox().confine(running.confinement)
            started["missing"] = [protection.name for protection in found if not protection.on]
        _tell(status, started)
        if running.confinement:
            status.close()
        function(connection, arguments)
        code = 0
    except BaseException as error:
        _tell(status, asdict(Exit(code, None, f"{type(error).__name__}: {error}")))
    finally:
        os._exit(code)


def _close_all_but(*kept: int) -> None:
    """Close every descriptor but these, with nothing behind the standard ones."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    edges = [2, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for low, high in itertools.pairwise(edges):
        os.closerange(low + 1, high)


def main() -> None:
    """Be the server, for the grading process at the other end of the socket that it has given."""
    control = socket.socket(fileno=int(sys.argv[1]))
    local_sandbox().prepare()
    _load(*PRELOAD)
    _Server(control, sys.argv[2:]).serve()


if __name__ == "__main__":
    from course.judge.sandbox.server import (
        main as canonical,  # under the name that others import it by
    )

    canonical()
