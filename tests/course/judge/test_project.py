"""The project through the judge: what is handed in beside the notebook, and what tries to win.

The cells that only explore are left out, so that each case takes a few seconds.
"""

import io
import pickle
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from course.judge.preprocessor import preload
from course.judge.sandbox import missing
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.notebooks.cells import grade_id, is_setup, is_solution, is_test
from course.notebooks.source import source_notebook
from course.verdict import ExerciseVerdict, Verdict
from helpers.digits import load_digits_8x8, load_released_test
from helpers.handed_in import MAX_FILE, read_file

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason="unconfined, such code would harm this machine"),
]

FOLDER = Path(__file__).parents[3] / "source" / "08_project"
SOURCE = source_notebook(FOLDER / "project.ipynb")
UNPICKLED = Path(tempfile.gettempdir()) / "unpickled"  # what a pickle would write
OPEN = ("train", "predict", "claim")
ACCURACY = [check.name for check in SOURCE.exercises[5].checks if " right" in check.name]


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with WarmServer(preload=preload(SOURCE)) as server:
        yield server


@pytest.fixture(scope="module")
def params() -> dict[str, NDArray[Any]]:
    """The reference's arrays."""
    with np.load(FOLDER / "weights.npz", allow_pickle=False) as file:
        return dict(file)


def judged(
    server: WarmServer, weights: bytes | str | None, seed: bytes = b"a seed", **answers: str
) -> Verdict:
    """Judge the project's three open exercises with these answers and this file."""
    nb = deepcopy(SOURCE.notebook)
    wanted = {*OPEN, *(f"test_{name}" for name in OPEN)}
    nb.cells = [cell for cell in nb.cells if is_setup(cell) or grade_id(cell) in wanted]
    assert all(is_setup(c) or is_solution(c) or is_test(c) for c in nb.cells)
    for cell in nb.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    files = {} if weights is None else {"weights.npz": weights}
    verdict, _ = grade_notebook(Submission(SOURCE, nb, None, seed, files), server)
    return verdict


def packed(arrays: Mapping[str, Any]) -> bytes:
    """Return the bytes of an .npz file."""
    file = io.BytesIO()
    np.savez(file, **dict(arrays))
    return file.getvalue()


def said(exercise: ExerciseVerdict) -> str:
    return " / ".join(check.message for check in exercise.checks if not check.passed)


def edited(name: str, old: str, new: str) -> str:
    """Return the reference's answer with one edit."""
    solution = next(one.solution for one in SOURCE.exercises if one.id == name)
    assert solution.count(old) == 1
    return solution.replace(old, new)


def claims(accuracy: float) -> str:
    return f"def claim():\n    return {accuracy}"


def trained(*data: tuple[NDArray[Any], NDArray[Any]], hidden: int = 60) -> dict[str, NDArray[Any]]:
    """Return the arrays of a network trained on all of these images, by the reference's way."""
    names: dict[str, Any] = {}
    source = edited("train", "[60]", f"[{hidden}]")
    exec(SOURCE.cell("setup").source, names)
    exec(source, names)
    images, labels = (np.concatenate(parts) for parts in zip(*data, strict=True))
    found: dict[str, NDArray[Any]] = names["train"](images, labels, seed=1, epochs=60)
    return found


def accuracy_of(arrays: Mapping[str, NDArray[Any]], part: tuple[Any, Any]) -> float:
    names: dict[str, Any] = {"np": np}
    exec(SOURCE.cell("predict").source, names)
    return float(np.mean(names["predict"](arrays, part[0]) == part[1]))


# --- honest work ----------------------------------------------------------------------------------


def test_the_reference_earns_everything_whoever_it_is(server, params):
    for seed in (b"ada", b"bob"):
        verdict = judged(server, packed(params), seed)
        for name in OPEN:
            assert verdict[name].score == verdict[name].max_score, said(verdict[name])
        assert verdict.incidents == ()
        assert 0.95 < dict(verdict["predict"].measured)["accuracy on new images"] < 0.985


def test_two_students_are_judged_by_different_images(server, params):
    found = [judged(server, packed(params), seed)["predict"].measured for seed in (b"a", b"b")]
    assert found[0] != found[1]
    assert found[0] == judged(server, packed(params), b"a")["predict"].measured


def test_a_baseline_earns_some_points_for_its_accuracy(server):
    softmax = edited("predict", '    h = np.maximum(x @ params["W1"] + params["b1"], 0)\n', "")
    softmax = softmax.replace('h @ params["W2"] + params["b2"]', 'x @ params["W1"] + params["b1"]')
    train = edited("train", "[60]", "[]")
    names: dict[str, Any] = {}
    exec(SOURCE.cell("setup").source, names)
    exec(train, names)
    arrays = names["train"](*load_digits_8x8(), seed=1, epochs=20)
    exec(softmax, names)
    images, labels = load_released_test()
    right = float(np.mean(names["predict"](arrays, images) == labels))
    verdict = judged(server, packed(arrays), train=train, predict=softmax, claim=claims(right))
    assert verdict["predict"].failed == ACCURACY[1:], said(verdict["predict"])
    assert verdict["claim"].score == 5, said(verdict["claim"])


