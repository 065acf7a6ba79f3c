"""Hand submissions to the workers of a Dask cluster, and enter what comes back.

Each worker has a station (`course.grading.station`); one on whose machine nothing can be graded
gets no work. Dask gives the tasks of a worker that has died to others. What has killed several
is tried once more, alone; if that ends so too, that submission alone is given up.

Dask pickles the names of functions, and bytes and text of ours: nothing that a student's code made.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from distributed import Client, Future, KilledWorker, WorkerPlugin, get_worker, wait

from course.grading.station import Parcel, RemoteStation, Reply, Work
from course.grading.writer import BATCH
from course.layout import CourseError

AHEAD = 2  # submissions for each worker that are on their way or there
SECONDS = 1.0  # that one waits for others to be entered with it
START = 30.0  # seconds until the scheduler must have answered
TRIES = 3  # times that a submission is sent anew whose workers have all gone
PATIENCE = 60.0  # seconds without any worker that grades


class Post(WorkerPlugin):  # type: ignore[misc]
    """Sets up a worker's station, when work begins and whenever a worker joins or starts again.

    Args:
        name: under which it is known, and which the worker offers as a resource if it can grade.
        kit: what the station needs.
        code: the digest of the course's code.
    """

    def __init__(self, name: str, kit: bytes, code: str) -> None:
        self.name, self._kit, self._code = name, kit, code
        self.station: RemoteStation | None = None

    async def setup(self, worker: Any) -> None:
        """Set the station up, and offer it if it can grade."""
        self.station = RemoteStation(self._kit, self._code)
        if not self.station.refusal:
            await worker.set_resources(**{self.name: 1})

    async def teardown(self, worker: Any) -> None:
        """Take it down again."""
        await worker.set_resources(**{self.name: 0})
        if self.station:
            self.station.close()


def _grade(
    name: str, parcel: tuple[str, bytes | str, bytes | str], work: Work
) -> tuple[str, bytes | str, bytes | str]:
    """Grade a parcel in this worker."""
    reply = _station(get_worker(), name).grade(Parcel(*parcel), work)
    return reply.letter, reply.autograded, reply.verdicts


def _refusal(name: str, dask_worker: Any) -> str:
    return _station(dask_worker, name).refusal


def _station(worker: Any, name: str) -> RemoteStation:
    post = worker.plugins[name]
    assert isinstance(post, Post)
    assert post.station
    return post.station


@dataclass
class Cluster:
    """The workers that a scheduler has.

    Args:
        address: the scheduler's, as Dask names it.
        kit: what stations need.
        code: the digest of the course's code.
        work: what grades a submission, by the name of a module's function.

    Attributes:
        workers: how many can grade.
        refused: why others can't, by their addresses.
    """

    address: str
    kit: bytes
    code: str
    work: Work
    workers: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> "Cluster":
        """Set up the stations.

        Raises:
            CourseError: if nobody answers there, or no worker can grade.
        """
        self._name = f"grading-{sha256(self.kit).hexdigest()[:8]}-{time.monotonic_ns():x}"
        # Of a scheduler that has gone one line tells, not Dask's tracebacks.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            self._client = Client(self.address, timeout=START)
        except (OSError, ValueError, TypeError) as error:
            raise CourseError(f"no cluster answers at {self.address}: {error}") from None
        try:
            self._client.register_plugin(Post(self._name, self.kit, self.code))
            said = self._said()
            self.refused = {worker: why for worker, why in said.items() if why}
            self.workers = len(said) - len(self.refused)
            if not self.workers:
                reasons = "; ".join(sorted(set(self.refused.values()))) or "it has none"
                raise CourseError(f"no worker of {self.address} can grade: {reasons}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _said(self) -> dict[str, str]:
        """Return why each worker can't grade; waits a while if there is none, or none answers."""
        deadline = time.monotonic() + START
        while True:
            answers = self._client.run(_refusal, self._name, on_error="return")
            said = {
                worker: why if isinstance(why, str) else SILENT for worker, why in answers.items()
            }
            if set(said.values()) - {SILENT} or time.monotonic() > deadline:
                return said
            time.sleep(SECONDS)  # workers may be about to start

    def __exit__(self, *_: object) -> None:
        """Take the stations down."""
        with contextlib.suppress(Exception):  # whoever has gone has taken them along
            self._client.unregister_worker_plugin(self._name)
        self._client.close()

    def grade(
        self, parcels: Iterable[tuple[Any, Parcel]]
    ) -> Iterator[list[tuple[Any, Reply | str]]]:
        """Grade parcels, and yield batches of them as they come back.

        Args:
            parcels: each with something by which to know it; they are taken as they are needed.

        Yields:
            Each with its reply, or with the words that say why there is none.

        Raises:
            CourseError: if the scheduler, or every worker that can grade, has gone.
        """
        suspects: list[tuple[Any, Parcel]] = []
        yield from self._run(parcels, AHEAD * self.workers, suspects.append)
        dead: list[tuple[Any, Parcel]] = []
        yield from self._run(suspects, 1, dead.append)
        if dead:
            yield [(key, KILLED) for key, _ in dead]

    def _run(
        self,
        parcels: Iterable[tuple[Any, Parcel]],
        at_once: int,
        on_killed: Callable[[tuple[Any, Parcel]], None],
    ) -> Iterator[list[tuple[Any, Reply | str]]]:
        waiting, flying = iter(parcels), dict[Future, tuple[Any, Parcel]]()
        back: list[tuple[Any, Reply | str]] = []
        lost: Counter[int] = Counter()
        entered = heard = time.monotonic()
        try:
            while True:
                while len(flying) < at_once and (found := next(waiting, None)):
                    flying[self._send(found[1])] = found
                if not flying:
                    break
                began, done = time.monotonic(), self._landed(list(flying))
                if done or self._able():
                    heard = time.monotonic()
                elif time.monotonic() - heard > PATIENCE:
                    raise CourseError(f"no worker of {self.address} can grade any more{KEPT}")
                for future in [] if done or heard < began else self._stranded(flying):
                    key, parcel = flying.pop(future)
                    future.cancel()
                    lost[id(parcel)] += 1
                    if lost[id(parcel)] < TRIES:
                        flying[self._send(parcel)] = key, parcel
                    else:
                        on_killed((key, parcel))
                for future in done:
                    key, parcel = flying.pop(future)
                    lost.pop(id(parcel), None)
                    answer = _answer(future, self.address)
                    if answer == KILLED:
                        on_killed((key, parcel))
                    else:
                        back.append((key, answer))
                if back and (len(back) >= BATCH or time.monotonic() - entered >= SECONDS):
                    yield back
                    back, entered = [], time.monotonic()
            if back:
                yield back
                back = []
        finally:
            self._client.cancel(list(flying))

    def _send(self, parcel: Parcel) -> Future:
        packed = (parcel.letter, parcel.submitted, parcel.autograded)
        resources = {self._name: 1}
        return self._client.submit(
            _grade, self._name, packed, self.work, resources=resources, pure=False
        )

    def _landed(self, flying: Sequence[Future]) -> set[Future]:
        try:
            found: set[Future] = wait(flying, timeout=SECONDS, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            return set()
        except CancelledError:
            return {future for future in flying if future.done()}
        return found

    def _stranded(self, flying: Iterable[Future]) -> list[Future]:
        """Return what waits for a worker that may never be given it.

        Its own worker has died, and new ones were not ready yet: Dask doesn't look again when one
        offers what the task needs. What the scheduler has merely not taken in yet isn't stranded.
        """
        waiting = {one.key: one for one in flying if one.status == "pending"}
        states = self._client.sync(self._client.scheduler.get_task_status, keys=list(waiting))
        return [one for key, one in waiting.items() if states[key] == "no-worker"]

    def _able(self) -> bool:
        """Tell whether any worker can grade.

        Raises:
            CourseError: if nobody can say.
        """
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        except Exception:
            raise CourseError(f"the cluster at {self.address} has gone{KEPT}") from None
        return any(worker["resources"].get(self._name) for worker in workers)


SILENT = "it does not answer"
KILLED = "the process that graded it was killed, or ran out of memory, again and again"
KEPT = ": what was graded stays, `course grade` goes on with the rest"


def _answer(future: Future, address: str) -> Reply | str:
    """Return what has become of a parcel."""
    if future.status == "finished":
        return Reply(*future.result())
    if future.status != "error":
        raise CourseError(f"the cluster at {address} has gone{KEPT}")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return KILLED
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
