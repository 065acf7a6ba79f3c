"""Every protection against code that attacks it, and the proof that the attack works without it.

Each attack is a text that sets `result` where it succeeds. It runs confined, confined where the
kernel has no namespaces (as in most containers), and not confined at all.
"""

import importlib.util
import json
import os
import py_compile
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from course.judge.sandbox import local_sandbox, missing
from course.judge.sandbox.port import PROTECTIONS, Confinement
from course.judge.sandbox.server import Exit, WarmServer

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
ORDINARY = "AS_ORDINARY_USER"

if sys.platform != "linux":
    pytest.skip("confinement needs Linux", allow_module_level=True)


def needs(*names: str) -> None:
    lacking = [f"{item.name} ({item.note})" for item in missing() if item.name in names]
    if lacking:
        pytest.skip(f"missing on this machine: {', '.join(lacking)}")


def _compiled(source):
    """Return where Python keeps a module compiled, which it may not have written yet."""
    path = Path(importlib.util.cache_from_source(str(source)))
    return path if path.exists() else py_compile.compile(str(source))


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with WarmServer({"PYTHONPATH": str(HERE)}) as server:
        yield server


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What there is to attack: files, servers, a process."""
    folder = tmp_path_factory.mktemp("world")
    for name in ("gradebook.db", "home.txt", "other.txt", "victim.txt", "time.txt"):
        (folder / name).write_text("secret")
    (folder / "own").mkdir()
    shared = Path(f"/dev/shm/judge-{os.getpid()}")
    shared.write_text("secret")
    victim = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={"SECRET": "secret"}
    )
    listeners = []
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "stream")),
        (socket.AF_UNIX, socket.SOCK_DGRAM, str(folder / "datagram")),
        (socket.AF_UNIX, socket.SOCK_STREAM, f"\0judge-test-{os.getpid()}"),
    ):
        listener = socket.socket(family, kind)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen(100)
        listeners.append(listener)
    yield {
        "folder": str(folder),
        "source": str(ROOT / "source" / "01_activations" / "activations.ipynb"),
        "reference": str(ROOT / "helpers" / "answers" / "gradients.py"),
        "cached": str(_compiled(ROOT / "helpers" / "answers" / "gradients.py")),
        "staff": str(ROOT / "course" / "judge" / "judging.py"),
        "victim": victim.pid,
        "tests": os.getpid(),
        "tcp": listeners[0].getsockname()[1],
        "udp": listeners[1].getsockname()[1],
        "abstract": f"\0judge-test-{os.getpid()}",
    }
    shared.unlink()
    victim.kill()
    victim.wait()
    for listener in listeners:
        listener.close()


class Confined:
    """Runs texts in children of the server."""

    def __init__(self, server: WarmServer, scratch: Path, names: dict[str, Any]) -> None:
        self.server, self.scratch, self.names = server, scratch, names

    def __call__(self, source: str, without: tuple[str, ...] | None = None, **limits: int) -> Any:
        """Run a text confined; `without` some of the kernel's calls."""
        given = Confinement.for_student(self.scratch, ["helpers.answers.gradients"], **limits)
        return self.given(source, given, without)

    def given(
        self, source: str, confinement: Confinement, without: tuple[str, ...] | None = None
    ) -> Any:
        """Run a text with a confinement of its own."""
        limits = confinement.to_json()
        if without is None:
            return self._run("inside:run", source, confinement=limits)
        return self._run("inside:run_without", source, without=without, limits=limits)

    def free(self, source: str) -> Any:
        """Run a text that nothing confines."""
        return self._run("inside:run", source)

    def _run(self, entry: str, source: str, **more: Any) -> Any:
        ours, theirs = socket.socketpair()
        with ours:
            arguments = {"source": source, "names": self.names, **more}
            with theirs:
                child = self.server.spawn(entry, theirs, arguments)
            ours.settimeout(600)
            answer = b"".join(iter(lambda: ours.recv(65536), b""))
        ended = child.wait(600)
        return json.loads(answer) if answer else ended


@pytest.fixture
def confined(server: WarmServer, world: dict[str, Any]) -> Iterator[Confined]:
    scratch = Path(world["folder"], "own")
    yield Confined(server, scratch, {**world, "scratch": str(scratch)})
    shutil.rmtree(scratch)
    scratch.mkdir()


SYSCALL = """
import ctypes, os
from seccompy import syscall_nr
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if libc.syscall(syscall_nr(name), *arguments) == -1:
        number = ctypes.get_errno()
        if number in (1, 13, 38):
            raise OSError(number, os.strerror(number))
    return True
"""

