"""Whether a class comes to the same grades when its grading is disturbed, and started again.

Run it with `python -m benchmarks.disturbed [--times N] [--seed S]`; `--help` tells more. A small
class that was graded before hands the beginning of chapter 1 in again: some work is unchanged, some
new, some broken, some has been marked by hand. `course grade` is run undisturbed. Then, again and
again from the same state, it is disturbed once, at a random moment, and run again: what then is in
the course's folder and in its gradebook must be what the undisturbed run has left.

Kills are `kill -9` of one process: the command, one of its workers, a warm server, a judge, a
student's process; with a cluster its scheduler or a worker. A cut ends all connections to the
database, or the server. A full disk is a small one that something else fills up. A power cut is a
file system that forgets what was not synced. These two need root, on Linux. A busy machine has
others' work to do as well, from the first moment of the first run to its end.
"""

import argparse
import fcntl
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import nbformat
import psutil
from nbgrader.api import Gradebook

from benchmarks import postgresql
from benchmarks.courses import COURSE, ROOT, configure, copy, environment
from benchmarks.grading import ASSIGNMENT, NOTEBOOK, submission
from course.authoring.release import make_release
from course.directory import open_course
from course.grading.grade import grade_class
from course.grading.notes import read_notes
from course.layout import load_config
from course.notebooks.assignment import SOURCE
from course.notebooks.cells import grade_id, is_manual, is_test, read
from course.notebooks.source import source_notebook
from course.verdict import METADATA

EXERCISES = 2  # that are left of the chapter
PATIENCE = 300.0  # seconds until a command counts as hanging
LIVE, KEPT = "live", "base"  # databases
TRACKER = "a tracker"  # of multiprocessing's; it decides nothing
OURS = "course.judge.sandbox.server"
LATE = "too late"  # a disturbance after the end, which is none
LOAD = 4  # processes of others for each core of a busy machine
SIZE = "300m"  # of a small disk
PASSED_OVER = {"__pycache__"}
JUDGED_IN = re.compile(rb"judge-\w{8}")  # a folder, by a random name, in warnings that code shows
PICTURE = re.compile(r"!\[[^]]*\]\([^)]*\)")
SHUT_DOWN, NO_FLUSH = 0x8004587D, 2  # of Linux: FS_IOC_SHUTDOWN, and without the journal


# --- the class ------------------------------------------------------------------------------------


