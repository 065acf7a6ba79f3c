"""Whatever comes over the wire, the judge gets a plain value, a remote, or an error of its own.

The judge's end is fed the answers of an honest student process with bits and meanings changed, and
pure nonsense. The other end is in this process, so that every frame can be repeated: a failure
shows the frame and the words that run its block again. FUZZ_SEED tries others.
"""

import builtins
import json
import os
import random
import resource
import signal
import socket
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from course.judge.wire import codec as wire
from course.judge.wire import generators
from course.judge.wire.codec import (
    HEAD,
    MAGIC,
    MAX_ANSWER,
    Decoder,
    Encoder,
    WireError,
    receive,
    within,
)
from course.judge.wire.judge_end import (
    MAX_OUTPUT,
    Namespace,
    Remote,
    Session,
    StudentGoneError,
)
from course.judge.wire.student_end import Student
from tests.course.judge.clocks import HandClock

SEED = os.environ.get("FUZZ_SEED", "1")
BLOCKS = 10
FRAMES = 100_000  # in all: half of them to the decoder alone, half to a session
MEMORY = 256 << 20  # bytes, beyond what is in use at the start of a block
LONGEST = 50_000  # bytes of a frame: they lie in the socket's buffer until they are read
WATCHDOG = 120  # seconds of computing for a block that needs about three
REMOTES = ("object", "callable", "iterator", "array", "mapping", "sequence")

# --- what is allowed to come out ------------------------------------------------------------------

SCALARS = (type(None), bool, int, float, complex, str, bytes, range, type(...), slice)
TYPES = (*SCALARS, list, tuple, dict, set, frozenset, np.ndarray, type({}.keys()))
VIEWS = (type({}.keys()), type({}.values()), type({}.items()))
# A remote of the wrong kind is found out when it is used.
COMPLAINTS = (
    "a length is no number", "it gives no items", "it is no array of numbers",
    "it gives items without end", "its keys are no plain values",
    "a function of a test's can be called only in that test",
)  # fmt: skip


class OursError(Exception):
    """What the judge's own function raises in a call back."""


def inspect(value: object) -> None:
    """Hold a value against what may come out of the wire, whatever went in."""
    count = size = 0
    rest: list[tuple[Any, int]] = [(value, 0)]
    while rest:
        item, depth = rest.pop()
        count += 1
        assert depth <= wire.MAX_DEPTH + 1
        assert count <= 2 * wire.MAX_ITEMS
        kind = type(item)
        if kind is np.ndarray:
            assert item.dtype in wire.DTYPES.values()
            assert item.flags.owndata
            assert item.base is None
            size += item.nbytes
            assert size <= MAX_ANSWER
        elif issubclass(kind, np.generic):
            assert item.dtype in wire.DTYPES.values()
        elif kind in (list, tuple, set, frozenset):
            rest += [(part, depth + 1) for part in item]
        elif kind is dict:
            rest += [(part, depth + 1) for pair in item.items() for part in pair]
        elif kind in VIEWS:
            inspect(dict(item.mapping))
        elif kind is slice:
            rest += [(part, depth + 1) for part in (item.start, item.stop, item.step)]
        elif kind in generators.KINDS:
            assert item.normal() < 1e3
        elif kind is str:
            item.encode()
        elif kind is type:
            assert item in wire.TYPES.values()
        elif isinstance(item, np.dtype):
            assert item in wire.DTYPES.values()
        else:
            assert kind in SCALARS or issubclass(kind, Remote)


def hold(error: Exception) -> None:
    """Hold an exception that a session has raised against the declared ones."""
    if isinstance(error, StudentGoneError | OursError):
        return
    said = getattr(error, "student_place", None)
    if said is not None:  # the student's own: a builtin, with a text
        assert getattr(builtins, type(error).__name__) is type(error)
        said.encode()
        str(error).encode()
    elif not raised_by_a_program(error):
        assert type(error) is KeyError or str(error) in COMPLAINTS, repr(error)


def raised_by_a_program(error: Exception) -> bool:
    """Tell whether a program has itself used a value for what it isn't."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    kinds = (TypeError, AttributeError, KeyError, IndexError, ValueError)
    return type(error) in kinds and frame.f_code in {p.__code__ for p in PROGRAMS}


# --- honest conversations to start from -----------------------------------------------------------

STUDENT = """
import warnings
import numpy as np