ATTACKS = {
    # --- reading
    "read the gradebook": "result = open(folder + '/gradebook.db').read()",
    "read another's work": "result = open(folder + '/other.txt').read()",
    "read what lies beside the scratch folder": "result = open('../home.txt').read()",
    "read the accounts": "result = open('/etc/passwd').read(1)",
    "read the instructor's notebook": "result = open(source).read(1)",
    "read the judge": "result = open(staff).read(1)",
    "read the reference": "result = open(reference).read(1)",
    "read the compiled reference": "result = open(cached, 'rb').read(1)[0]",
    "import the reference": "import helpers.answers.gradients; result = 1",
    "import the judge": "import course.judge.judging; result = 1",
    "list the root": "import os; result = os.listdir('/')",
    "list others' work": "import os; result = os.listdir(folder)",
    "read through a link": """
        import os; os.symlink(folder + '/other.txt', 'link'); result = open('link').read()""",
    "read through a hard link": """
        import os; os.link(folder + '/other.txt', 'link2'); result = open('link2').read()""",
    "read another's environment": "result = len(open(f'/proc/{victim}/environ').read())",
    "read another's memory": "open(f'/proc/{victim}/mem', 'rb'); result = 1",
    "read the tests' memory": "open(f'/proc/{tests}/mem', 'rb'); result = 1",
    "read the parent's memory": """
        import os; open(f'/proc/{os.getppid()}/mem', 'rb'); result = 1""",
    "list processes": "import os; result = max(map(str.isdigit, os.listdir('/proc')))",
    # --- writing
    "overwrite the gradebook": "result = open(folder + '/gradebook.db', 'r+').write('secret')",
    "append to another's work": "result = open(folder + '/other.txt', 'a').write('.')",
    "write beside the scratch folder": "result = open('../new.txt', 'w').write('x')",
    "write to /tmp": """
        import os; path = os.sep + f'tmp/judge-{tests}'; open(path, 'w').close(); os.unlink(path)
        result = 1""",
    "write to others' shared memory": "result = open(f'/dev/shm/judge-{tests}', 'r+').write('x')",
    "make a folder": """
        import os; os.mkdir(folder + '/made'); os.rmdir(folder + '/made'); result = 1""",
    "delete": """
        import os; open(folder + '/gone', 'a').close(); os.unlink(folder + '/gone'); result = 1""",
    "cut short": "import os; os.truncate(folder + '/victim.txt', 3); result = 1",
    "move away": """
        import os; os.rename(folder + '/victim.txt', 'stolen')
        os.rename('stolen', folder + '/victim.txt'); result = 1""",
    "write through a link": """
        import os; os.symlink(folder + '/victim.txt', 'link3'); open('link3', 'a').write('.')
        result = 1""",
    "change a mode": "import os; os.chmod(folder + '/victim.txt', 0o644); result = 1",
    "change a time": "import os; os.utime(folder + '/time.txt', (1, 1)); result = 1",
    "change an owner": """
        import os; os.chown(folder + '/victim.txt', os.getuid(), os.getgid()); result = 1""",
    # --- network
    "connect by TCP": """
        import socket; socket.create_connection(('127.0.0.1', tcp), 2); result = 1""",
    "send by UDP": """
        import socket
        result = socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', udp))""",
    "connect to a socket file": """
        import socket; socket.socket(socket.AF_UNIX).connect(folder + '/stream'); result = 1""",
    "connect to an abstract socket": """
        import socket; socket.socket(socket.AF_UNIX).connect(abstract); result = 1""",
    "send from a pair of sockets": """
        import socket; ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        result = ours.sendto(b'x', folder + '/datagram')""",
    "send a message from a pair of sockets": """
        import socket; ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        result = ours.sendmsg([b'x'], [], 0, folder + '/datagram')""",
    "listen": "import socket; socket.create_server(('127.0.0.1', 0)); result = 1",
    "look up a name": "import socket; result = len(socket.getaddrinfo('localhost', 80))",
    "talk to the kernel": """
        import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); result = 1""",
    # --- processes
    "start a program": "import subprocess; subprocess.run(['/bin/true'], check=True); result = 1",
    "run a command": "import os; assert os.system('true') == 0; result = 1",
    "become a program": "import os; os.execv('/bin/false', ['false'])",
    "fork": "import os; pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0); result = 1",
    "fork many": """
        import os, time
        pids = []
        for _ in range(30):
            pid = os.fork()
            if not pid:
                time.sleep(5); os._exit(0)
            pids.append(pid)
        result = len(pids)""",
    "start a process from Python": """
        import multiprocessing
        process = multiprocessing.get_context('fork').Process(target=print)
        process.start(); process.join(); result = 1""",
    "signal the victim": "import os; os.kill(victim, 0); result = 1",
    "signal the tests": "import os; os.kill(tests, 0); result = 1",
    "signal the server": "import os; os.kill(os.getppid() or tests, 0); result = 1",
    "signal everybody": "import os; os.kill(-1, 0); result = 1",
    "signal the own group": "import os; os.kill(0, 0); result = 1",
    "signal a thread": SYSCALL + "result = call('tkill', victim, 0)",
    "open the victim": "import os; os.close(os.pidfd_open(victim)); result = 1",
    "be signalled for": """
        import fcntl, os; read, _ = os.pipe(); fcntl.fcntl(read, 8, victim); result = 1""",
    "debug the victim": SYSCALL + "result = call('ptrace', 0x4206, victim, 0, 0)",
    "copy the victim's memory": SYSCALL
    + "result = call('process_vm_readv', victim, 0, 0, 0, 0, 0)",
    "limit the victim": """
        import resource; result = resource.prlimit(victim, resource.RLIMIT_CORE)""",
    "move the victim": """
        import os; os.sched_setaffinity(victim, os.sched_getaffinity(victim)); result = 1""",
    "outlive the parent": SYSCALL + "result = call('prctl', 1, 0, 0, 0, 0)",
    "be debugged": SYSCALL + "result = call('prctl', 4, 1, 0, 0, 0)",
    # --- the kernel
    "start a thread in a namespace": SYSCALL + "result = call('unshare', 0x10000000)",
    "ring": SYSCALL + "result = call('io_uring_setup', 0, 0)",
    "make a file of memory": "import os; os.close(os.memfd_create('x')); result = 1",
    "make shared memory": SYSCALL + "result = call('shmget', 1, 4096, 0)",
    "compare": SYSCALL + "result = call('kcmp', victim, os.getpid(), 99, 0, 0)",
    "use keys": SYSCALL + "result = call('keyctl', 0, -3, 0)",
    "change the personality": SYSCALL + "result = call('personality', 0xFFFFFFFF)",
    "be more": SYSCALL + "result = call('setpriority', 0, 0, 19)",
}  # fmt: skip

