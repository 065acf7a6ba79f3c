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
from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeVar

from course.files import printable

Result = TypeVar("Result")
Task = tuple[Any, ...]


def run_each(
    work: Callable[..., Result], tasks: Iterable[Task], *, jobs: int, log: Path
) -> Iterator[tuple[Task, Result | None]]:
    """Call `work(*task)` for every task, and yield each with its result as it ends.

    Args:
        work: a module's function; its arguments and result can be pickled, and it raises nothing.
        tasks: the arguments of each call.
        jobs: how many processes work at once, at least 1.
        log: a file that takes all that is printed; emptied first.

    Yields:
        The task and its result; None if the process died (killed, or out of memory).
    """
    log.write_text("", encoding="utf-8")
    others = set(multiprocessing.active_children())
    pending = list(tasks)
    pool = _pool(work, jobs, log)
    try:
        futures: dict[Future[Result], Task] = {}
        with (
            contextlib.suppress(BrokenProcessPool),  # one may die before all are handed in
            _interrupts_later(),
        ):
            for task in pending:
                futures[pool.submit(work, *task)] = task
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                # Python ends the other processes too, but may wait for one of them for ever.
                for process in set(multiprocessing.active_children()) - others:
                    process.kill()
                continue
            pending.remove(futures[future])
            yield futures[future], result
    except KeyboardInterrupt:
        _stop(pool, others)
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    for task in pending:  # one process that died took the others' tasks along: now each alone
        with _pool(work, 1, log) as alone:
            try:
                with _interrupts_later():
                    future = alone.submit(work, *task)
                yield task, future.result()
            except BrokenProcessPool:
                yield task, None


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


class LogFormatter(logging.Formatter):
    """Writes plain characters, and each record's first line alone at the left edge."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as it stands in the log."""
        return "\n    ".join(map(printable, super().format(record).splitlines()))


def _pool(work: Callable[..., Any], jobs: int, log: Path) -> ProcessPoolExecutor:
    """Return a pool whose processes are forked where `work`'s module is imported already."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([work.__module__])
    else:
        context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(log,))


@contextlib.contextmanager
def _interrupts_later() -> Iterator[None]:
    """Have Ctrl-C wait while processes start: until `_begin` they don't know what to do with it."""
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
        wait([parent.sentinel])
        os._exit(1)


def _print_to(log: Path) -> None:
    """Send all that this process, its children and nbgrader's converters print to the log."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("traitlets")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