def prepare(root: Path, db_url: str = "") -> None:
    """Make a course with a class that was graded, marked in part by hand, and has handed in again.

    Args:
        root: a new folder.
        db_url: where its gradebook is to be; in its folder, if not given.
    """
    configure(root, "judge")
    if db_url:
        with (root / "nbgrader_config.py").open("a") as file:
            file.write(f"\nc.CourseDirectory.db_url = {db_url!r}\n")
    copy(ROOT / SOURCE / ASSIGNMENT, root / SOURCE / ASSIGNMENT)
    path = root / SOURCE / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
    _shorten(path)
    make_release(root, [ASSIGNMENT])
    source = source_notebook(ROOT / SOURCE / ASSIGNMENT / path.name)  # with its bank
    released = read(root / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")

    def put(student: str, number: int, *, name: str = f"{NOTEBOOK}.ipynb", cut: int = 0) -> Path:
        folder = root / "submitted" / student / ASSIGNMENT
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        nb = submission(released, source, number)
        for cell in nb.cells:
            if is_manual(cell):
                cell.source = f"So say I, {student}."
        text = nbformat.writes(nb)
        (folder / name).write_text(text[: cut or len(text)], encoding="utf-8")
        return folder

    course = open_course(root)
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-03-01 12:00:00")
    for number, student in enumerate(("as_it_was", "again", "broken_now")):
        put(student, number)
    grade_class(root, jobs=2)
    key = next(grade_id(cell) for cell in source.notebook.cells if is_manual(cell))
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        for student in ("as_it_was", "again", "broken_now"):
            grade = gradebook.find_grade(key, NOTEBOOK, ASSIGNMENT, student)
            grade.manual_score, grade.needs_manual_grade = 1, False
            found = gradebook.find_comment(key, NOTEBOOK, ASSIGNMENT, student)
            found.manual_comment = "Half of it."
        gradebook.db.commit()
    put("again", 11)
    put("broken_now", 12, cut=40)
    put("cut", 13, cut=9_000)
    (put("late", 14) / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC\n")
    put("misnamed", 15, name=f"{NOTEBOOK} (1).ipynb")
    (put("none", 16) / f"{NOTEBOOK}.ipynb").unlink()
    put("new", 17)


def _shorten(path: Path) -> None:
    """Leave of a chapter its first exercises in code and its first question in words.

    So more of the time is spent where a disturbance could do harm, and less on student's code.
    """
    nb = read(path)
    tests = [place for place, cell in enumerate(nb.cells) if is_test(cell)]
    first = next(cell for cell in nb.cells if is_manual(cell))
    nb.cells = [*nb.cells[: tests[EXERCISES - 1] + 1], first]
    nb.cells[0].source = PICTURE.sub("", nb.cells[0].source)  # of a figure that comes later
    text = nbformat.writes(nb)
    path.write_text(text, encoding="utf-8")
    for other in path.parent.glob("figures/*"):
        if other.stem not in text:
            other.unlink()
    shutil.rmtree(path.parent / "bank")  # it speaks of exercises that are gone


# --- what it has come to --------------------------------------------------------------------------


def held(root: Path) -> dict[str, Any]:
    """Return all that a course's folder and gradebook hold but for ids, seconds and the log."""
    course = open_course(root)
    found: dict[str, Any] = {}
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        for student in gradebook.students:
            found[f"student {student.id}"] = _row(student)
        for assignment in gradebook.assignments:
            for work in assignment.submissions:
                where = f"{work.student_id} {assignment.name}"
                found[f"submission {where}"] = _row(work)
                for notebook in work.notebooks:
                    found[f"notebook {where} {notebook.name}"] = _row(notebook)
                    for one in (*notebook.grades, *notebook.comments):
                        kind = type(one).__name__
                        found[f"{kind} {where} {notebook.name} {one.name}"] = _row(one)
    for key, note in read_notes(course).items():
        found[f"note {' '.join(key)}"] = (note.status, note.notes, note.digest)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if not PASSED_OVER & {*name.parts} and not (
            path.suffix in (".db", ".log") or "notes" in name.name
        ):
            found[f"file {name}"] = _content(path)
    return found


def _row(one: Any) -> dict[str, Any]:
    columns = one.__table__.columns
    return {
        key: getattr(one, key)
        for key in columns.keys()  # noqa: SIM118 (it is no dictionary)
        if key != "id" and not key.endswith("_id")
    }


def _content(path: Path) -> Any:
    if path.is_dir():
        return "a folder"
    data = JUDGED_IN.sub(b"", path.read_bytes())
    if path.suffix in (".ipynb", ".json"):
        with suppress(ValueError):
            value = json.loads(data)
            about = value.get("metadata", {}).get(METADATA, {}) if "cells" in value else value
            about.pop("seconds", None)
            return value
    return data


def different(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return what is not as it should be, a line each."""
    lines = [f"{key} is missing" for key in wanted if key not in found]
    lines += [f"{key} is too much" for key in found if key not in wanted]
    for key in wanted.keys() & found.keys():
        if wanted[key] != found[key]:
            lines.append(f"{key}: {_short(found[key])} instead of {_short(wanted[key])}")
    return sorted(lines)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:90]} ... {text[-90:]}"


# --- where it is graded ---------------------------------------------------------------------------


@dataclass
class Ground:
    """A class that can be put back as it was, and graded.

    Attributes:
        base: a course's folder with what was handed in; stays as it is.
        live: where a copy of it is graded.
        words: what is said of it.
        options: of `course grade`.
        server: what has the gradebook, if that is not in the folder.
        cluster: what grades, if that is not the command itself.
        variables: of the commands' environment.
        wanted: what an undisturbed run has left.
        seconds: how long that took.
    """

    base: Path
    live: Path
    words: str
    options: tuple[str, ...] = ()
    server: postgresql.Server | None = None
    cluster: "Cluster | None" = None
    variables: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def renew(self) -> None:
        """Put the class back as it was."""
        self.live.mkdir(parents=True, exist_ok=True)
        for path in self.live.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.base, self.live, dirs_exist_ok=True)
        if self.server:
            self.server.copy(KEPT, LIVE)

    def start(self) -> subprocess.Popen[str]:
        """Start to grade."""
        at = [f"--cluster={self.cluster.address}"] if self.cluster else []
        return subprocess.Popen(
            [*COURSE, "grade", *self.options, *at],
            cwd=self.live,
            env={**os.environ, **self.variables, "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def undisturbed(self) -> None:
        """Grade, and keep what that comes to and how long it takes.

        Raises:
            RuntimeError: if it comes to nothing.
        """
        self.renew()
        start = time.monotonic()
        with self.start() as command:
            said = command.communicate()[0]
        self.seconds = time.monotonic() - start
        self.wanted = held(self.live)
        if command.returncode:
            raise RuntimeError(f"undisturbed, it failed: {said}")

    def disturbed(self, moment: float, disturb: "Disturb") -> tuple[str, list[str], str]:
        """Grade, disturb that once, grade again, and compare.

        Args:
            moment: when, in seconds.
            disturb: what happens then.

        Returns:
            What it was, in a word; what is not as it should be; what the first command has said.
        """
        self.renew()
        start = time.monotonic()
        with self.start() as command:
            with suppress(subprocess.TimeoutExpired):
                command.wait(moment)
            took = time.monotonic() - start
            with disturb(self, command) as word:
                hangs, first = _ended(command)
        if word == LATE:
            self.seconds = took  # the machine has become faster
        if self.cluster:
            self.cluster.mend()
        faults = ["the first command did not end"] if hangs else []
        with self.start() as command:
            hangs, second = _ended(command)
        faults += ["the second command did not end"] if hangs else []
        for which, said in (("first", first), ("second", second)):
            faults += [f"the {which} command has a traceback"] if "Traceback" in said else []
        wrong = different(self.wanted, held(self.live))
        return word, faults + wrong, first + (f"--- again:\n{second}" if faults + wrong else "")


Disturb = Callable[[Ground, "subprocess.Popen[str]"], Any]  # a context, with a word for it


def _ended(command: "subprocess.Popen[str]") -> tuple[bool, str]:
    try:
        return False, command.communicate(timeout=PATIENCE)[0]
    except subprocess.TimeoutExpired:
        os.killpg(command.pid, signal.SIGKILL)
        return True, command.communicate()[0]


class Cluster:
    """A scheduler and its workers, on this machine.

    Args:
        home: a folder for what they write.
        variables: of their environment.
        workers: how many.
        host: the scheduler's address.
        where: what the commands begin with that run the scheduler and each worker somewhere else.
    """

    def __init__(
        self,
        home: Path,
        variables: Mapping[str, str],
        workers: int = 2,
        host: str = "127.0.0.1",
        where: Sequence[Sequence[str]] = (),
    ) -> None:
        self._home, self._variables, self._workers, self._host = home, variables, workers, host
        self._where = where or [()] * (1 + workers)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def __enter__(self) -> "Cluster":
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            for one in below(process.pid):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()
        self.processes.clear()

    def mend(self) -> None:
        """Start what is not there; all of it anew if the scheduler or a nanny has gone."""
        if self.processes and all(one.poll() is None for one in self.processes):
            return
        self.__exit__()
        found = self._home / "scheduler.json"
        found.unlink(missing_ok=True)
        file = f"--scheduler-file={found}"
        options = (file, "--port=0", f"--host={self._host}", "--no-dashboard")
        self._start("scheduler", *options, where=self._where[0])
        while not (found.exists() and found.read_text().endswith("}")):
            time.sleep(0.1)
        self.address = json.loads(found.read_text())["address"]
        for number in range(self._workers):
            own = f"--local-directory={self._home / str(number)}"
            options = (file, "--nthreads=1", "--no-dashboard", own)
            self._start("worker", *options, where=self._where[1 + number])

    def _start(self, *what: str, where: Sequence[str] = ()) -> None:
        with (self._home / "cluster.log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [*where, sys.executable, "-m", "dask", *what],
                    cwd=self._home,
                    env={**os.environ, **self._variables},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )


# --- what disturbs it -----------------------------------------------------------------------------


def below(pid: int) -> list[psutil.Process]:
    """Return all that a process has begun, and itself; nothing if it has gone."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    return []


def processes(ground: Ground, command: "subprocess.Popen[str]") -> dict[str, list[psutil.Process]]:
    """Return the processes that take part in grading, by what they are."""
    found: dict[str, list[psutil.Process]] = {}
    roots = [("the command", command.pid)]
    if ground.cluster:
        names = ("the scheduler", *["a nanny"] * (len(ground.cluster.processes) - 1))
        roots += zip(names, [one.pid for one in ground.cluster.processes], strict=True)
    for name, root in roots:
        for one in below(root):
            with suppress(psutil.NoSuchProcess):
                found.setdefault(name if one.pid == root else kind_of(one), []).append(one)
    return found


def kind_of(process: psutil.Process) -> str:
    """Return what one of the processes of grading is, in words."""
    words, above = " ".join(process.cmdline()), process.parent()
    over = " ".join(above.cmdline()) if above else ""
    if OURS in words and OURS not in over:
        return "a warm server"
    if OURS in words:
        confined = "Seccomp:\t2" in Path(f"/proc/{process.pid}/status").read_text()
        return "a student's process" if confined else "a judge"
    if "resource_tracker" in words:
        return TRACKER
    if "forkserver" in words and "forkserver" not in over:
        return "the fork server"
    return "a worker" if "multiprocessing" in words or "dask" in over else "another"


def kill(chance: random.Random) -> Disturb:
    """Kill one process: first what it is, is drawn, then which."""

    @contextmanager
    def disturb(ground: Ground, command: "subprocess.Popen[str]") -> Iterator[str]:
        there = processes(ground, command)
        there.pop(TRACKER, None)  # of its end Python itself tells, with a traceback
        kind = chance.choice(sorted(there)) if there else "nothing"
        if there and command.poll() is None:
            with suppress(psutil.NoSuchProcess):
                chance.choice(sorted(there[kind], key=lambda one: one.pid)).kill()
            yield f"kill of {kind}"
        else:
            yield LATE

    return disturb


def cut(chance: random.Random) -> Disturb:
    """End the connections to the database, or its server."""

    @contextmanager
    def disturb(ground: Ground, command: "subprocess.Popen[str]") -> Iterator[str]:
        assert ground.server
        if whole := chance.random() < 0.5:
            ground.server.restart()
        else:
            ground.server.cut(LIVE)
        yield "restart of the database" if whole else "cut of the connections"

    return disturb


def fill(ground: Ground, command: "subprocess.Popen[str]") -> Any:
    """Fill the disk, and keep it full until the command has ended."""
    return _filled(ground.live.parent / "filler")


@contextmanager
def _filled(filler: Path) -> Iterator[str]:
    done = Event()

    def keep_full() -> None:
        with filler.open("wb", buffering=0) as file:
            while not done.wait(0.02):
                for size in (1 << 20, 1 << 12, 1):
                    with suppress(OSError):
                        while True:
                            file.write(bytes(size))

    thread = Thread(target=keep_full)
    thread.start()
    try:
        yield "a full disk"
    finally:
        done.set()
        thread.join()
        filler.unlink()


@contextmanager
def crowd(ground: Ground, command: "subprocess.Popen[str]") -> Iterator[str]:
    """Have every core do as much for others as for four more processes, until the command ends."""
    busy = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(busy) for _ in range(LOAD * (os.cpu_count() or 1))]
    try:
        yield "a busy machine"
    finally:
        for one in others:
            one.kill()
            one.wait()


def unplug(disk: "Disk") -> Disturb:
    """Have a disk forget what was not synced, and kill all who used it."""

    @contextmanager
    def disturb(ground: Ground, command: "subprocess.Popen[str]") -> Iterator[str]:
        everyone = below(command.pid)
        disk.shut_down()
        for one in everyone:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(everyone)
        disk.mount_again()
        yield "a power cut"

    return disturb


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """Mount a small file system in memory."""
    place.mkdir()
    run_as_root("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place))
    try:
        yield place
    finally:
        run_as_root("umount", "-l", str(place))


class Disk:
    """A file system in a file, which can be cut off as by a power cut.

    Args:
        image: the new file.
        place: where it is mounted.
    """

    def __init__(self, image: Path, place: Path) -> None:
        self._image, self.place = image, place

    def __enter__(self) -> "Disk":
        with self._image.open("wb") as file:
            file.truncate(1 << 30)
        run_as_root("mkfs.ext4", "-q", str(self._image))
        self.place.mkdir()
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        run_as_root("umount", "-l", str(self.place))

    def _mount(self) -> None:
        run_as_root("mount", "-o", "loop", str(self._image), str(self.place))

    def shut_down(self) -> None:
        """Lose what has not been synced, and take no more."""
        folder = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUT_DOWN, NO_FLUSH.to_bytes(4, sys.byteorder))
        finally:
            os.close(folder)

    def mount_again(self) -> None:
        """Come back with what was synced."""
        run_as_root("umount", str(self.place))
        self._mount()


def run_as_root(*command: str) -> None:
    """Run a command.

    Raises:
        RuntimeError: if it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


# --- all of it ------------------------------------------------------------------------------------

ENGINES = ("1 process", "2 processes", "cluster")
DATABASES = ("SQLite", "PostgreSQL")
WHAT = ("kills", "cuts", "full", "power", "busy")


@contextmanager
def ground(
    home: Path, engine: str, database: str, what: str, base: Path | None = None
) -> Iterator[tuple[Ground, Disturb | None]]:
    """Yield a place to grade, and what disturbs it if that has no chance in it.

    Args:
        home: an empty folder.
        engine: one of `ENGINES`.
        database: one of `DATABASES`.
        what: one of `WHAT`.
        base: a course with what was handed in; the one that `prepare` makes, if not given. Its
            gradebook is in its folder.
    """
    with ExitStack() as stack:
        home.mkdir(exist_ok=True)
        variables = environment(home / "home", ROOT)
        server = stack.enter_context(postgresql.server()) if database == "PostgreSQL" else None
        if base is None:
            base = home / "base"
            if server:
                server.command(f"CREATE DATABASE {LIVE}")
            prepare(base, server.url(LIVE) if server else "")
            if server:
                server.copy(LIVE, KEPT)
        place, disturb = home / "place", cast(Disturb | None, None)
        if what == "full":
            stack.enter_context(small_disk(place))
            variables["TMPDIR"] = str(place / "tmp")
            (place / "tmp").mkdir()
            disturb = fill
        elif what == "power":
            disk = stack.enter_context(Disk(home / "image", place))
            disturb = unplug(disk)
        else:
            place.mkdir()
            disturb = crowd if what == "busy" else None
        cluster = None
        if engine == "cluster":
            cluster = stack.enter_context(Cluster(home / "home", variables))
        options = () if cluster else (f"--jobs={engine[0]}",)
        words = f"{engine}, {database}, {what}"
        yield Ground(base, place / "live", words, options, server, cluster, variables), disturb


def trials(
    one: Ground, times: int, chance: random.Random, disturb: Disturb
) -> Iterator[tuple[float, str, list[str], str]]:
    """Disturb as often, and yield what came of each: when, what, the faults, what was said.

    What comes too late is yielded too, and not counted.
    """
    one.undisturbed()
    done = 0
    while done < times:
        moment = 0 if disturb is crowd else chance.uniform(0, one.seconds)
        word, faults, said = one.disturbed(moment, disturb)
        done += word != LATE
        yield moment, word, faults, said


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="in each of the ways")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--what", choices=WHAT, action="append")
    options = parser.parse_args()
    load_config(ROOT)  # finds alembic for nbgrader
    bad = 0
    for what in options.what or WHAT:
        for engine in options.engine or ENGINES:
            for database in options.database or DATABASES:
                if what == "cuts" and database == "SQLite":
                    continue
                if what in ("full", "power", "busy") and database != "SQLite":
                    continue
                with tempfile.TemporaryDirectory(prefix="disturbed-") as name:
                    bad += report(Path(name), engine, database, what, options)
    sys.exit(bool(bad))


def report(home: Path, engine: str, database: str, what: str, options: argparse.Namespace) -> int:
    """Print what was found in one way, and return how often it was not as it should be."""
    chance = random.Random(f"{options.seed} {engine} {database} {what}")
    counts: Counter[str] = Counter()
    bad = 0
    with ground(home, engine, database, what) as (one, disturb):
        if disturb is None:
            disturb = kill(chance) if what == "kills" else cut(chance)
        print(f"{one.words}:", flush=True)
        for moment, word, faults, said in trials(one, options.times, chance, disturb):
            counts[word] += 1
            bad += bool(faults)
            if what == "full" and not faults:
                print(f"    {said.strip().splitlines()[-1] if said.strip() else ''}")
            if faults:
                print(f"  {word} after {moment:.2f} of {one.seconds:.2f} s:")
                print("".join(f"    {line}\n" for line in faults), said, flush=True)
    told = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    print(f"  {sum(counts.values()) - bad} of {sum(counts.values())} equal ({told})", flush=True)
    return bad


if __name__ == "__main__":
    main()
