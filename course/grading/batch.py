"""Do one job for many people in processes of their own: one that fails never stops the others.

Knows nothing of what the job is. What the processes print goes to a log, not to the screen.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Set
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from pathlib import Path
from typing import Any, TextIO, TypeVar

from course.files import printable

Result = TypeVar("Result")
Task = tuple[Any, ...]
AHEAD = 2  # tasks of each process that are at work or wait for it


def run_each(
    work: Callable[..., Result], tasks: Iterable[Task], *, jobs: int, log: Path
) -> Iterator[tuple[Task, Result | None]]:
    """Call `work(*task)` for every task, and yield each with its result as it ends.

    Args:
        work: a module's function; its arguments and result can be pickled, and it raises nothing.
        tasks: the arguments of each call; taken as they are needed.
        jobs: how many processes work at once, at least 1.
        log: a file that takes all that is printed; a new one, as `new_log` makes it.

    Yields:
        The task and its result; None if the process died (killed, or out of memory).
    """
    new_log(log)
    waiting, lost = iter(tasks), list[Task]()
    while (yield from _in_a_pool(work, waiting, lost, jobs, log)):
        for task in lost:  # one process that died took the others' tasks along: now each alone
            alone = list[Task]()
            yield from _in_a_pool(work, iter([task]), alone, 1, log)
            if alone:
                yield task, None
        lost.clear()


def _in_a_pool(
    work: Callable[..., Result], waiting: Iterator[Task], lost: list[Task], jobs: int, log: Path
) -> Generator[tuple[Task, Result], None, bool]:
    """Do tasks in a pool of processes until one of them dies: return whether one has.

    What it took along is added to `lost`. After an interrupt, what is being done comes to its end.
    """
    others = set(multiprocessing.active_children())
    pool = _pool(work, jobs, log)
    futures: dict[Future[Result], Task] = {}
    try:
        while not lost:
            with interrupts_later(), contextlib.suppress(BrokenProcessPool):
                while len(futures) < AHEAD * jobs and (task := next(waiting, None)) is not None:
                    lost.append(task)  # if the pool breaks just now
                    futures[pool.submit(work, *task)] = task
                    lost.pop()
            if not futures:
                break
            yield from _results(futures, wait(futures, return_when=FIRST_COMPLETED).done, lost)
        if lost:
            # Python ends the other processes too, but may wait for one of them forever.
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            yield from _results(futures, wait(futures).done, lost)
        return bool(lost)
    except KeyboardInterrupt:
        _stop(pool, others)
        yield from _results(futures, {one for one in futures if not one.cancelled()}, lost)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _results(
    futures: dict[Future[Result], Task], done: Iterable[Future[Result]], lost: list[Task]
) -> Iterator[tuple[Task, Result]]:
    """Take out what is done; what has died with its process is lost."""
    for future in done:
        task = futures.pop(future)
        try:
            result = future.result()
        except BrokenProcessPool:
            lost.append(task)
            continue
        yield task, result


def _stop(pool: ProcessPoolExecutor, others: Set[multiprocessing.process.BaseProcess]) -> None:
    """End a pool: what is being done comes to its end, unless somebody interrupts that too.

    Args:
        pool: the pool.
        others: processes that are not its own.
    """
    try:
        pool.shutdown(cancel_futures=True)
    except KeyboardInterrupt:
        for process in set(multiprocessing.active_children()) - others:
            process.kill()


def new_log(log: Path) -> None:
    """Begin a log; that of the run before is kept beside it: `grading.log` as `grading.1.log`."""
    if log.is_file():
        log.replace(log.with_suffix(f".1{log.suffix}"))
    log.write_text("", encoding="utf-8")


class LogFormatter(logging.Formatter):
    """Writes plain characters, and each record's first line alone at the left edge."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as it stands in the log."""
        return "\n    ".join(map(printable, super().format(record).splitlines()))


def log_to(stream: TextIO) -> logging.Handler:
    """Return what writes records to a log, each after what it is `about`, if it knows that."""
    handler = logging.StreamHandler(stream)
    form = "%(asctime)s %(levelname)s %(about)s%(message)s"
    handler.setFormatter(LogFormatter(form, defaults={"about": ""}))
    return handler


def _pool(work: Callable[..., Any], jobs: int, log: Path) -> ProcessPoolExecutor:
    """Return a pool whose processes are forked where `work`'s module is imported already."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([work.__module__])
    else:
        context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(log,))


@contextlib.contextmanager
def interrupts_later() -> Iterator[None]:
    """Have Ctrl-C wait until the block has ended.

    Processes that are starting don't know what to do with it until `_begin`.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows, where nothing is graded
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(log: Path) -> None:
    """Begin as one of a pool's processes, which ends with the one that has begun it.

    Ctrl-C at the keyboard is for that one alone: it says what becomes of the work.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _print_to(log)


def _end_with_parent() -> None:
    """Wait until the process that has begun this one has gone, and go too."""
    if parent := multiprocessing.parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


def _print_to(log: Path) -> None:
    """Send all that this process, its children and nbgrader's converters print to the log."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    logger = logging.getLogger("traitlets")
    logger.addHandler(log_to(sys.stderr))
    logger.setLevel(logging.INFO)
