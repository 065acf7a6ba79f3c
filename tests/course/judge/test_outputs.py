"""Whatever a student process sends, what comes out is a notebook's outputs within limits."""

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from course.judge import outputs as limits
from course.judge.outputs import cleaned, cut, limited, packed, result, size, stream

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)
words = st.sampled_from(
    ["stream", "error", "display_data", "execute_result", "stdout", "stderr", "update_display_data"]
)
mimes = st.sampled_from(
    [*limits.MIME_TYPES, limits.JSON, "application/javascript", "", "image/png"]
)
texts = st.text(st.characters(), max_size=50) | st.sampled_from(
    ["\ud800", "x" * (limits.MAX_TEXT + 1), "<script>", "\0"]
)
almost_outputs = st.fixed_dictionaries(
    {},
    optional={
        "output_type": words | anything,
        "name": words | anything,
        "text": texts | anything,
        "ename": texts | anything,
        "evalue": texts | anything,
        "traceback": st.lists(texts | anything) | anything,
        "data": st.dictionaries(mimes, texts | anything) | anything,
        "metadata": st.dictionaries(
            mimes, st.dictionaries(st.sampled_from(["alt", "width", "height", "x"]), anything)
        )
        | anything,
        "execution_count": anything,
        "transient": anything,
    },
)


def check(found: list[dict[str, Any]]) -> None:
    """Fail unless `found` may be a cell's outputs: valid, written as UTF-8, within limits."""
    notebook = new_notebook(cells=[new_code_cell(outputs=found)])
    nbformat.validate(nbformat.from_dict(notebook))
    nbformat.writes(nbformat.from_dict(notebook)).encode()
    json.dumps(found, allow_nan=False)
    assert len(found) <= limits.MAX_OUTPUTS
    assert size(found) <= limits.MAX_CELL + 1000
    for output in found:
        assert len(output.get("text", "")) <= limits.MAX_TEXT
        assert len(output.get("data", {}).get("text/plain", "")) <= limits.MAX_TEXT
        assert size(output.get("traceback", [])) <= limits.MAX_TEXT + 1000


@given(anything | st.lists(almost_outputs | anything))
@settings(max_examples=300, deadline=None)
def test_anything_gives_valid_outputs(outputs: Any) -> None:
    found = cleaned(outputs)
    check(found)
    assert cleaned(found) == found
    assert cleaned(packed(found)) == found


@given(st.binary() | st.text().map(str.encode) | anything.map(repr).map(str.encode))
@settings(deadline=None)
def test_any_bytes_give_valid_outputs(data: bytes) -> None:
    check(cleaned(data))


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b"[1e999, NaN, -Infinity]",
        b"9" * 100_000,
        b'"\\ud800"',
        b"\xff",
        b"[" + b"[]," * (limits.MAX_PACKED // 3) + b"[]]",
        b'[{"output_type": "display_data", "data": {"application/json": '
        + b"[" * 900
        + b"]" * 900
        + b"}}]",
        json.dumps(
            [{"output_type": "display_data", "data": {"image/png": "x" * 3_900_000}}] * 3
        ).encode(),
        json.dumps([{"output_type": "stream", "name": "stdout", "text": "x"}] * 1000).encode(),
        json.dumps(
            [{"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["x" * 999] * 9999}]
        ).encode(),
    ],
)
def test_hostile_bytes_give_valid_outputs(data: bytes) -> None:
    check(cleaned(data))


def test_honest_outputs_stay_as_they_are() -> None:
    outputs = [
        *stream("printed\n"),
        *stream("warned\n", "stderr"),
        {
            "output_type": "display_data",
            "data": {"image/png": "iVBO", "text/plain": "<Figure>", "application/json": {"a": [1]}},
            "metadata": {"image/png": {"alt": "a line", "width": 30, "height": 20}},
        },
        result(0.5),
        {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["a", "b"]},
    ]
    check(outputs)
    assert cleaned(outputs) == outputs
    assert cleaned(packed(outputs)) == outputs


def test_a_picture_is_shown_no_larger_than_ten_thousand_pixels() -> None:
    about = {"width": limits.MAX_PIXELS + 1, "height": limits.MAX_PIXELS}
    sent = {
        "output_type": "display_data",
        "data": {"image/png": "iVBO"},
        "metadata": {"image/png": about},
    }
    (found,) = cleaned([sent])
    assert found["metadata"] == {"image/png": {"height": 10_000}}


def test_what_could_run_in_a_browser_by_itself_is_dropped() -> None:
    data = {"application/javascript": "alert(1)", "text/plain": "plain"}
    (found,) = cleaned([{"output_type": "display_data", "data": data, "metadata": {"x": 1}}])
    assert found == {
        "output_type": "display_data",
        "data": {"text/plain": "plain"},
        "metadata": {},
    }


def test_a_cut_text_says_how_much_is_missing() -> None:
    text = cut("x" * 150_000)
    kept = text.count("x")
    assert text.endswith(f"\n[{150_000 - kept} more characters were cut]\n")
    assert len(text) <= limits.MAX_TEXT
    assert cut(text) == text
    assert cut("x" * limits.MAX_TEXT) == "x" * limits.MAX_TEXT
    assert cut("x" * limits.MAX_TEXT, 150_000).endswith(text[kept:])


def test_a_cut_traceback_keeps_its_end() -> None:
    lines = ["line " * 100] * 1000
    error = {"output_type": "error", "ename": "E", "evalue": "e", "traceback": [*lines, "E: e"]}
    (found,) = cleaned([error])
    assert found["traceback"][0] == lines[0]
    assert found["traceback"][-1] == "E: e"
    assert "[some of the traceback was cut]" in found["traceback"]
    assert cleaned([found]) == [found]


@pytest.mark.parametrize(("count", "note"), [(201, "2 more outputs were"), (300, "101 more")])
def test_outputs_over_the_limit_are_counted(count: int, note: str) -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "e", "traceback": []}
    found = cleaned([error] * count)
    assert len(found) == limits.MAX_OUTPUTS
    assert found[-1]["text"].startswith(f"[{note}")


def test_a_picture_that_is_too_large_leaves_its_text() -> None:
    data = {"image/png": "x" * (limits.MAX_RICH + 1), "text/plain": "<Figure>"}
    (found,) = cleaned([{"output_type": "display_data", "data": data, "metadata": {}}])
    assert found["data"] == {"text/plain": "<Figure>"}


def test_outputs_too_large_for_the_wire_become_a_note() -> None:
    outputs = stream("\0" * 90_000) * 40
    (found,) = cleaned(packed(outputs))
    assert found["text"] == "[40 more outputs were cut]\n"
    assert limited([], 0) == []