# --- files that are none --------------------------------------------------------------------------


class Bomb:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(UNPICKLED), "w"))


def lying(shape: str, data: bytes = b"\0" * 80) -> bytes:
    """Return an .npz file of one array, whose header says this shape."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data
    return zipped({"W1.npy": array})


def zipped(members: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as pack:
        for name, content in members.items():
            pack.writestr(name, content)
    return file.getvalue()


def huge() -> bytes:
    """Return a small file that unpacks to 500 MB."""
    return zipped({"W1.npy": b"\0" * 500_000_000})


BAD = {
    "no file": (None, "weights.npz is missing"),
    "not read": ("weights.npz is a link to another file: hand in the file itself.", "is a link"),
    "text": (b"W1 = 3", "was not written by `np.savez`"),
    "pickle": (pickle.dumps({"W1": 1}), "was not written by `np.savez`"),
    "object arrays": (packed({"W1": np.array([Bomb()], dtype=object)}), "not of plain numbers"),
    "texts": (packed({"W1": np.array(["a"])}), "not of plain numbers"),
    "a bomb": (huge(), "unpacks to more than 4,000,000 bytes"),
    "packed otherwise": (zipped({"W1.npy": b""}, zipfile.ZIP_BZIP2), "not compressed the way"),
    "a shape too large": (lying("(100000000000, 10)"), "its numbers are not that many"),
    "a negative shape": (lying("(-5, -2)"), "is said to have the shape"),
    "a shape that overflows": (lying(f"({2**62}, {2**62})"), "its numbers are not that many"),
    "many axes": (lying("(" + "1, " * 40 + "10)"), "is said to have the shape"),
    "a deep header": (lying("(" * 900 + ")" * 900), "damaged"),
    "cut off": (packed({"W1": np.ones(100)})[:-50], "damaged"),
    "a NaN": (packed({"W1": np.array([np.nan])}), "holds a NaN or an infinite number"),
    "too large for float32": (packed({"W1": np.array([1e300])}), "holds a NaN or an infinite"),
    "nothing": (packed({}), "holds no array"),
    "many arrays": (packed({f"W{k}": np.ones(1) for k in range(101)}), "more than 100 arrays"),
    "no array": (zipped({"readme.txt": b"hello"}), "is no array with a name of its own"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_good_costs_its_own_points_with_one_clear_line(server, name):
    data, words = BAD[name]
    verdict = judged(server, data)
    assert verdict["predict"].score == verdict["claim"].score == 0
    assert words in verdict["predict"].checks[0].message
    assert "\n" not in verdict["predict"].checks[0].message
    assert verdict["train"].score == verdict["train"].max_score
    assert verdict.incidents == ()
    assert verdict.seconds < 60
    assert not UNPICKLED.exists()


def test_arrays_of_other_names_are_told(server, params):
    verdict = judged(server, packed({f"my_{name}": array for name, array in params.items()}))
    assert verdict["predict"].score == 0
    assert "KeyError: 'W1'" in said(verdict["predict"])


def test_links_pipes_folders_and_giants_are_not_read(tmp_path):
    (tmp_path / "secret").write_text("s")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "giant").open("wb") as file:
        file.truncate(10 << 30)  # takes no room on the disk
    assert read_file(tmp_path, "link") == "link is a link to another file: hand in the file itself."
    assert read_file(tmp_path, "folder") == "folder is no ordinary file."
    assert read_file(tmp_path, "giant") == f"giant is larger than {MAX_FILE:,} bytes."
    assert read_file(tmp_path, "secret") == b"s"


# --- networks that must lose ----------------------------------------------------------------------


def test_a_constant_answer_has_no_points_for_accuracy(server, params):
    constant = "def predict(params, images):\n    return np.full(len(images), 7)"
    verdict = judged(server, packed(params), predict=constant)
    assert set(verdict["predict"].failed) == set(ACCURACY)


def test_more_than_the_budget_earns_nothing(server):
    arrays = trained(load_digits_8x8(), hidden=80)
    verdict = judged(server, packed(arrays))
    assert verdict["predict"].failed[0] == "keeps to the budget"
    assert "needs 6,0" in said(verdict["predict"])
    assert verdict["predict"].score == 0


@pytest.mark.parametrize("others", [(), ("digits",)])
def test_a_network_that_was_trained_on_the_released_images_is_found_out(server, others):
    released = load_released_test()
    arrays = trained(released, *(load_digits_8x8() for _ in others))
    verdict = judged(server, packed(arrays), claim=claims(accuracy_of(arrays, released)))
    assert verdict["claim"].failed == ["is borne out by new images"]
    assert "more than chance explains" in said(verdict["claim"])


def test_weights_that_another_program_has_trained_are_found_out(server, params):
    lazy = "def train(images, labels, seed, epochs):\n    rng = np.random.default_rng(seed)\n"
    for lines, words in (
        ("    return {'W1': rng.normal(size=(64, 60)) + epochs}", "other names or shapes"),
        (
            "    shapes = {'W1': (64, 60), 'b1': 60, 'W2': (60, 10), 'b2': 10}\n"
            "    return {k: rng.normal(size=s) + epochs for k, s in shapes.items()}",
            "doesn't learn from what it is given",
        ),
    ):
        verdict = judged(server, packed(params), train=lazy + lines)
        assert "comes from this `train`: it learns other names of the digits, too" in (
            verdict["claim"].failed
        ), said(verdict["claim"])
        assert words in said(verdict["claim"])


def test_a_training_stands_by_itself(server, params):
    code = edited("train", "/ 16\n", "/ 16 - x_digits.mean() / 16\n")
    verdict = judged(server, packed(params), train=code)
    assert verdict["train"].score == 0
    assert "name 'x_digits' is not defined" in said(verdict["train"])


def test_what_shows_in_arrays_that_are_kept_is_seen_from_afar(server, params):
    shared = edited("train", "SEED, EPOCHS = 2, 10", "SEED, EPOCHS = 2, 10\nKEPT = {}").replace(
        "    return net.params",
        "    for name, array in net.params.items():\n"
        "        KEPT.setdefault(name, array)[:] = array\n"
        "    return KEPT",
    )
    divides = edited("predict", "    x = images", '    params["W1"] *= 0.5\n    x = images')
    verdict = judged(server, packed(params), train=shared, predict=divides)
    assert "an earlier one returned" in said(verdict["train"])
    assert "changes the `params`" in said(verdict["predict"])


# --- what code would like to read -----------------------------------------------------------------

NEAREST = """\
from sklearn.datasets import load_digits


