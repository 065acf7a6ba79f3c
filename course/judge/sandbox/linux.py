"""Confinement of the student process, before any student code runs and for good.

Several independent layers, each of which stands without the others: Landlock and a mount namespace
(files), seccomp (system calls, and with them network, processes and other programs), a PID
namespace, an unprivileged user, resource limits. No root, no Docker and no helper program is
needed. Where a machine lacks a layer, the protection that is lost with it is reported, never
passed over. Knows nothing of notebooks and verdicts.

Sources: landlock(7), seccomp(2), namespaces(7), user_namespaces(7), pid_namespaces(7).
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import landlockpy
import seccompy
from landlockpy import AccessFS, Scope

from course.judge.sandbox import linux_calls
from course.judge.sandbox.port import PROTECTIONS, Confinement, Protection, move_in, outermost
from course.judge.sandbox.seccomp_filter import allowed_calls

assert sys.platform == "linux"  # type checkers on other systems read no further

# For each of PROTECTIONS the layer that it takes, and those that add to it.
LAYERS = {
    "files": ("Landlock", "namespaces"),
    "network": ("seccomp", "namespaces"),
    "processes": ("seccomp", "namespaces"),
    "system calls": ("seccomp",),
    "privileges": ("unprivileged user", "namespaces"),
    "memory": ("limits",),
    "disk": ("limits", "namespaces"),
}
SYSTEM_FILES = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/fonts",
    "/usr/local/share/fonts", "/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache",
    "/etc/alternatives",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
SHARED_MEMORY = Path("/dev/shm")  # for semaphores, in a file system of one's own
PROCESS_FILES = ("maps", "stat", "statm", "status")  # what threadpoolctl and psutil read of oneself
FIRST_USER = 1_900_000_000  # numbers that no system gives to anyone
PROBE = """
import dataclasses, json, os, pathlib, sys
from course.judge.sandbox.linux import LinuxSandbox
from course.judge.sandbox.port import Confinement
found = LinuxSandbox().confine(Confinement.for_student(pathlib.Path(sys.argv[1])))
print(json.dumps([dataclasses.asdict(protection) for protection in found]), flush=True)
os._exit(0)
"""


class LinuxSandbox:
    """Confines by Linux's own means; implements `course.judge.sandbox.port.Sandbox`."""

    def protections(self) -> list[Protection]:
        """Return every protection and whether it works here, found by confining a process."""
        return _probed()

    def prepare(self) -> None:
        """Make the filter of system calls, and take in the processes that others leave."""
        linux_calls.prctl(linux_calls.SET_SUBREAPER, 1)
        with contextlib.suppress(OSError):  # `confine` says what is missing
            _ = allowed(1, True).program
            seccompy.supported()
            landlockpy.supported()

    def end_with_parent(self) -> None:
        """Have this process killed when its parent ends."""
        linux_calls.prctl(linux_calls.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)

    def confine(self, confinement: Confinement) -> list[Protection]:
        """Confine this process.

        Where namespaces work, the confined process is a child of the one that called: that one only
        waits, and ends the way its child does.
        """
        move_in(confinement.scratch)
        system = map(Path, SYSTEM_FILES)
        readable = tuple(outermost((*confinement.readable, *system)))
        return _apply(replace(confinement, readable=readable))

    def limit_memory(self, more: int) -> None:
        """Bound the address space of this process."""
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + more,) * 2)

    def limit_computing(self, seconds: int) -> None:
        """Bound the computing time of this process."""
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))  # ends by SIGXCPU

    def computing_clock(self, pid: int) -> int:
        """Return the clock of the process, or of the child in which it goes on."""
        with contextlib.suppress(OSError, ValueError):
            (pid,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        try:
            return linux_calls.computing_clock(pid)
        except OSError:  # it has ended, and all its limits with it
            return time.CLOCK_MONOTONIC


@cache
def _probed() -> list[Protection]:
    """Return what a process reports that confines itself."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-P", "-c", PROBE, folder],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True,
            )  # fmt: skip
        return [Protection(**found) for found in json.loads(done.stdout)]
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        detail = getattr(error, "stderr", None) or str(error).encode()
        reason = detail.decode(errors="replace").strip().rpartition("\n")[2]
        return [Protection(name, False, f"can't be tried: {reason}") for name in PROTECTIONS]


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _apply(confinement: Confinement) -> list[Protection]:
    """Put on one layer after the other, and report what they come to."""
    memory = _address_space()
    threads = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go if memory runs out
    user = FIRST_USER + os.getpid() if _is_root() else None
    lacking: dict[str, str] = {}
    with _layer("namespaces", lacking):
        _unshare(user)
        _continue_in_child()
        _move_out(confinement, user)
    apart = "namespaces" not in lacking
    with _layer("unprivileged user", lacking):
        _change_user(user, confinement, apart)
    linux_calls.drop_capabilities()
    linux_calls.prctl(linux_calls.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    linux_calls.prctl(linux_calls.SET_DUMPABLE, 0)
    # Where threads are counted by user, all that there are already must fit in.
    _limit(confinement, memory, 0 if apart else threads)
    with _layer("Landlock", lacking):
        _guard_files(confinement, apart)
    with _layer("seccomp", lacking):
        allowed(os.getpid(), apart).load()
    return _report(lacking)


@contextlib.contextmanager
def _layer(name: str, lacking: dict[str, str]) -> Iterator[None]:
    """Note why a layer can't be had, and go on without it."""
    try:
        yield
    except OSError as error:
        lacking[name] = f"no {name}: {error.strerror or error}"


def _report(lacking: dict[str, str]) -> list[Protection]:
    """Say which protections the layers give that are not lacking."""
    return [
        Protection(
            name,
            LAYERS[name][0] not in lacking,
            lacking.get(LAYERS[name][0], ", ".join(x for x in LAYERS[name] if x not in lacking)),
        )
        for name in PROTECTIONS
    ]


# --- namespaces -----------------------------------------------------------------------------------


def _is_root() -> bool:
    """Whether this is the machine's root, not one of a container's own."""
    return os.geteuid() == 0 and Path("/proc/self/uid_map").read_text().split() == [
        "0", "0", str(2**32 - 1)
    ]  # fmt: skip


def _unshare(user: int | None) -> None:
    """Enter new namespaces: of processes, with the next child."""
    namespaces = linux_calls.NEW_MOUNTS | linux_calls.NEW_NETWORK
    if user is None:
        uid, gid = os.getuid(), os.getgid()
        linux_calls.unshare(linux_calls.NEW_USER | namespaces)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    else:
        linux_calls.unshare(namespaces)
    linux_calls.unshare(
        linux_calls.NEW_PIDS
    )  # last: without a child to enter it, no thread could start


def _continue_in_child() -> None:
    """Return in a child, the first process of the new namespace; wait for it and end as it does."""
    child = os.fork()
    if child == 0:
        return
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # SIGKILL can't and needn't be reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _move_out(confinement: Confinement, user: int | None) -> None:
    """Change to a file system that has nothing but what the confinement names.

    Args:
        confinement: what is to be seen.
        user: whom the scratch folder will belong to; None for the present user.
    """
    linux_calls.mount("", "/", flags=linux_calls.RECURSIVE | linux_calls.PRIVATE)
    root = confinement.scratch
    below = os.open(root, os.O_PATH | os.O_DIRECTORY)
    linux_calls.mount("root", root, "tmpfs", linux_calls.NO_SETUID, "size=1m,mode=755")
    try:
        _furnish(root, confinement, below, os.getuid() if user is None else user)
    except OSError:
        linux_calls.unmount(root)
        raise
    finally:
        os.close(below)
    os.chroot(root)
    os.chdir(confinement.scratch)


def _furnish(root: Path, confinement: Confinement, scratch: int, user: int) -> None:
    """Fill a new root with what may be read and, at its usual place, the scratch folder."""
    for path in (*confinement.readable, *map(Path, DEVICES)):
        for place in {path, path.resolve()} if path.exists() else ():
            target = _inside(root, place)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                target.touch()
            linux_calls.mount(path, target, flags=linux_calls.BIND | linux_calls.RECURSIVE)
    own, shared, processes = (
        _inside(root, place) for place in (confinement.scratch, SHARED_MEMORY, Path("/proc"))
    )
    for target in (own, shared, processes):
        target.mkdir(parents=True)
    linux_calls.make_read_only(root)
    flags = linux_calls.NO_SETUID | linux_calls.NO_DEVICES
    linux_calls.mount("proc", processes, "proc", flags, "subset=pid")
    owner = f"mode=700,uid={user},gid={os.getgid() if user == os.getuid() else user}"
    linux_calls.mount("shm", shared, "tmpfs", flags, f"size=1m,nr_inodes=100,{owner}")
    size = f"size={confinement.disk},nr_inodes={confinement.files}"
    linux_calls.mount("scratch", own, "tmpfs", flags, f"{size},{owner}")
    shutil.copytree(f"/proc/self/fd/{scratch}", own, symlinks=True, dirs_exist_ok=True)
    status = own.stat()
    for path in own.rglob("*"):
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


# --- users, limits, files -------------------------------------------------------------------------


def _change_user(user: int | None, confinement: Confinement, apart: bool) -> None:
    """Let root become a user that owns nothing; leave an ordinary user as it is."""
    if user is None:
        return
    if not all(map(_open_to_all, (*confinement.readable, confinement.scratch.parent))):
        raise PermissionError(0, "Python's files can be read by root alone")
    if not apart:
        for path in (confinement.scratch, *confinement.scratch.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _open_to_all(path: Path) -> bool:
    """Whether everybody can read a file or enter a folder."""
    real = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in real.parents) and bool(
        real.stat().st_mode & (stat.S_IXOTH if real.is_dir() else stat.S_IROTH)
    )


def _limit(confinement: Confinement, address_space: int, threads: int) -> None:
    """Set the limits, above the memory and the threads that are there already."""
    limits = {
        resource.RLIMIT_AS: address_space + confinement.memory,
        resource.RLIMIT_CPU: confinement.cpu,
        resource.RLIMIT_FSIZE: confinement.file_size,
        resource.RLIMIT_NOFILE: confinement.descriptors,
        resource.RLIMIT_NPROC: threads + confinement.threads,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _guard_files(confinement: Confinement, apart: bool) -> None:
    """Let Landlock refuse all files but those that the confinement names."""
    abi = landlockpy.abi_version()
    if abi < 3:
        raise OSError(0, f"version {abi} of the kernel's; 3 is needed (Linux 6.2)")
    kept = AccessFS.EXECUTE | AccessFS.MAKE_CHAR | AccessFS.MAKE_BLOCK | AccessFS.MAKE_SOCK
    with landlockpy.Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL) as rules:
        for folder in (confinement.scratch, *([SHARED_MEMORY] if apart else [])):
            rules.allow_path(folder, rules.handled_fs & ~(kept | AccessFS.IOCTL_DEV))
        for name in PROCESS_FILES:
            rules.allow_path(f"/proc/self/{name}", AccessFS.READ_FILE)
        for device in DEVICES:
            rules.allow_path(device, AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        for path in confinement.readable:
            if path.exists():
                for place, rights in _readable(path.resolve(), confinement.hidden):
                    rules.allow_path(place, rights)
        rules.restrict()


def _readable(path: Path, hidden: Sequence[Path]) -> Iterator[tuple[Path, AccessFS]]:
    """Yield the rights to a file or a folder without the hidden ones below it.

    Landlock only grants, so a folder that holds a hidden one is granted item by item. Its links are
    left out: they may lead anywhere.
    """
    if path in hidden:
        return
    if not path.is_dir():
        yield path, AccessFS.READ_FILE
    elif any(path in place.parents for place in hidden):
        yield path, AccessFS.READ_DIR
        for child in path.iterdir():
            if not child.is_symlink():
                yield from _readable(child, hidden)
    else:
        yield path, AccessFS.READ_FILE | AccessFS.READ_DIR


@cache
def allowed(own_pid: int, own_files: bool) -> "seccompy.Filter":
    """Return `allowed_calls`, made once."""
    return allowed_calls(own_pid, own_files)