# What an ordinary user can't do anyway.
BY_ROOT = {
    "write into Python": """
        import json; result = open(json.__file__, 'r+') and 1""",
    "write to the helpers": "result = open(reference, 'r+') and 1",
    "become root": "import os; os.setuid(0); result = os.getuid() == 0",
    "be somebody else": "import os; os.setresuid(1, 1, 1); result = 1",
    "mount": SYSCALL + "result = call('mount', 0, 0, 0, 0, 0)",
    "trace the kernel": SYSCALL + "result = call('perf_event_open', 0, 0, -1, -1, 0)",
    "load a program into the kernel": SYSCALL + "result = call('bpf', 99, 0, 0)",
    "change the root": "import os; os.chroot('.'); result = 1",
    "make a device": """
        import os, stat; os.mknod('null', 0o666 | stat.S_IFCHR, os.makedev(1, 3)); result = 1""",
    "handle page faults": SYSCALL + "result = call('userfaultfd', 0xFFFF)",
    "go faster": "import os; os.nice(-5); result = 1",
    "lift a limit": """
        import resource; resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)); result = 1""",
}  # fmt: skip

NO_NAMESPACES = ("unshare", "clone3")


def every_attack(name: str) -> str:
    return textwrap.dedent({**ATTACKS, **BY_ROOT}[name]).strip()


@pytest.mark.parametrize("name", [*ATTACKS, *BY_ROOT])
def test_confined_code_fails(confined: Confined, name: str) -> None:
    needs("files", "network", "processes", "privileges")
    found = confined(every_attack(name))
    assert isinstance(found, dict), found
    assert "error" in found, found


@pytest.mark.parametrize("name", [*ATTACKS, *BY_ROOT])
def test_confined_code_fails_without_namespaces(confined: Confined, name: str) -> None:
    needs("files", "network", "processes")
    found = confined(every_attack(name), without=NO_NAMESPACES)
    assert isinstance(found, dict), found
    assert "error" in found, found


