"""The warm server: what it forks, how that ends, and that nothing reaches the next."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from course.judge.sandbox import missing
from course.judge.sandbox.port import Confinement
from course.judge.sandbox.server import Child, Exit, ServerError, WarmServer
from course.judge.wire.judge_end import Session

HERE = Path(__file__).parent
PATIENCE = 600  # seconds, for what takes a moment unless it never comes
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing can be forked")


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    preload = ["of_no_module", "sklearn.preprocessing"]
    with WarmServer({"PYTHONPATH": str(HERE)}, preload) as server:
        yield server


class Started:
    """A child that runs a text, and the socket to it."""

    def __init__(
        self,
        server: WarmServer,
        source: str,
        scratch: Path | None = None,
        ahead: Sequence[str] = (),
        **limits: Any,
    ) -> None:
        self.socket, theirs = socket.socketpair()
        arguments: dict[str, Any] = {"source": source, "names": {}, "ahead": ahead}
        if scratch:
            arguments["confinement"] = Confinement.for_student(scratch, **limits).to_json()
        with theirs:
            self.child: Child = server.spawn("inside:run", theirs, arguments)

    def answer(self) -> Any:
        self.socket.settimeout(PATIENCE)
        return json.loads(b"".join(iter(lambda: self.socket.recv(4096), b"")))


Start = Callable[..., Started]


@pytest.fixture(params=["free", "confined"])
def start(server: WarmServer, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    started: list[Started] = []

    def start(source: str) -> Started:
        started.append(Started(server, source, tmp_path if request.param == "confined" else None))
        return started[-1]

    yield start
    for each in started:
        each.child.kill()
        each.socket.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def until(condition: Callable[[], object], every: float = 0.02) -> bool:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


# --- how a child ends -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("pass", [Exit(0, None, "")]),
        ("import os; os._exit(3)", [Exit(3, None, "ended with status 3")]),
        ("import ctypes; ctypes.string_at(0)", [Exit(None, 11, "crashed (SIGSEGV)")]),
        # The first process of a namespace is spared its own signal, and crashes a step later.
        (
            "import os; os.abort()",
            [Exit(None, 6, "crashed (SIGABRT)"), Exit(None, 11, "crashed (SIGSEGV)")],
        ),
    ],
)
def test_how_a_child_ends_is_told(start: Start, source: str, expected: list[Exit]) -> None:
    assert start(source).child.wait(PATIENCE) in expected


def test_what_a_child_needs_ahead_is_there_even_for_the_first_one(tmp_path: Path) -> None:
    asked = "import sys; result = 'xml.sax' in sys.modules"
    with WarmServer({"PYTHONPATH": str(HERE)}) as server:
        for ahead, there in (((), False), (("of_no_module", "xml.sax"), True), ((), True)):
            started = Started(server, asked, tmp_path, ahead)
            assert started.answer() == {"result": there}
            started.socket.close()


def test_a_child_that_runs_on_is_killed(start: Start) -> None:
    started = start("import time\nwhile True:\n  try: time.sleep(9)\n  except: pass")
    with pytest.raises(TimeoutError):
        started.child.wait(0.2)
    started.child.kill()
    assert started.child.wait(0) == Exit(None, signal.SIGKILL, "killed")
    assert not alive(started.child.pid)
    started.child.kill()  # a second time does nothing


def test_the_socket_of_a_dead_child_is_closed(start: Start) -> None:
    started = start("import os; os._exit(0)")
    started.socket.settimeout(PATIENCE)
    assert started.socket.recv(1) == b""


def test_a_child_that_nobody_holds_is_killed(server: WarmServer, tmp_path: Path) -> None:
    started = Started(server, "import time; time.sleep(600)", tmp_path)
    pid = started.child.pid
    assert alive(pid)
    del started
    assert until(lambda: not alive(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere wall time stands for computing")
def test_a_childs_clock_counts_its_computing_and_not_its_sleep(start: Start) -> None:
    started = start("""
import threading, time
def compute():
    while time.thread_time() < 0.5: pass
thread = threading.Thread(target=compute)
thread.start()
thread.join()
time.sleep(600)
""")
    clock = started.child.clock
    assert until(lambda: time.clock_gettime(clock) > 0.5)
    time.sleep(0.5)  # in which it may still fall asleep
    before = time.clock_gettime(clock)
    time.sleep(1)
    assert time.clock_gettime(clock) < before + 0.5
    started.child.kill()
    with pytest.raises(OSError, match="Invalid argument"):
        time.clock_gettime(clock)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_a_judge_that_computes_without_end_is_ended(server: WarmServer) -> None:
    ours, theirs = socket.socketpair()
    source = """
