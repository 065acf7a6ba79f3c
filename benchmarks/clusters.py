"""What a cluster costs beside one machine, and that it comes to the same over a network.

Run it with `python -m benchmarks.clusters [--class STUDENTS] [--only machine|network]`.

On this machine a class with answers of chapter 1's bank is graded by one and by two processes of
the command, then by a scheduler with one, two and four workers. All must come to the same. Seconds
of computing are those of all processes that take part, and don't depend on what else the machine
does; what the start takes is told by a class of `FEW`.

Over a network, which needs root on Linux, the command, the scheduler and two workers each have a
network namespace of their own, joined by virtual cables. The class is graded undisturbed, then with
a worker killed in the middle, then with its cable cut.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.courses import ROOT, environment
from benchmarks.disturbed import Cluster, Ground, different, held, prepare, processes, run_as_root
from benchmarks.grading import courses
from course.layout import load_config

FEW = 2  # students
WORKERS = (1, 2, 4)
PORT = 8786
HEAD = "| graded by | seconds | seconds of computing a submission | of that the engine's |"


# --- on one machine -------------------------------------------------------------------------------


def graded(one: Ground) -> tuple[float, float]:
    """Grade undisturbed; return how long it took, and how long it has computed."""
    before = _computed(one.cluster) + sum(os.times()[2:4])
    one.undisturbed()
    return one.seconds, _computed(one.cluster) + sum(os.times()[2:4]) - before


def _computed(cluster: Cluster | None) -> float:
    """Return the seconds that a cluster's processes have computed, with those that have ended."""
    seconds = 0.0
    for root in cluster.processes if cluster else ():
        with suppress(psutil.NoSuchProcess):
            for one in (top := psutil.Process(root.pid), *top.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    seconds += sum(one.cpu_times()[:4])
    return seconds


def rows(home: Path, students: int) -> Iterator[str]:
    """Yield the table's lines.

    Raises:
        SystemExit: if two engines have not come to the same.
    """
    variables = environment(home / "home", ROOT)
    bases = {}
    for count in (FEW, students):
        bases[count] = courses(home / f"of {count}", count)["judge"]
    ways: list[tuple[str, int, int]] = [("1 process", 1, 0), ("2 processes", 2, 0)]
    ways += [(f"a cluster, {n} worker{'s' * (n > 1)}", 0, n) for n in WORKERS]
    wanted: dict[str, Any] = {}
    alone = 0.0
    yield HEAD
    yield "|---|---|---|---|"
    for words, jobs, workers in ways:
        with ExitStack() as stack:
            cluster = None
            if workers:
                cluster = stack.enter_context(Cluster(home / "home", variables, workers))
            options = () if cluster else (f"--jobs={jobs}",)
            took = {}
            for count in (FEW, FEW, students):  # at first everything is cold
                one = Ground(bases[count], home / "live", words, options, None, cluster, variables)
                took[count] = graded(one)
        if wrong := different(wanted or one.wanted, one.wanted):
            sys.exit(f"{words} comes to something else: {wrong[:5]}")
        wanted = wanted or one.wanted
        each = (took[students][1] - took[FEW][1]) / (students - FEW)
        alone = alone or each
        yield f"| {words} | {took[students][0]:.1f} | {each:.2f} | {each - alone:.2f} |"


# --- over a network -------------------------------------------------------------------------------


class Network:
    """A network namespace for each of some names, and a cable from the first to each other."""

    def __init__(self, *names: str) -> None:
        mark = f"{os.getpid():x}"
        self.names = {name: f"{name}-{mark}" for name in names}
        self._cables = {name: f"{number}v{mark}" for number, name in enumerate(names)}

    def __enter__(self) -> "Network":
        with ExitStack() as stack:
            stack.callback(self.__exit__)
            for space in self.names.values():
                run_as_root("ip", "netns", "add", space)
                run_as_root("ip", "-n", space, "link", "set", "lo", "up")
            centre, *others = self.names
            for number, name in enumerate(others, 1):
                here, there = f"{self._cables[name]}a", f"{self._cables[name]}b"
                spaces = self.names[centre], self.names[name]
                run_as_root(
                    "ip", "link", "add", here, "netns", spaces[0], "type", "veth",
                    "peer", "name", there, "netns", spaces[1],
                )  # fmt: skip
                for last, (end, space) in enumerate(zip((here, there), spaces, strict=True), 1):
                    address = f"10.77.{number}.{last}/24"
                    run_as_root("ip", "-n", space, "address", "add", address, "dev", end)
                    run_as_root("ip", "-n", space, "link", "set", end, "up")
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for space in self.names.values():
            subprocess.run(["ip", "netns", "delete", space], capture_output=True)

    def within(self, name: str) -> tuple[str, ...]:
        """Return what a command begins with that is to run there."""
        return ("ip", "netns", "exec", self.names[name])

    def centre(self, name: str) -> str:
        """Return the address of the first, as it is known to another."""
        return f"10.77.{list(self.names).index(name)}.1"

    def cut(self, name: str) -> None:
        """Cut a cable."""
        cable = f"{self._cables[name]}b"
        run_as_root("ip", "-n", self.names[name], "link", "set", cable, "down")


class FarCluster(Cluster):
    """A scheduler and two workers, each in a network namespace of its own."""

    def __init__(self, home: Path, variables: Mapping[str, str], network: Network) -> None:
        super().__init__(home, variables)
        self._network = network

    def mend(self) -> None:
        """Start all of it, if it has not been started."""
        if self.processes:
            return
        where = self._network.within("scheduler")
        self._start("scheduler", f"--port={PORT}", "--no-dashboard", where=where)
        self.address = f"tcp://{self._network.centre('desk')}:{PORT}"
        for name in ("first", "second"):
            address = f"tcp://{self._network.centre(name)}:{PORT}"
            own = f"--local-directory={self._home / name}"
            self._start("worker", address, "--nthreads=1", "--no-dashboard", own,
                        where=self._network.within(name))  # fmt: skip


Disturb = Callable[[Network, Ground, "subprocess.Popen[str]"], None]


def nothing(network: Network, one: Ground, command: "subprocess.Popen[str]") -> None:
    """Disturb nothing."""


def kill_worker(network: Network, one: Ground, command: "subprocess.Popen[str]") -> None:
    """Kill a worker for good."""
    assert one.cluster
    top = psutil.Process(one.cluster.processes[1].pid)
    for process in (*top.children(recursive=True), top):
        process.kill()


def cut_cable(network: Network, one: Ground, command: "subprocess.Popen[str]") -> None:
    """Cut a worker's cable."""
    network.cut("first")


WAYS: dict[str, Disturb] = {
    "undisturbed": nothing, "a worker killed": kill_worker, "a cable cut": cut_cable,
}  # fmt: skip


def over_a_network(
    base: Path, home: Path, way: str, wanted: Mapping[str, Any], moment: float
) -> tuple[float, list[str], str]:
    """Grade a class over a network.

    Args:
        base: a course with what was handed in.
        home: an empty folder.
        way: one of `WAYS`.
        wanted: what it is to come to.
        moment: when it is disturbed, in seconds after the first came back.

    Returns:
        How long it took; what is not as it should be; what the command has said.
    """
    variables = environment(home / "home", ROOT)
    with (
        Network("scheduler", "desk", "first", "second") as network,
        FarCluster(home / "home", variables, network) as cluster,
    ):
        one = Ground(base, home / "live", way, (), None, cluster, variables, network.within("desk"))
        one.renew()
        start = time.monotonic()
        with one.start() as command:
            _wait_for_work(one, command)
            with suppress(subprocess.TimeoutExpired):
                command.wait(moment)
            early = command.poll() is not None
            WAYS[way](network, one, command)
            said = command.communicate(timeout=600)[0]
        wrong = different(wanted, held(one.live))
        wrong += ["it had ended before it was disturbed"] if early and way != "undisturbed" else []
        return time.monotonic() - start, wrong, said


def _wait_for_work(one: Ground, command: "subprocess.Popen[str]") -> None:
    """Wait until a student's process runs somewhere."""
    while command.poll() is None and "a student's process" not in processes(one, command):
        time.sleep(0.05)


def network_rows(home: Path) -> Iterator[str]:
    """Yield what came of a class over a network.

    Raises:
        SystemExit: if it is not what one machine comes to.
    """
    base = home / "base"
    prepare(base)
    here = Ground(
        base, home / "live", "1 process", ("--jobs=1",), variables=environment(home / "home", ROOT)
    )
    here.undisturbed()
    yield f"1 process: {here.seconds:.1f} s, {len(here.wanted)} things compared"
    for way in WAYS:
        shutil.rmtree(home / "live")
        took, wrong, said = over_a_network(base, home, way, here.wanted, 0.5)
        if wrong:
            sys.exit(f"{way}: {wrong[:5]}\n{said}")
        yield f"two workers over a network, {way}: the same after {took:.1f} s"


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="clusters-") as name:
        yield Path(name)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--class", dest="students", type=int, default=24, metavar="STUDENTS")
    parser.add_argument("--only", choices=("machine", "network"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    load_config(ROOT)  # finds alembic for nbgrader
    if options.only != "network":
        with _folder() as home:
            for line in rows(home, options.students):
                print(line, flush=True)
    if options.only != "machine":
        with _folder() as home:
            for line in network_rows(home):
                print(line, flush=True)


if __name__ == "__main__":
    main()