@pytest.mark.parametrize("name", [*ATTACKS, *BY_ROOT])
def test_the_same_code_succeeds_unconfined(confined: Confined, name: str) -> None:
    if name in BY_ROOT and os.getuid() != 0:
        pytest.skip("an ordinary user can't do this anyway")
    source = every_attack(name)
    found = confined.free(f"import os; os.chdir(scratch)\n{source}")
    if name == "become a program":
        assert found == Exit(1, None, "ended with status 1")
    else:
        assert found.get("result"), found


# --- limits ---------------------------------------------------------------------------------------


def test_too_large_an_array_is_a_memory_error(confined: Confined) -> None:
    found = confined("import numpy as np; np.ones((100_000, 100_000))")
    assert "Unable to allocate 74.5 GiB" in found["error"]


def test_memory_taken_bit_by_bit_ends_at_the_limit(confined: Confined) -> None:
    source = """
kept = []
try:
    while True:
        kept.append(bytearray(10_000_000))
except MemoryError:
    result = len(kept)
"""
    found = confined(source, memory=500_000_000)
    assert 40 <= found["result"] <= 65


def test_a_crash_for_want_of_memory_is_called_that(confined: Confined) -> None:
    source = """
import os, signal
kept = bytearray(450_000_000)
signal.signal(signal.SIGSEGV, signal.SIG_DFL)
os.kill(os.getpid(), signal.SIGSEGV)  # the first process of a namespace can't do this to itself
import ctypes; ctypes.string_at(0)
"""
    assert confined(source, memory=500_000_000) == Exit(None, 11, "out of memory")


@pytest.mark.parametrize("without", [None, NO_NAMESPACES])
def test_computing_time_is_limited(confined: Confined, without: tuple[str, ...] | None) -> None:
    found = confined("while True:\n  try:\n    while True: pass\n  except: pass", cpu=1)
    assert found == Exit(None, 9, "too much CPU time")


@pytest.mark.parametrize("without", [None, NO_NAMESPACES])
def test_threads_are_limited(confined: Confined, without: tuple[str, ...] | None) -> None:
    source = """
import threading, time
threads = [threading.Thread(target=time.sleep, args=(600,), daemon=True) for _ in range(300)]
result = 0
try:
    for thread in threads:
        thread.start()
        result += 1
except RuntimeError:
    pass
"""
    if without and os.getuid() == 0:
        needs("privileges")
        source = f"import os; result = 1; assert os.getuid()\n{source}"
    found = confined(source, without=without, threads=20)
    if without and "error" in found:
        pytest.skip("Python's files can be read by root alone: threads are not limited")
    # Elsewhere only the threads of all users together are known.
    assert 10 <= found["result"] <= (280 if without else 25)
    assert confined.free(source)["result"] == 300


def test_one_file_is_limited(confined: Confined) -> None:
    source = "with open('big', 'wb') as file:\n  while True: file.write(bytes(1_000_000))"
    found = confined(source, file_size=10_000_000)
    assert found["error"].startswith("OSError: [Errno 27] File too large")


def test_all_files_are_limited(confined: Confined) -> None:
    source = "for n in range(10_000): open(f'{n}', 'wb').write(bytes(1_000_000))"
    found = confined(source, disk=20_000_000)
    assert found["error"].startswith("OSError: [Errno 28] No space left"), found
    assert list(confined.scratch.iterdir()) == []


def test_the_number_of_files_is_limited(confined: Confined) -> None:
    found = confined("for n in range(10_000): open(f'{n}', 'wb').close()", files=500)
    assert found["error"].startswith("OSError: [Errno 28] No space left"), found


def test_open_files_are_limited(confined: Confined) -> None:
    found = confined("files = [open('/dev/null') for _ in range(2000)]")
    assert found["error"].startswith("OSError: [Errno 24] Too many open files")
    assert "error" not in confined.free("files = [open('/dev/null') for _ in range(300)]")


# --- what must still work -------------------------------------------------------------------------