from course.judge.sandbox import local_sandbox
local_sandbox().limit_computing(1)
while True: pass
"""
    with ours, theirs:
        child = server.spawn("inside:run", theirs, {"source": source, "names": {}})
        assert child.wait(PATIENCE) == Exit(None, signal.SIGXCPU, "too much CPU time")


def test_what_the_judge_raises_is_told(server: WarmServer) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = server.spawn("json:loads", theirs, {})
        assert child.wait(PATIENCE).reason.startswith("TypeError: loads() takes 1")


DAEMONS = """
import os, signal, time
reader, writer = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.write(writer, f"{os.getpid()} ".encode())
            time.sleep(600)
        os._exit(0)
pids = b""
while pids.count(b" ") < 3:
    pids += os.read(reader, 100)
with open(path, "w") as file:
    file.write(pids.decode() + "end")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
@pytest.mark.parametrize("last", ["time.sleep(600)", "os._exit(0)"])
def test_nothing_that_a_child_has_started_outlives_it(
    server: WarmServer, tmp_path: Path, last: str
) -> None:
    path = tmp_path / "pids"
    started = Started(server, f"path = {str(path)!r}\n{DAEMONS}\n{last}")
    assert until(lambda: path.exists() and path.read_text().endswith("end"))
    daemons = [*map(int, path.read_text().split()[:-1])]
    if "sleep" in last:
        assert all(map(alive, daemons))
        started.child.kill()
    started.child.wait(PATIENCE)
    assert len(daemons) == 3
    assert not any(map(alive, daemons))


def test_too_much_in_the_scratch_folder_ends_a_child(server: WarmServer, tmp_path: Path) -> None:
    """Where the child has no file system of its own, this is what it has written."""
    started = Started(server, "import time; time.sleep(600)", tmp_path, disk=5_000_000, files=50)
    (tmp_path / "small").write_bytes(bytes(1_000_000))
    with pytest.raises(TimeoutError):
        started.child.wait(0.5)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "large").write_bytes(bytes(5_000_000))
    assert started.child.wait(PATIENCE).reason == "too much written to its folder"


# --- nothing passes from one to the next ----------------------------------------------------------


def test_a_child_starts_as_the_server_was(start: Start) -> None:
    spoil = """
import builtins, os, sys, numpy as np
assert not hasattr(builtins, "spoilt")
builtins.spoilt = np.spoilt = True
os.environ["SPOILT"] = "yes"
sys.modules["json"] = None
np.allclose = lambda *_: True
result = "spoilt"
"""
    for _ in range(2):
        assert start(spoil).answer() == {"result": "spoilt"}


def test_an_idle_server_imports_what_a_later_child_may_want(start: Start) -> None:
    source = "import sys; result = 'sklearn.preprocessing' in sys.modules"
    # It is idle between two questions for longer than it waits before it imports.
    assert until(lambda: start(source).answer() == {"result": True}, every=1)


def test_a_module_that_is_not_there_is_left_out(start: Start) -> None:
    assert start("result = 1").answer() == {"result": 1}  # "of_no_module" is in the list before it


