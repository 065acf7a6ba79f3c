"""What a sandbox must offer, whatever the machine: the port that the rest of the judge relies on.

`PROTECTIONS` says what student code is kept from, `Confinement` what one student process may use
all the same, and `Sandbox` how a machine brings that about and says what it can't. Knows no
operating system: those that implement it do (`linux`, and `none` where there is nothing).
"""

import os
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

# What a student's code is kept from. A sandbox answers for each of these, in this order.
PROTECTIONS = {
    "files": "reads Python and the assignment, writes to its scratch folder alone",
    "network": "connects to nothing and is connected to by nothing",
    "processes": "starts, signals and watches no other",
    "system calls": "asks the system for nothing but what NumPy needs",
    "privileges": "is not root",
    "memory": "has bounded memory, computing time and threads",
    "disk": "can't fill it",
}

BESIDE = Path(__file__).resolve().parents[3]  # where `course` and its own `helpers` are


@dataclass(frozen=True)
class Protection:
    """One of PROTECTIONS: whether it is on, and by what means or why not."""

    name: str
    on: bool
    note: str


@dataclass(frozen=True)
class Confinement:
    """What a student process may use.

    Attributes:
        scratch: its own folder; it finds there what lies there now and may write there alone.
        readable: files and folders that it may read besides, and besides the system's libraries.
        hidden: files and folders among these that it may not.
        memory: bytes of address space beyond what the process has at the start.
        cpu: seconds of computing.
        file_size: bytes of one file.
        disk: bytes of all files.
        files: how many files.
        descriptors: how many open files.
        threads: how many threads.
    """

    scratch: Path
    readable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    memory: int = 2 << 30
    cpu: int = 600
    file_size: int = 64 << 20
    disk: int = 256 << 20
    files: int = 10_000
    descriptors: int = 256
    threads: int = 64

    @classmethod
    def for_student(
        cls, scratch: Path, blocked: Sequence[str] = (), **limits: int
    ) -> "Confinement":
        """Return the confinement of a student's code.

        Args:
            scratch: its folder.
            blocked: modules of `helpers` that it may not read, such as "helpers.answers.gradients".
            limits: other limits than usual, by attribute.
        """
        helpers = BESIDE / "helpers"  # a class may have others in its folder
        hidden = [_package("course")]
        for module in blocked:
            *folders, stem = module.split(".")[1:]
            folder = helpers.joinpath(*folders)
            hidden += [folder / stem, folder / f"{stem}.py"]
            hidden += folder.glob(f"__pycache__/{stem}.*")
        return cls(scratch.resolve(), (*_python(), helpers), tuple(hidden), **limits)

    def without_data(self) -> "Confinement":
        """Return the same, closed to the data sets that come with the course and its packages."""
        data = BESIDE / "helpers" / "data", _package("sklearn") / "datasets" / "data"
        return replace(self, hidden=(*self.hidden, *data))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            key: [*map(str, value)] if isinstance(value, tuple) else value
            for key, value in (asdict(self) | {"scratch": str(self.scratch)}).items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Confinement":
        """Undo `to_json`."""
        paths = {key: tuple(map(Path, values[key])) for key in ("readable", "hidden")}
        return cls(**(values | paths | {"scratch": Path(values["scratch"])}))


class Sandbox(Protocol):
    """A machine's means to confine student code.

    A protection that can't be had is reported and never passed over; it is for the caller to decide
    whether to go on without.
    """

    def protections(self) -> Sequence[Protection]:
        """Return every one of PROTECTIONS and whether it works on this machine.

        To be found by trying, not by asking the system for its name; once a process.
        """
        ...

    def prepare(self) -> None:
        """Make the warm server ready, before it forks.

        That is what every process would have to do again and is slow. From now on what ended
        processes leave behind falls to the server, if the system can have it so.
        """
        ...

    def end_with_parent(self) -> None:
        """Have this process end when the one that forked it ends, if the system can do that."""
        ...

    def confine(self, confinement: Confinement) -> Sequence[Protection]:
        """Confine this process for good, before any student code runs in it.

        It has one thread, and nothing open that it shouldn't have. Makes the scratch folder the
        current one, the home, and the place of all temporary files, whatever else can be had.

        Returns:
            Every one of PROTECTIONS, on or missing.

        Raises:
            OSError: if the scratch folder can't be used.
        """
        ...

    def limit_memory(self, more: int) -> None:
        """Let this process have so many bytes more than it has, and then raise MemoryError.

        For the judge's own process, which is not confined but handles what students' code returns.
        """
        ...

    def limit_computing(self, seconds: int) -> None:
        """Have this process end when it has computed for so long, for the same reason."""
        ...

    def computing_clock(self, pid: int) -> int:
        """Return the clock that tells how long a process, once confined, has computed.

        Args:
            pid: the number of the process that called `confine`, as others see it.

        Returns:
            A clock for `time.clock_gettime`, which raises OSError when the process has ended; the
            one of wall time where the system counts no other process's computing.
        """
        ...


def move_in(scratch: Path) -> None:
    """Make the scratch folder the current one, the home, and the place of all temporary files."""
    os.chdir(scratch)
    for name in ("HOME", "TMPDIR", "PWD"):
        os.environ[name] = str(scratch)
    for name in ("MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        os.environ[name] = str(scratch / ".config")
    tempfile.tempdir = None


def outermost(paths: Iterable[Path]) -> list[Path]:
    """Return the paths that exist and lie in none of the others."""
    every = {path for path in paths if path.exists()}
    return sorted(path for path in every if not every & set(path.parents))


def _python() -> list[Path]:
    """Return where Python and its packages lie."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = {Path(sys.base_prefix, "lib"), *(Path(sysconfig.get_path(name)) for name in names)}
    if site.ENABLE_USER_SITE:
        paths.add(Path(site.getusersitepackages()))
    return outermost(paths)


def _package(name: str) -> Path:
    """Return a package's folder without importing it."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).resolve()