ORDINARY_WORK = {
    "linear algebra": """
        import numpy as np
        a = np.random.default_rng(0).normal(size=(300, 300))
        result = bool(np.allclose(np.linalg.inv(a) @ a, np.eye(300)))""",
    "a figure": """
        import io, matplotlib.pyplot as plt
        plt.plot([1, 2], label="ħ"); plt.title("$\\\\alpha^2$"); plt.legend()
        plt.savefig(file := io.BytesIO()); plt.savefig("figure.pdf")
        result = file.getvalue()[1:4] == b"PNG" """,
    "scikit-learn": """
        from sklearn.datasets import load_digits
        from sklearn.ensemble import RandomForestClassifier
        x, y = load_digits(return_X_y=True)
        result = RandomForestClassifier(10, n_jobs=2).fit(x, y).score(x, y) > 0.9""",
    "clustering with OpenMP": """
        from sklearn.cluster import KMeans
        from sklearn.datasets import load_iris
        result = len(KMeans(3, n_init=2).fit(load_iris().data).cluster_centers_) == 3""",
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as pool:
            result = sum(pool.map(abs, range(100))) == 4950""",
    "asyncio": """
        import asyncio
        asyncio.run(asyncio.sleep(0.01)); result = True""",
    "files of one's own": """
        import os, pathlib, shutil, tempfile, numpy as np
        assert os.getcwd() == scratch == os.path.expanduser("~") == tempfile.gettempdir()
        np.savez("a.npz", a=np.arange(3)); shutil.copy("a.npz", "b.npz"); os.chmod("b.npz", 0o600)
        os.makedirs("c/d"); os.rename("b.npz", "c/d/e.npz"); os.utime("c/d/e.npz")
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
            file.write(b"x")
        shutil.rmtree("c"); os.unlink("a.npz")
        pathlib.Path("ü.txt").write_text("ü")
        result = os.listdir() == ["ü.txt"]""",
    "time and chance": """
        import datetime, random, secrets, time, uuid
        start = time.perf_counter(); time.sleep(0.01)
        result = time.perf_counter() > start and bool(uuid.uuid4()) and secrets.randbelow(2) < 2""",
    "tracebacks with source": """
        import traceback, numpy as np
        try:
            np.linalg.inv(np.zeros((2, 3)))
        except np.linalg.LinAlgError:
            result = "_assert_stacked_square(a)" in traceback.format_exc()""",
    "warnings": """
        import warnings, numpy as np
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always"); np.log(np.zeros(1))
        result = "divide by zero" in str(caught[0].message)""",
    "modules that nothing has imported yet": """
        import sqlite3, ctypes, csv, lzma, scipy.special, scipy.optimize, helpers.plots
        result = sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)""",
    "signals to oneself": """
        import os, signal, time
        seen = []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(1)); signal.alarm(1)
        while not seen: time.sleep(0.01)
        signal.signal(signal.SIGINT, lambda *_: seen.append(2)); os.kill(os.getpid(), signal.SIGINT)
        result = seen == [1, 2]""",
    "a plain reason why no program starts": """
        import subprocess
        try:
            subprocess.run(["ls"])
        except OSError as error:
            result = "Operation not permitted" in str(error)""",
}


@pytest.mark.parametrize("name", ORDINARY_WORK)
def test_ordinary_work_is_not_disturbed(confined: Confined, name: str) -> None:
    assert confined(textwrap.dedent(ORDINARY_WORK[name]).strip()) == {"result": True}


@pytest.mark.parametrize("name", ORDINARY_WORK)
def test_ordinary_work_is_not_disturbed_without_namespaces(confined: Confined, name: str) -> None:
    source = textwrap.dedent(ORDINARY_WORK[name]).strip()
    if name == "files of one's own":
        source = source.replace('shutil.copy("a', 'shutil.copyfile("a')
        source = source.replace('os.chmod("b.npz", 0o600)', "").replace('os.utime("c/d/e.npz")', "")
    source = source.replace("n_jobs=2", "n_jobs=1")  # no semaphores: others share /dev/shm
    assert confined(source, without=NO_NAMESPACES) == {"result": True}


def test_the_scratch_folder_holds_what_lies_there(confined: Confined) -> None:
    (confined.scratch / "data").mkdir()
    (confined.scratch / "data" / "x.csv").write_text("1,2")
    source = "path = 'data/x.csv'; result = open(path).read(); open(path, 'a').write(',3')"
    assert confined(source) == {"result": "1,2"}


# --- reports --------------------------------------------------------------------------------------


def test_every_protection_is_reported() -> None:
    found = local_sandbox().protections()
    assert [item.name for item in found] == list(PROTECTIONS)
    assert missing() == [item for item in found if not item.on]
    assert all(item.note for item in found)


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        (("landlock_create_ruleset",), {"files"}),
        (("seccomp",), {"network", "processes", "system calls"}),
        (NO_NAMESPACES, set()),
    ],
)
def test_what_a_machine_lacks_is_reported(
    confined: Confined, without: tuple[str, ...], expected: set[str]
) -> None:
    needs(*PROTECTIONS)
    found = set(confined("result = missing", without=without)["result"])
    unreadable = {"privileges"} if os.getuid() == 0 else set()  # Python in root's own home
    assert expected <= found <= expected | unreadable


def test_namespaces_alone_hide_files_and_network(confined: Confined) -> None:
    needs(*PROTECTIONS)
    without = ("landlock_create_ruleset", "seccomp")
    names = [name for name in ATTACKS if name.startswith(("read an", "read the a", "connect"))]
    for name in names:
        assert "error" in confined(every_attack(name), without=without), name


LESS_THAN_EXPECTED = """
import errno, socket, sys
from pathlib import Path
from seccompy import Action, Filter
from course.judge.sandbox import missing
from course.judge.sandbox.port import Confinement
from course.judge.sandbox.server import WarmServer