class Net:
    def __init__(self):
        self.params = {"W": np.arange(6.0).reshape(2, 3), "b": np.zeros(3, dtype="f4")}
        self.losses = [1.0, 2.5]
        self.name = "näme"
    def loss(self, x):
        return (x @ self.params["W"]).sum()
    def fit(self, params, history, rng):
        params["W"] -= rng.normal()
        params["b"] = [1, {2: (3, None)}]
        history.append(params)
        return params["W"], history
    def __len__(self):
        return 3

net = Net()

def mixed():
    return [None, True, 3, 2.5, "text", b"bytes", (1, 2), {1, 2}, frozenset({3}), {"a": [4]}, 1j,
            np.float32(2), np.int8(1), np.arange(3), np.array([True, False]), slice(1, None), ...,
            np.random.default_rng(1), np.random.RandomState(2),
            range(5), {"k": 1}.keys(), np.dtype("f4"), float, net, len, 10**30, float("nan")]

def apply(f, *args):
    return f(*args)

def talks():
    print("hello")
    warnings.warn("old", DeprecationWarning)
    return np.float64(0.5)

def fails():
    raise KeyError("missing", 3)

def batches():
    yield np.ones(2)
    yield {"x": [np.zeros((0, 4))]}
"""


def ours(*positional: object, **named: object) -> object:
    """Take what a call back brings."""
    inspect(list(positional))
    inspect(named)
    if len(positional) > 1:
        raise OursError
    return positional


def use_net(names: Namespace) -> Iterator[object]:
    net = names["net"]
    yield net.name
    params = net.params
    yield params["W"]
    params["W"][0, 0] = 1.0
    yield len(net)
    yield params["W"] * 2
    yield net.losses
    yield bool(net)


def use_mixed(names: Namespace) -> Iterator[object]:
    yield names["mixed"]()


def use_changes(names: Namespace) -> Iterator[object]:
    history: list[object] = []
    params = {"W": np.ones(3), "b": [0.5], "deep": {"list": [1, [2]]}}
    fit = names["net"].fit
    rng = np.random.default_rng(5)
    yield fit(params, history, rng)
    yield params, history, rng


def use_callbacks(names: Namespace) -> Iterator[object]:
    apply = names["apply"]
    yield apply(ours, np.arange(3.0))
    yield apply(lambda v: apply(ours, v), [1, {"a": 2}])
    yield apply(ours, 1, 2)


def use_talk(names: Namespace) -> Iterator[object]:
    yield names["talks"]()
    yield names["missing"]


def use_errors(names: Namespace) -> Iterator[object]:
    yield names["fails"]()


def use_items(names: Namespace) -> Iterator[object]:
    batches = names["batches"]()
    yield batches
    yield from batches if isinstance(batches, Remote) else ()
    yield list(names["net"].params)
    yield isinstance(names["net"], Remote)


PROGRAMS = (use_net, use_mixed, use_changes, use_callbacks, use_talk, use_errors, use_items)


class Recorder(socket.socket):
    """A socket that keeps what it has received."""

    heard = b""

    def recv(self, *arguments: int) -> bytes:
        data = super().recv(*arguments)
        self.heard += data
        return data


def record(program: Callable[[Namespace], Iterator[object]]) -> list[bytes]:
    """Return the frames that an honest student process answers a program with."""
    here, there = socket.socketpair()
    process = os.fork()
    if not process:
        try:
            here.close()
            names = {"__name__": "__main__", "__builtins__": builtins}
            exec(compile(STUDENT, "<student>", "exec"), names)
            Student(there, names).serve()
        finally:
            os._exit(0)
    there.close()
    with Recorder(fileno=here.detach()) as connection:
        run(program, Session(connection, 600))
        heard = connection.heard
    os.waitpid(process, 0)
    frames = []
    while heard:
        _, header, body = HEAD.unpack_from(heard)
        frames.append(heard[: HEAD.size + header + body])
        heard = heard[len(frames[-1]) :]
    return frames


def run(program: Callable[[Namespace], Iterator[object]], session: Session) -> int:
    """Run a program, hold all that it gets, and return how many values that was."""
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for value in program(Namespace({}, session)):
                inspect(value)
                count += 1
        except Exception as error:
            hold(error)
    assert sum(map(len, session.printed)) <= MAX_OUTPUT
    "".join(session.printed).encode()
    return count


@pytest.fixture(scope="module")
def conversations() -> Sequence[tuple[Callable[[Namespace], Iterator[object]], list[bytes]]]:
    found = [(program, record(program)) for program in PROGRAMS]
    assert sum(len(frames) for _, frames in found) > 30
    return found


# --- lies -----------------------------------------------------------------------------------------

INTEGERS = (
    -1, 0, 1, 2, 3, 7, 24, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63,
    2**64, -(2**63), 10**30, 10**400, -(10**4000),
)  # fmt: skip
FLOATS = (0.0, -0.0, 0.5, 1e308, 5e-324, float("nan"), float("inf"), -float("inf"), 1e999)
TEXTS = (
    "", "a", "ok", "error", "callback", "name", "__proto__", "__class__", "__init__",
    "builtins.eval", "numpy.ndarray", "builtins.dict", "eval", "\ud800", "a\udfffb", "\0",
    "\u202e", "é" * 50, "x" * 5000, "%s{0}", "../../etc/passwd", "object", "|O", "<U4", "<M8[s]",
    "|V8", "f8,(9,9)f8", *REMOTES, *wire.DTYPES, *wire.VIEWS,
    *[name for name in dir(builtins) if isinstance(getattr(builtins, name), type)],
)  # fmt: skip
TAGS = (*Decoder.READERS, "r", "R", "j", "?", "", "aa")


class Liar:
    """Makes frames that look like answers, by chance."""

    def __init__(self, chance: random.Random, honest: list[bytes]) -> None:
        self.chance = chance
        self.headers = [json.loads(frame[HEAD.size : HEAD.size + HEAD.unpack_from(frame)[1]])
                        for frame in honest]  # fmt: skip
        self.parts = [part for header in self.headers for part in parts(header)]

    def scalar(self) -> object:
        kinds = (INTEGERS, INTEGERS, FLOATS, TEXTS, TEXTS, (None, True, False))
        return self.chance.choice(self.chance.choice(kinds))

    def place(self, size: int) -> list[object]:
        """Return a start and a length, most often within a body of `size` bytes."""
        start = self.chance.randint(0, size)
        return [start, self.chance.randint(0, size - start)] if self.chance.random() < 0.9 else [
            self.scalar(), self.scalar()]  # fmt: skip

    def array(self, size: int) -> list[object]:
        """Return an array's form, more often right than wrong."""
        chance = self.chance
        name = chance.choice((*wire.DTYPES, "|O", "<U1", "f8"))
        count = chance.randint(0, 8)
        shape: list[Any] = chance.choice(
            ([count], [1, count], [count, 1, 1], [], [0, count], [count, 2])
        )
        if chance.random() < 0.1:
            shape = [self.scalar() for _ in range(chance.randint(0, 20))]
        width = wire.DTYPES[name].itemsize if name in wire.DTYPES else 8
        length = count * width if chance.random() < 0.8 else chance.randint(0, 64)
        place = [0, length] if chance.random() < 0.8 else self.place(size)
        return [chance.choice("awgc"), name, shape, *place]

    def form(self, depth: int = 0) -> object:
        """Return something like a value's form."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.25 or depth > 5:
            return self.scalar()
        if roll < 0.4:
            return self.array(64)
        if roll < 0.5:
            return chance.choice(self.parts)
        if roll < 0.6:
            return [chance.choice("=@"), chance.choice((0, 1, 2, 3, -1, True, 10**6, "0"))]
        if roll < 0.7:
            return ["r", chance.choice(INTEGERS), chance.choice((*REMOTES, "x")), self.scalar()]
        if roll < 0.8:
            count = chance.randint(0, 3)
            pairs = [[self.form(depth + 3), self.form(depth + 1)] for _ in range(count)]
            return chance.choice((["d", *pairs], ["v", chance.choice(TEXTS), ["d", *pairs]]))
        return [chance.choice(TAGS), *[self.form(depth + 1) for _ in range(chance.randint(0, 4))]]

    def bomb(self) -> object:
        """Return a form that stands for much more than it says."""
        chance = self.chance
        width = chance.choice((2, 30, 300))
        match chance.randint(0, 4):
            case 0:
                form: object = ["l"]
                for _ in range(chance.choice((23, 24, 25, 200))):
                    form = [chance.choice("lt"), form]
                return form
            case 1:
                return ["l", ["l", *[0] * width], *[["l", *[["=", n]] * width] for n in range(40)]]
            case 2:
                return ["l", *[["n", 0, 10 ** chance.randint(1, 19), 1]] * width]
            case 3:
                return ["d", *[[["t", n * (2**61 - 1)], n] for n in range(width)]]
        return ["l", *[["a", "|u1", [64], 0, 64]] * width, ["l", *[["@", 0]] * width]]

    def message(self, number: int) -> object:
        """Return something like an answer to a request."""
        chance = self.chance
        names = [chance.choice(TEXTS) for _ in range(chance.randint(0, 4))]
        arguments = [self.form(4) for _ in range(chance.randint(0, 4))]
        said = ["t", ["t", *names], ["t", *arguments], chance.choice(TEXTS), chance.choice(TEXTS)]
        notes = ["t", chance.choice(TEXTS), ["l", ["t", ["t", chance.choice(TEXTS)], "old"]]]
        changes = [[chance.choice((0, 1, 2, 3, 4, 9, -1)), self.value()] for _ in range(3)]
        return [
            chance.choice((number, number, number, number, self.scalar())),
            *chance.choice((
                ["ok", self.value(), [], chance.choice((None, notes, self.form()))],
                ["ok", self.form(), chance.choice((changes, self.form())), None],
                ["error", chance.choice((said, self.value())), self.scalar(), None],
                ["callback", chance.choice((0, 1, 2)), ["t", self.value()], ["d"]],
                ["callback", self.scalar(), self.form(), self.form()],
                [self.form() for _ in range(chance.randint(0, 6))],
            )),
        ]  # fmt: skip

    def value(self) -> object:
        return self.bomb() if self.chance.random() < 0.1 else self.form()

    def changed(self, header: object) -> object:
        """Return a message with one part of it replaced, left out, doubled or swapped."""
        chance = self.chance
        copy = json.loads(json.dumps(header))
        lists = [part for part in parts(copy) if isinstance(part, list) and part]
        if not lists:
            return self.value()
        target = chance.choice(lists)
        index = chance.randrange(len(target))
        match chance.randint(0, 5):
            case 0:
                del target[index]
            case 1:
                target.insert(index, target[index])
            case 2:
                other = chance.randrange(len(target))
                target[index], target[other] = target[other], target[index]
            case 3:
                target[index] = self.scalar()
            case 4:
                target[index] = self.value()
            case 5:
                target[index] = chance.choice(self.parts)
        return copy

    def frame(self, honest: bytes) -> bytes:
        """Return an answer in place of an honest one."""
        chance = self.chance
        _, length, _ = HEAD.unpack_from(honest)
        header = json.loads(honest[HEAD.size : HEAD.size + length])
        body = honest[HEAD.size + length :]
        roll = chance.random()
        if roll < 0.5:
            for _ in range(chance.choice((1, 1, 1, 2, 4))):
                header = self.changed(header)
        elif roll < 0.8:
            header = self.message(header[0] if isinstance(header, list) and header else 1)
            body = chance.randbytes(64)
        if roll < 0.8:
            text = json.dumps(header).encode()
            if len(text) < LONGEST:
                honest = HEAD.pack(MAGIC, len(text), len(body)) + text + body
        if roll > 0.7:
            honest = self.broken(honest)
        return honest

    def broken(self, frame: bytes) -> bytes:
        """Return a frame with its bytes changed."""
        chance = self.chance
        data = bytearray(frame)
        match chance.randint(0, 7):
            case 0 | 1:
                for _ in range(chance.choice((1, 1, 3, 20))):
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            case 2:
                del data[chance.randrange(len(data)) :]
            case 3:
                data += chance.randbytes(chance.choice((1, 16, 100)))
            case 4:
                lengths = (0, 1, len(data), wire.MAX_HEADER, wire.MAX_HEADER + 1, 2**32 - 1)
                bodies = (0, 1, len(data), MAX_ANSWER, MAX_ANSWER + 1, 2**64 - 1)
                data[: HEAD.size] = HEAD.pack(MAGIC, chance.choice(lengths), chance.choice(bodies))
            case 5:
                start = chance.randrange(len(data))
                data[start : start + 8] = chance.randbytes(8)
            case 6:
                text = chance.choice((b"[", b'["l",', b'{"a":', b"1", b'"\\ud800')) * 5000
                data = bytearray(HEAD.pack(MAGIC, len(text), 0) + text)
            case 7:
                data = bytearray(chance.randbytes(chance.randint(0, 200)))
        return bytes(data)


def parts(header: object) -> list[object]:
    """Return a message with all that is in it."""
    found = [header]
    for part in found:
        if isinstance(part, list):
            found += part
    return found


class LyingSocket(socket.socket):
    """The judge's end of a connection: each frame that the judge sends is answered at once.

    Who waits for more than that sees its clock run down.

    Attributes:
        clock: for the session.
        lies: the frames that have been answered with and were no honest ones.
    """

    def __init__(self, liar: Liar, honest: list[bytes], start: int) -> None:
        here, self._there = socket.socketpair()
        super().__init__(fileno=here.detach())
        self._liar, self._honest, self._start = liar, honest, start
        self._turn = 0
        self.clock = HandClock()
        self.lies: list[bytes] = []

    def send(self, data: Any, flags: int = 0, /) -> int:
        count = super().send(data, flags)
        self._there.recv(1 << 20)
        if self._turn < self._start:
            answer = self._honest[self._turn]
        elif self._turn < self._start + 20:
            answer = self._liar.frame(self._honest[self._turn % len(self._honest)])
            self.lies.append(answer)
        else:
            answer = b""
        self._turn += 1
        if answer:
            self._there.setblocking(False)
            self._there.sendall(answer)
        if not complete(answer) and self._liar.chance.random() < 0.98:
            self._there.close()  # or says nothing more, and keeps the judge waiting
        return count

    def recv(self, most: int, flags: int = 0, /) -> bytes:
        self.setblocking(False)
        try:
            return super().recv(most, flags)
        except BlockingIOError:
            self.clock.wall += 1000
            raise TimeoutError from None

    def close(self) -> None:
        self._there.close()
        super().close()


def complete(frame: bytes) -> bool:
    if len(frame) < HEAD.size:
        return False
    _, header, body = HEAD.unpack_from(frame)
    return len(frame) >= HEAD.size + header + body


# --- the tests ------------------------------------------------------------------------------------


@contextmanager
def guarded(block: int) -> Iterator[list[bytes]]:
    """Bound memory and time, and show the last frames of a block that fails."""
    frames: list[bytes] = []

    def late(*_: object) -> None:
        raise TimeoutError(f"a block computed for more than {WATCHDOG} seconds")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, WATCHDOG)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    try:
        yield frames
    except BaseException:
        print(f"FUZZ_SEED={SEED}, block {block}: the last frame was {frames[-1:]}")
        raise
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def refuse(*_: object) -> NoReturn:
    raise WireError("a value is malformed")


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_decoder_gives_plain_values_or_refuses(block: int, conversations: list) -> None:
    chance = random.Random(f"decoder {SEED} {block}")
    honest = [frame for _, frames in conversations for frame in frames]
    liar = Liar(chance, honest)
    fine = 0
    here, there = socket.socketpair()
    with guarded(block) as frames:
        while len(frames) < FRAMES // BLOCKS // 2:
            frames.append(liar.frame(chance.choice(honest)))
            there.sendall(frames[-1])
            question = Encoder(refuse)
            question.encode([np.zeros(3), {"a": [1, 2]}, []])
            try:
                if not complete(frames[-1]):
                    there.close()
                message, body = receive(here, within(600), MAX_ANSWER)
                for form in message if isinstance(message, list) else [message]:
                    with_question = Decoder(body, refuse, question, MAX_ANSWER)
                    fine += decodes(with_question, form)
            except WireError:
                here.close()
                there.close()
                here, there = socket.socketpair()
    assert fine > FRAMES // BLOCKS // 10
    here.close()
    there.close()


def decodes(decoder: Decoder, form: object) -> bool:
    try:
        inspect(decoder.decode(form))
    except WireError:
        return False
    return True


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_session_gives_values_remotes_and_its_own_errors(block: int, conversations: list) -> None:
    chance = random.Random(f"session {SEED} {block}")
    liars = {program: Liar(chance, honest) for program, honest in conversations}
    fine = survived = 0
    with guarded(block) as frames:
        while len(frames) < FRAMES // BLOCKS // 2:
            program, honest = chance.choice(conversations)
            start = chance.randrange(len(honest))
            with LyingSocket(liars[program], honest, start) as connection:
                connection.lies = frames
                session = Session(connection, 10, connection.clock)
                fine += run(program, session)
                survived += not session.gone
                session.new_question()
                assert session._functions == {}
    # Many lies are as good as truth: what is behind the first checks has been reached too.
    assert fine > FRAMES // BLOCKS // 10
    assert survived > FRAMES // BLOCKS // 100
