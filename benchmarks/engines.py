"""How fast a class is graded by processes of one machine and by the workers of a cluster.

Run it with `python -m benchmarks.engines [--class STUDENTS] [--times N] [--networks]`. The same
class is graded in each way, in turns, by the command that a person would type; what is in the
course's folder and in its gradebook afterwards must be equal. All is on this machine, so what a
cluster takes longer is what the engine costs.

With `--networks` scheduler and workers have a network each, as if on three machines: addresses and
routes of their own, nothing shared but a bridge (network namespaces of Linux, which needs root). In
the middle the link of one worker is cut and it is killed; the class must come to the same.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.courses import ROOT, environment
from benchmarks.disturbed import Cluster, Ground, below, different, held, run_as_root
from benchmarks.grading import courses
from course.layout import load_config
from course.secret import course_secret

WAYS = ("1 process", "2 processes", "1 worker", "2 workers", "4 workers")
BRIDGE, NETWORK = "course-bridge", "10.213.77"
PLACES = ("scheduler", "worker-1", "worker-2")


@contextmanager
def ground(base: Path, home: Path, way: str) -> Iterator[Ground]:
    """Yield a class that is graded in one of WAYS."""
    number, kind = way.split()
    home.mkdir(parents=True)
    variables = environment(base.parent / "tmp", ROOT)  # the same: warnings name its path
    place = home / "live"
    if kind.startswith("process"):
        yield Ground(base, place, way, (f"--jobs={number}",), variables=variables)
        return
    with Cluster(home, variables, int(number)) as cluster:
        yield Ground(base, place, way, cluster=cluster, variables=variables)


def rows(base: Path, home: Path, count: int, times: int) -> Iterator[str]:
    """Yield the table's lines.

    Raises:
        SystemExit: if two ways come to different things.
    """
    took: dict[str, list[float]] = defaultdict(list)
    wanted: Mapping[str, Any] = {}
    for turn in range(times):
        for way in WAYS:
            with ground(base, home / f"{turn} {way}", way) as one:
                one.undisturbed()
            took[way].append(one.seconds / count)
            wanted = wanted or one.wanted
            if lines := different(wanted, one.wanted):
                sys.exit("\n".join([f"{way} comes to something else:", *lines[:20]]))
    yield "| graded by | a submission | quickest to slowest |"
    yield "|---|---|---|"
    for way, found in took.items():
        yield f"| {way} | {statistics.median(found):.2f} s | {min(found):.2f} to {max(found):.2f} |"
    yield ""
    yield f"{count} hand-ins; rounds: {times}; {len(wanted)} rows, files and notes equal."


@contextmanager
def networks() -> Iterator[None]:
    """Make a network for each of PLACES, joined by a bridge on which this machine has an address.

    Raises:
        RuntimeError: if the system forbids it.
    """
    try:
        run_as_root("ip", "link", "add", BRIDGE, "type", "bridge")
        run_as_root("ip", "addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        run_as_root("ip", "link", "set", BRIDGE, "up")
        for number, place in enumerate(PLACES):
            run_as_root("ip", "netns", "add", place)
            end = ("peer", "name", "eth0", "netns", place)
            run_as_root("ip", "link", "add", _link(number), "type", "veth", *end)
            run_as_root("ip", "link", "set", _link(number), "master", BRIDGE, "up")
            run_as_root("ip", "-n", place, "addr", "add", f"{_address(number)}/24", "dev", "eth0")
            for name in ("lo", "eth0"):
                run_as_root("ip", "-n", place, "link", "set", name, "up")
        yield
    finally:
        for place in PLACES:
            subprocess.run(["ip", "netns", "del", place], capture_output=True)
        subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True)


def _link(number: int) -> str:
    return f"course-{number}"


def _address(number: int) -> str:
    return f"{NETWORK}.{number + 2}"


def apart(base: Path, home: Path) -> Iterator[str]:
    """Yield what comes of a class whose scheduler and workers have networks of their own.

    Raises:
        SystemExit: if it comes to something else than on one machine.
    """
    with ground(base, home / "one machine", WAYS[0]) as one:
        one.undisturbed()
    variables = environment(base.parent / "tmp", ROOT)
    where = [("ip", "netns", "exec", place) for place in PLACES]
    with (
        networks(),
        Cluster(home, variables, len(PLACES) - 1, _address(0), where) as cluster,
    ):
        yield f"the scheduler is at {cluster.address}"
        far = Ground(base, home / "live", "apart", cluster=cluster, variables=variables)
        far.undisturbed()
        yield _compared("nothing killed", one.wanted, far.wanted)
        far.renew()
        with far.start() as command:
            with suppress(subprocess.TimeoutExpired):
                command.wait(far.seconds / 2)
            middle = command.poll() is None
            graded = len([*(far.live / "verdicts").iterdir()])
            run_as_root("ip", "link", "set", _link(1), "down")
            for process in below(cluster.processes[1].pid):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            start = time.monotonic()
            said = command.communicate()[0]
        if command.returncode or not middle:
            sys.exit(f"it ended with {command.returncode}, killed before its end: {middle}\n{said}")
        yield _compared(
            f"one worker cut off and killed when {graded} were graded, the rest took "
            f"{time.monotonic() - start:.0f} s",
            one.wanted,
            held(far.live),
        )


def _compared(words: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    if lines := different(wanted, found):
        sys.exit("\n".join([f"{words}: it comes to something else", *lines[:20]]))
    return f"{words}: {len(wanted)} rows, files and notes equal"


def main() -> None:
    """Print the table, or what comes of separate networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--class", dest="students", type=int, default=40, metavar="STUDENTS")
    parser.add_argument("--times", type=int, default=3, metavar="N")
    parser.add_argument("--networks", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    load_config(ROOT)  # finds alembic for nbgrader
    with tempfile.TemporaryDirectory(prefix="engines-") as name:
        base = courses(Path(name) / "base", options.students)["judge"]
        course_secret(base)  # made now, it is the same in each way
        found = (
            apart(base, Path(name))
            if options.networks
            else rows(base, Path(name), options.students, options.times)
        )
        for line in found:
            print(line, flush=True)


if __name__ == "__main__":
    main()