def predict(params, images):
    known = load_digits()
    x, k = images.reshape(len(images), 64), known.data
    distances = (x**2).sum(1)[:, None] - 2 * x @ k.T + (k**2).sum(1)
    return known.target[distances.argmin(axis=1)]"""

KEPT = """\
known_x, known_t = {data}


def predict(params, images):
    x, k = images.reshape(len(images), 64), known_x.reshape(-1, 64)
    distances = (x**2).sum(1)[:, None] - 2 * x @ k.T + (k**2).sum(1)
    return known_t[distances.argmin(axis=1)]"""

FILES = """\
from pathlib import Path


def predict(params, images):
    for place in ("{source}", "..", "/", str(Path(np.__file__).parents[1])):
        try:
            found = [*Path(place).rglob("digits*.npz"), *Path(place).rglob("mnist*.npz")]
        except OSError:
            found = []
        for path in found:
            with np.load(path) as file:
                raise RuntimeError(f"can read {{path}}")
    return np.zeros(len(images), dtype=int)"""


@pytest.mark.parametrize(
    "code",
    [
        NEAREST,
        KEPT.format(data="load_released_test()"),
        KEPT.format(data="(x_digits, t_digits)"),
        KEPT.format(data="(lambda f: (f['x'], f['t']))(np.load('kept.npz'))"),
    ],
    ids=["nearest neighbors", "the released part", "the notebook's data", "a file of its own"],
)
def test_a_prediction_has_no_data_but_its_arrays(server, params, code):
    writes = "np.savez('kept.npz', x=x_digits, t=t_digits)\n" + edited("train", "[60]", "[60]")
    verdict = judged(server, packed(params), predict=code, train=writes)
    assert verdict["predict"].score == 0, said(verdict["predict"])
    assert verdict["predict"].measured == () or set(ACCURACY) <= set(verdict["predict"].failed)


def test_hidden_images_and_labels_are_in_no_file_that_code_can_read(server, params):
    verdict = judged(server, packed(params), predict=FILES.format(source=FOLDER.parent))
    assert "can read" not in said(verdict["predict"])
    assert set(verdict["predict"].failed) == set(ACCURACY)


def test_labels_that_were_memorized_are_worth_little(server, params):
    """Who knows each hidden image of one student's set knows few of another's, pixel by pixel."""
    from helpers.open_task import new_images
    from helpers.specification.promises import promised

    with promised(SOURCE.promises):
        mine, _ = new_images(np.random.default_rng(1))
        theirs, _ = new_images(np.random.default_rng(2))
    known = {image.tobytes() for image in mine}
    assert np.mean([image.tobytes() in known for image in theirs]) < 0.15


def test_a_table_in_the_code_counts(server, params):
    table = f"    table = {list(range(2000))}\n    x = images"
    verdict = judged(server, packed(params), predict=edited("predict", "    x = images", table))
    assert verdict["predict"].score == 0
    assert "in the code of its cell; the budget is 5,000" in said(verdict["predict"])


def test_a_long_cell_is_refused(server, params):
    solution = next(one.solution for one in SOURCE.exercises if one.id == "predict")
    code = f"# {'0' * 8000}\n{solution}"
    verdict = judged(server, packed(params), predict=code)
    assert "bytes long; 8,000 are allowed" in said(verdict["predict"])


def test_a_process_that_ends_while_it_stands_apart_costs_its_own_points(server, params):
    code = "import os\n\n\ndef predict(params, images):\n    os._exit(1)"
    verdict = judged(server, packed(params), predict=code)
    assert verdict["predict"].score == 0
    assert verdict["train"].score == verdict["train"].max_score