assert missing() == []
kernel = Filter(default=Action.ALLOW)
kernel.errno("landlock_create_ruleset", errno.ENOSYS)
kernel.load()
confinement = Confinement.for_student(Path(sys.argv[1])).to_json()
WarmServer().spawn("student", socket.socketpair()[0], {"confinement": confinement})
"""


@pytest.mark.slow
def test_a_process_that_is_confined_less_than_expected_does_not_run(tmp_path: Path) -> None:
    needs(*PROTECTIONS)
    done = subprocess.run(
        [sys.executable, "-c", LESS_THAN_EXPECTED, tmp_path], capture_output=True, text=True
    )
    assert done.stderr.endswith("ServerError: a process could not be confined: files\n")


@pytest.mark.parametrize("without", [None, NO_NAMESPACES])
def test_a_readable_folder_may_have_hidden_parts(
    server: WarmServer, tmp_path: Path, without: tuple[str, ...] | None
) -> None:
    tmp_path.chmod(0o755)
    for name in ("open/a", "open/closed/b", "open/deep/closed", "open/deep/c", "closed"):
        path = tmp_path / "shown" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(name)
    (tmp_path / "shown" / "open" / "link").symlink_to(tmp_path / "shown" / "open" / "closed")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    shown = tmp_path / "shown" / "open"
    names = {"shown": str(shown)}
    usual = Confinement.for_student(scratch)
    hidden = (shown / "closed", shown / "deep" / "closed")
    given = replace(usual, readable=(*usual.readable, shown), hidden=hidden)
    source = """
result = []
for name in ("a", "closed/b", "deep/closed", "deep/c", "link/b", "../closed"):
    try:
        result.append(open(f"{shown}/{name}").read())
    except OSError:
        pass
"""
    found = Confined(server, scratch, names).given(source, given, without)
    assert found == {"result": ["open/a", "open/deep/c"]}


# --- and all of it for an ordinary user -----------------------------------------------------------

BECOME_ORDINARY = """
import os, sys
from pathlib import Path
from course.judge.sandbox import linux_calls

linux_calls.unshare(linux_calls.NEW_MOUNTS)
linux_calls.mount("", "/", flags=linux_calls.RECURSIVE | linux_calls.PRIVATE)
for path in map(Path, sys.argv[1:3]):  # Python may lie in root's own home
    path = path.resolve()
    closed = [folder for folder in path.parents if not folder.stat().st_mode & 1]
    if closed:
        held = os.open(path, os.O_PATH)
        linux_calls.mount("open", closed[-1], "tmpfs", 0, "mode=755")
        path.mkdir(parents=True)
        bind = linux_calls.BIND | linux_calls.RECURSIVE
        linux_calls.mount(f"/proc/self/fd/{held}", path, flags=bind)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[3:]])
"""


@pytest.mark.long
@pytest.mark.skipif(os.getuid() != 0, reason="is an ordinary user already")
def test_all_this_holds_for_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = Path("/tmp", f"judge-home-{os.getpid()}")
    home.mkdir()
    home.chmod(0o777)
    try:
        done = subprocess.run(
            [sys.executable, "-c", BECOME_ORDINARY, sys.base_prefix, ROOT,
             "-q", "-p", "no:cacheprovider", "--basetemp", home / "pytest",
             HERE / "test_server.py", __file__],
            cwd=ROOT, env={**os.environ, "HOME": str(home)}, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        shutil.rmtree(home)
    if done.returncode and "PermissionError" in done.stderr:
        pytest.skip(f"root may not do this here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