def test_chance_differs_between_children(start: Start) -> None:
    draw = "import random, numpy as np; result = [random.random(), np.random.rand()]"
    first, second = (start(draw).answer()["result"] for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_child_has_no_descriptor_but_its_own(start: Start) -> None:
    found = start("""
import os, stat
result = []
for number in range(3, 200):
    try:
        result.append(stat.S_IFMT(os.fstat(number).st_mode))
    except OSError:
        pass
""").answer()["result"]
    # A child that is not confined keeps the line on which it says what it raised.
    assert 1 <= len(found) <= 2
    assert found[0] == 0o140000  # a socket


def test_standard_streams_lead_nowhere(start: Start) -> None:
    source = "import os; os.write(1, b'x'); os.write(2, b'x'); result = os.read(0, 1).decode()"
    assert start(source).answer() == {"result": ""}


SEARCH = """
import ctypes, re
result = 0
with open("/proc/self/maps") as maps:
    for line in maps:
        if " rw-p " in line and "[v" not in line:
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            result += len(re.findall(rb"[s]ecret-0815", ctypes.string_at(low, high - low)))
"""


@pytest.mark.slow
def test_no_secret_of_the_environment_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COURSE_SECRET", "secret-0815")
    with WarmServer({"PYTHONPATH": str(HERE)}) as server:
        assert Started(server, SEARCH, tmp_path).answer() == {"result": 0}
    with WarmServer({"PYTHONPATH": str(HERE), "KNOWN": "secret-0815"}) as server:
        assert Started(server, SEARCH, tmp_path).answer()["result"] > 0


def test_what_one_child_is_sent_is_not_in_the_memory_of_the_next(
    server: WarmServer, tmp_path: Path
) -> None:
    receive = "import gc, socket\n" + (
        "its = [o for o in gc.get_objects() if type(o) is socket.socket and o.fileno() > 2]\n"
        "data = [o.recv(100) for o in its[:1]]\n"
    )
    first = Started(server, receive + SEARCH)
    first.socket.sendall(b"secret-0815")
    assert first.answer()["result"] > 0
    assert Started(server, SEARCH, tmp_path).answer() == {"result": 0}


def test_the_reference_is_not_in_a_students_memory(server: WarmServer, tmp_path: Path) -> None:
    source = """
import gc, sys
result = [name for name in sys.modules if name.startswith("helpers.")]
module = "helpers.answers.gradients"
result += [str(f) for f in gc.get_objects() if getattr(f, "__module__", "") == module]
"""
    assert Started(server, source, tmp_path).answer() == {"result": []}


# --- the server -----------------------------------------------------------------------------------


def test_a_student_answers(server: WarmServer, tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    confinement = Confinement.for_student(tmp_path, ["helpers.answers.gradients"]).to_json()
    work = {"closed": ["helpers.answers.gradients"]}
    arguments = {**work, "confinement": confinement}
    with ours, theirs:
        child = server.spawn("student", theirs, arguments)
        assert set(child.missing) == {protection.name for protection in missing()}
        session = Session(ours, PATIENCE)
        session.request("run", "def double(x):\n    return 2 * x", "cell")
        assert session.lookup("double")(21) == 42
        child.kill()


def test_children_run_at_the_same_time(start: Start) -> None:
    children = [start("import time; time.sleep(600)").child for _ in range(8)]
    assert all(alive(child.pid) for child in children)


def test_threads_may_spawn(start: Start) -> None:
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(start(f"result = {n}").answer()))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["result"] for answer in answers) == list(range(8))


def test_the_server_survives_its_children(server: WarmServer, start: Start) -> None:
    before = server.pid
    for source in (
        "import os; os.abort()",
        "import os; os.closerange(0, 1000); os._exit(1)",
        "import ctypes; ctypes.string_at(0)",
        "x = []; x = [x] * 1000; raise SystemExit",
    ):
        start(source).child.wait(PATIENCE)
    assert start("result = 1").answer() == {"result": 1}
    assert server.pid == before


@pytest.mark.slow
def test_a_dead_server_is_started_again_once(tmp_path: Path) -> None:
    with WarmServer({"PYTHONPATH": str(HERE)}) as server:
        orphan = Started(server, "import time; time.sleep(600)", tmp_path)
        assert server.pid
        pids = with_children(orphan.child.pid)
        os.kill(server.pid, signal.SIGKILL)
        assert orphan.child.wait(PATIENCE).reason == "the judge's server has ended"
        assert until(lambda: not any(map(alive, pids)))
        assert Started(server, "result = 1", tmp_path).answer() == {"result": 1}
    assert server.pid is None


@pytest.mark.slow
def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise RuntimeError('no plots today')")
    with (
        WarmServer({"PYTHONPATH": str(tmp_path)}) as server,
        pytest.raises(ServerError, match="can't be started: RuntimeError: no plots today"),
    ):
        Started(server, "result = 1")


def test_a_child_that_can_not_start_says_why(server: WarmServer, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"No such file or directory: '.*gone'"):
        Started(server, "result = 1", tmp_path / "gone")
    with pytest.raises(ServerError, match="No module named 'nothing'"):
        server.spawn("nothing:main", socket.socketpair()[0], {})


GRADING = """
import os, socket, sys
from pathlib import Path
from course.judge.sandbox.port import Confinement
from course.judge.sandbox.server import WarmServer
server = WarmServer({"PYTHONPATH": sys.argv[1]})
pids = []
for given in (None, Confinement.for_student(Path(sys.argv[2])).to_json()):
    source = "import time\\nwhile True:\\n  try: time.sleep(600)\\n  except: pass"
    arguments = {"source": source, "names": {}}
    if given:
        arguments["confinement"] = given
    ours, theirs = socket.socketpair()
    pids.append(server.spawn("inside:run", theirs, arguments).pid)
print(server.pid, *pids, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_nothing_outlives_the_grading_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GRADING, HERE, tmp_path], capture_output=True, text=True
    )
    pids = [*map(int, done.stdout.split())]
    assert len(pids) == 3, done.stderr
    assert until(lambda: not any(map(alive, pids)))


def test_the_first_process_of_a_namespace_dies_with_its_keeper(
    server: WarmServer, tmp_path: Path
) -> None:
    started = Started(server, "import time; time.sleep(600)", tmp_path)
    pids = with_children(started.child.pid)
    if len(pids) == 1:
        pytest.skip("no namespaces here")
    started.child.kill()
    assert not any(map(alive, pids))
