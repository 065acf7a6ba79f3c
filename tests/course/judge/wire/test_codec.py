"""What goes in comes out, bit for bit, and nothing that breaks the rules gets in."""

import itertools
import json
import math
import os
import socket
import threading
from collections import Counter, OrderedDict, namedtuple
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from course.judge.wire import codec as wire
from course.judge.wire.arguments import write_back
from course.judge.wire.codec import (
    HEAD,
    MAGIC,
    Decoder,
    Encoder,
    WireClosedError,
    WireError,
    WireTimeoutError,
    receive,
    send,
    within,
)


def refuse(value):
    raise TypeError(f"no {type(value).__name__}")


def unknown(tag, rest):
    raise WireError("a value is malformed")


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    with a, b:
        yield a, b


def soon():
    """Leave as much time as the slowest machine needs."""
    return within(600)


def across(value, refer=refuse, resolve=unknown):
    """Send a value through a frame's bytes, as they would travel."""
    encoder = Encoder(refer)
    form = encoder.encode(value)
    return Decoder(encoder.body, resolve).decode(json.loads(json.dumps(form)))


def same(a, b):
    """Tell whether two values are of one type and equal to the last bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or a.hex() == b.hex()
    if isinstance(a, set | frozenset):  # a nan equals nothing
        return sorted(map(repr, a)) == sorted(map(repr, b))
    if isinstance(a, complex):
        return same((a.real, a.imag), (b.real, b.imag))
    return a == b


DTYPES = st.sampled_from([np.dtype(code) for code in wire.DTYPES])
SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
ARRAYS = st.deferred(lambda: npst.arrays(DTYPES, SHAPES))
NUMPY_SCALARS = st.deferred(lambda: npst.arrays(DTYPES, ()).map(lambda array: array[()]))
INTEGERS = st.integers() | st.integers(-(2**300), 2**300)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats() | st.text() | st.complex_numbers()
PLAIN = SCALARS | st.binary() | NUMPY_SCALARS
KEYS = st.deferred(lambda: st.recursive(PLAIN, lambda keys: st.tuples(keys, keys), max_leaves=4))
SLICES = st.tuples(*[st.none() | st.integers()] * 3).map(lambda parts: slice(*parts))
RANGES = st.builds(
    range,
    st.integers(-1000, 1000),
    st.integers(-1000, 1000),
    st.integers(-9, 9).filter(bool),
)
ODD = st.sampled_from([..., np.dtype("f4"), np.dtype("?"), float, int, dict, np.float32, np.bool_])
VALUES = st.recursive(
    PLAIN | ARRAYS | SLICES | RANGES | ODD | st.sets(KEYS, max_size=4),
    lambda values: (
        st.lists(values, max_size=4)
        | st.lists(values, max_size=4).map(tuple)
        | st.dictionaries(KEYS, values, max_size=4)
        | st.frozensets(KEYS, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES)
def test_what_goes_in_comes_out(value):
    assert same(across(value), value)


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, max_size=5))
def test_a_frame_comes_out_of_a_socket_as_it_went_in(values):
    a, b = socket.socketpair()
    with a, b:
        encoder = Encoder(refuse)
        forms = [encoder.encode(value) for value in values]
        send(a, forms, encoder.body, soon())
        message, body = receive(b, soon())
        decoder = Decoder(body, unknown)
        assert same([decoder.decode(form) for form in message], values)


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("dtype", [float, bool])
def test_an_arrays_axes_lie_in_memory_as_they_did(order, dtype):
    value = np.arange(24).reshape(2, 3, 4).astype(dtype).transpose(order)
    found = across(value)
    assert same(found, value)
    assert found.strides == value.strides
    assert found.flags.owndata
    assert found.ravel("K").tolist() == value.ravel("K").tolist()


class Colour(IntEnum):
    RED = 3


class Metres(float):
    pass


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (np.arange(6.0).reshape(2, 3).T, np.array([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]])),
        (np.arange(10)[::-2], np.array([9, 7, 5, 3, 1])),
        (np.array([1.5, -2.0], dtype=">f8"), np.array([1.5, -2.0])),
        (np.array([1, 2], dtype=">i2"), np.array([1, 2], dtype="i2")),
        (np.float64(0.1).astype(np.longdouble), np.float64(0.1)),
        (np.array([0.1], dtype=np.longdouble), np.array([0.1])),
        (np.array([0.5j], dtype=np.clongdouble), np.array([0.5j])),
        (np.zeros((2, 2)).view(np.recarray), np.zeros((2, 2))),
        (np.ma.array([1.0, 2.0]), np.array([1.0, 2.0])),
        (np.str_("cat"), "cat"),
        (bytearray(b"ab"), b"ab"),
        (Point(1, 2), (1, 2)),
        (OrderedDict(a=1), {"a": 1}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (Colour.RED, 3),
        (Metres(2.5), 2.5),
    ],
    ids=repr,
)
def test_near_kin_of_a_plain_value_arrive_as_it(value, arrives):
    assert same(across(value), arrives)


def test_a_view_of_a_dict_is_one_again():
    value = {"a": 1, "b": [2]}
    assert across(value.keys()) == {"a", "b"}
    assert list(across(value.items())) == [("a", 1), ("b", [2])]
    assert list(across(value.values())) == [1, [2]]
    assert type(across(value.keys())) is type(value.keys())


def test_an_array_arrives_as_a_copy_that_can_be_written_unless_it_could_not():
    value = np.arange(3)
    assert across(value).flags.writeable
    assert across(value).flags.owndata
    value.flags.writeable = False
    assert not across(value).flags.writeable
    assert not across(np.broadcast_to(1.0, (2, 2))).flags.writeable


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
def test_a_random_generator_goes_on_where_it_was(kind):
    rng = kind(5)
    rng.normal(size=3), rng.integers(9, dtype=np.uint32) if kind is np.random.default_rng else 0
    assert across(rng).normal(size=5).tolist() == rng.normal(size=5).tolist()


def test_a_thing_given_twice_arrives_as_one():
    array, inner = np.zeros(2), [1]
    a, b, (c, d), e = across([array, array, (inner, inner), {"k": inner}])
    assert a is b
    assert c is d
    assert e["k"] is c


@pytest.mark.parametrize(
    "value",
    [
        np.array(["a"]),
        np.array([None]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.zeros(2, dtype=[("a", "f8")]),
        np.ma.array([1.0, 2.0], mask=[True, False]),
        object(),
        len,
        {object(): 1},
        {object()},
        10 ** (10**6),
        range(10**9),
        (i for i in "ab"),
        type("Net", (), {}),
        memoryview(b"ab"),
        {np.datetime64("2020-01-01"): 1},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_value_is_left_to_refer(value):
    assert across(value, lambda v: ["z"] if v is value else refuse(v), lambda *_: "there") == (
        "there"
    )


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append([value])
    with pytest.raises(WireError, match="holds itself"):
        across(value)


def test_a_value_with_too_many_items_is_refused():
    with pytest.raises(WireError, match="too large"):
        across(list(range(wire.MAX_ITEMS)))


def test_an_answer_refers_to_what_it_was_asked_with():
    array, inner = np.zeros(2), [1]
    question = Encoder(refuse)
    form = question.encode([array, inner])
    asked = Decoder(question.body, unknown)
    there = asked.decode(form)
    answer = Encoder(refuse, asked.came)
    back = Decoder(b"", unknown, question).decode(answer.encode((there[0], [there[1]])))
    assert back[0] is array
    assert back[1][0] is inner


LISTS = 41  # as many as would make a number out of reach, each of them holding the one before twice


@pytest.mark.parametrize("dtype", [float, bool, np.uint8])
def test_an_array_with_gaps_arrives_with_gaps(dtype):
    for value in (np.arange(24).astype(dtype)[::2], np.ones((3, 8), dtype)[:, 1::-3]):
        found = across(value)
        assert (found == value).all()
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        assert not found.flags.c_contiguous
        assert found.flags.writeable


def test_gaps_count_as_what_they_take():
    form = ["a", "<f8", [4], 0, 32]
    Decoder(bytes(32), unknown, max_bytes=32).decode(form)
    with pytest.raises(WireError):
        Decoder(bytes(32), unknown, max_bytes=63).decode([*form, "gaps"])
    with pytest.raises(WireError):
        Decoder(bytes(8), unknown).decode(["a", "<f8", [], 0, 8, "gaps"])


@pytest.mark.parametrize("order", [1, -1], ids=["the inner first", "the outer first"])
@pytest.mark.parametrize("count", [LISTS, 2], ids=["in depth", "in breadth"])
def test_changes_that_would_make_a_value_huge_are_refused(order, count):
    question = Encoder(refuse)
    question.encode([[] for _ in range(count)])
    changes = [[0, ["l", *[1] * 10_000]]]
    changes += [[n, ["l", *[["@", n - 1]] * (2 if count > 2 else 10_000)]] for n in range(1, count)]
    decoder = Decoder(b"", unknown, question)
    with pytest.raises(WireError, match="too large"):
        write_back(question.sent, changes[::order], decoder, None)
    assert question.sent[:-1] == [[]] * count


def test_a_change_that_makes_a_value_hold_itself_is_refused():
    question = Encoder(refuse)
    question.encode(([1], [2]))
    decoder = Decoder(b"", unknown, question)
    with pytest.raises(WireError, match="holds itself"):
        write_back(question.sent, [[0, ["l", ["@", 1]]], [1, ["l", ["@", 0]]]], decoder, None)
    assert question.sent == [[1], [2]]


BODY = bytes(range(64))

MALFORMED = {
    "an unknown tag": ["?"],
    "an empty list": [],
    "a tag that is no string": [["l"]],
    "a float's bytes cut": ["a", "<f8", [2], 0, 8],
    "an object array": ["a", "|O", [1], 0, 8],
    "text": ["a", "<U2", [1], 0, 8],
    "a dtype that would be evaluated": ["a", "f8, (1000,1000)f8", [1], 0, 8],
    "a dtype that is no string": ["a", ["f8"], [1], 0, 8],
    "a place outside the body": ["a", "<f8", [1], 60, 8],
    "a negative place": ["a", "<f8", [1], -8, 8],
    "a negative length": ["a", "<f8", [0], 8, -8],
    "a place that is a fraction": ["a", "<f8", [1], 0.0, 8],
    "lengths that lie": ["a", "<f8", [-1, -1], 0, 8],
    "a length that is true": ["a", "<f8", [True], 0, 8],
    "a length that is huge": ["a", "<f8", [2**70], 0, 8],
    "an empty array with a huge length": ["a", "<f8", [0, 2**62], 0, 0],
    "an empty array whose sums fill the memory": ["a", "<f8", [0, 2**28], 0, 0],
    "axes that are none": ["a", "|i1", [2, 2], 0, 4, 1],
    "an axis twice": ["a", "|i1", [2, 2], 0, 4, [0, 0]],
    "an axis too many": ["a", "|i1", [2, 2], 0, 4, [0, 1, 2]],
    "an axis that is true": ["a", "|i1", [2, 2], 0, 4, [True, 0]],
    "an axis that is negative": ["a", "|i1", [2, 2], 0, 4, [-1, 0]],
    "too many dimensions": ["a", "|i1", [1] * 40, 0, 1],
    "a number with a shape": ["g", "<f8", [1], 0, 8],
    "a dict of no pairs": ["d", 1],
    "a dict with triples": ["d", [1, 2, 3]],
    "a list as a key": ["d", [["l"], 1]],
    "an array as a key": ["d", [["a", "<f8", [1], 0, 8], 1]],
    "a set of lists": ["S", ["l"]],
    "a slice of two": ["s", 1, 2],
    "a range that is endless": ["n", 0, 2**62, 1],
    "a range beyond integers": ["n", 0, 10**400, 1],
    "a range without a step": ["n", 0, 1, 0],
    "a range of fractions": ["n", 0.0, 1, 1],
    "a view of a list": ["v", "keys", ["l"]],
    "a view that is a method": ["v", "clear", ["d"]],
    "a type that is not listed": ["Y", "builtins.eval"],
    "a dtype that is not listed": ["y", "|O"],
    "a random generator without a state": ["G"],
    "a random generator's state of three": ["G", 1, 1, 0],
    "a random generator's state that is huge": ["G", 1 << 128, 1, 0, 0],
    "a random generator's state below zero": ["G", 1, -1, 0, 0],
    "a random generator's state of fractions": ["G", 1.0, 1, 0, 0],
    "an old random generator's short state": ["G", ["a", "<u4", [2], 0, 8], 0, 0, 0.0],
    "a number of what came that did not": ["=", 0],
    "a list that holds itself": ["l", ["=", 0]],
    "a negative number of what came": ["l", ["l"], ["=", -1]],
    "what was not sent": ["@", 0],
}


@pytest.mark.parametrize("form", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_value_is_refused(form):
    with pytest.raises(WireError):
        Decoder(BODY, unknown).decode(form)


def doubling(depth):
    """A short list that stands for 2**depth numbers."""
    forms = [["l", 0]]
    for number in range(depth):
        forms.append(["l", ["=", number], ["=", number]])
    return ["l", *forms]


def deep(depth):
    form: list[Any] = ["l"]
    for _ in range(depth):
        form = ["l", form]
    return form


LARGE = {
    "too deep": deep(30),
    "too many items": ["l", *[0] * (wire.MAX_ITEMS + 1)],
    "a list that doubles again and again": doubling(40),
    "keys that could collide": ["d", *[[k * (2**61 - 1), 0] for k in range(wire.MAX_KEYS + 1)]],
    "keys in many dicts": ["l", *[["d", *[[k, 0] for k in range(101)]] for _ in range(100)]],
    "ranges in number": ["l", *[["n", 0, wire.MAX_ITEMS // 2, 1]] * 3],
    "one array's bytes again and again": ["l", *[["a", "|u1", [64], 0, 64]] * 1000],
    "one array again and again": ["l", ["a", "|u1", [64], 0, 64], *[["=", 0]] * 1000],
}


@pytest.mark.parametrize("form", LARGE.values(), ids=LARGE.keys())
def test_a_value_over_the_limits_is_refused_as_soon_as_that_is_known(form):
    class Counting(Decoder):
        count = 0

        def decode(self, form, depth=0):
            self.count += 1
            return super().decode(form, depth)

    decoder = Counting(BODY, unknown, max_bytes=1 << 16)
    with pytest.raises(WireError, match=r"large|place"):
        decoder.decode(form)
    assert decoder.count <= wire.MAX_ITEMS + 1


def test_a_boolean_is_true_or_false_whatever_its_byte():
    value = Decoder(b"\x00\x01\x02\xff", unknown).decode(["a", "|b1", [4], 0, 4])
    assert value.tobytes() == b"\x00\x01\x01\x01"


# --- frames ---------------------------------------------------------------------------------------


def frame(header, body=b"", magic=MAGIC):
    return HEAD.pack(magic, len(header), len(body)) + header + body


def test_a_large_frame_goes_through_a_small_pipe(pair):
    a, b = pair
    body = os.urandom(5 << 20)
    writer = threading.Thread(target=send, args=(a, ["x"], body, soon()))
    writer.start()
    assert receive(b, soon()) == (["x"], body)
    writer.join()


def test_a_frame_goes_through_ends_that_somebody_has_set_not_to_wait(pair):
    a, b = pair
    body = os.urandom(5 << 20)
    a.setblocking(False)
    b.setblocking(False)
    writer = threading.Thread(target=send, args=(a, ["x"], body, None))
    writer.start()
    assert receive(b, None) == (["x"], body)
    writer.join()


FRAMES = {
    "another magic": frame(b"1", magic=b"HTTP"),
    "a header too long": HEAD.pack(MAGIC, wire.MAX_HEADER + 1, 0),
    "a body too long": HEAD.pack(MAGIC, 1, wire.MAX_BODY + 1),
    "no JSON": frame(b"{"),
    "nothing": frame(b""),
    "an object": frame(b'[{"a": 1}]'),
    "no UTF-8": frame(b'"\xff"'),
    "brackets without end": frame(b"[" * 100_000),
    "a number with a million digits": frame(b"1" * 1_000_000),
    "two at once": frame(b"1") * 2,
}


@pytest.mark.parametrize("data", FRAMES.values(), ids=FRAMES.keys())
def test_a_malformed_frame_is_refused(pair, data):
    a, b = pair
    writer = threading.Thread(target=a.sendall, args=(data,))
    writer.start()
    with pytest.raises(WireError) as raised:
        receive(b, soon())
    assert not isinstance(raised.value, WireTimeoutError | WireClosedError)
    b.close()
    writer.join()


def test_an_end_that_closes_is_noticed(pair):
    a, b = pair
    a.sendall(frame(b"[1, 2]")[:-1])
    a.close()
    with pytest.raises(WireClosedError):
        receive(b, soon())
    with pytest.raises(WireClosedError):
        send(b, [], b"", soon())


class Still:
    """A socket at whose other end nothing happens."""

    def __init__(self):
        self.waits = []

    def settimeout(self, seconds):
        self.waits.append(seconds)

    def recv(self, most):
        raise TimeoutError


def test_an_end_that_sends_a_byte_now_and_then_gains_no_time():
    data = iter(frame(b"[1, 2, 3, 4, 5, 6, 7, 8, 9]"))

    class Dribbling(Still):
        def recv(self, most):
            return bytes([next(data)])

    left = [0, 1, 2, 3, 4, 5]
    with pytest.raises(WireTimeoutError):
        receive(Dribbling(), left.pop)  # type: ignore[arg-type]
    assert left == []


def test_an_end_that_never_reads_costs_no_more_than_the_time(pair):
    left = [0, 1, 2, 3, 4, 5]
    with pytest.raises(WireTimeoutError):
        send(pair[0], [], bytes(10 << 20), left.pop)
    assert left == []


@pytest.mark.parametrize("left", [1e-9, 0.02, 1e9])
def test_what_is_left_of_the_time_is_asked_again_soon_but_not_all_the_time(left):
    """It need not be wall time: a socket that waits knows nothing of it."""
    looks, still = [0, left, left, left], Still()
    with pytest.raises(WireTimeoutError):
        receive(still, looks.pop)  # type: ignore[arg-type]
    assert len(still.waits) == 3
    assert all(0.001 <= seconds <= 0.2 for seconds in still.waits)


def test_what_is_too_large_is_not_sent(pair, monkeypatch):
    monkeypatch.setattr(wire, "MAX_BODY", 100)
    with pytest.raises(WireError, match="large"):
        send(pair[0], [], bytes(101), soon())
    with pytest.raises(WireError, match="large"):
        Encoder(refuse, max_bytes=100).encode(np.zeros(100))
    with pytest.raises(WireError, match="can't be written"):
        send(pair[0], [10**5000], b"", soon())
