"""MNIST: the bundle is the originals, and the download is what it should be or is refused.

Points in a plane: they lie where their descriptions say.
"""

import contextlib
import functools
import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from helpers import datasets
from helpers.datasets import MnistError, circles, flower, load_mnist, moons, prepare_mnist
from helpers.mnist_files import MNIST_FILES, IdxFile, fetch

ROOT = Path(__file__).parents[2]
DATA = ROOT / "helpers" / "data"
Arrays = dict[str, np.ndarray]
PATIENCE = 600  # seconds, for what takes a moment unless it never comes


@pytest.fixture(scope="module")
def bundle() -> Arrays:
    with np.load(DATA / "mnist.npz", allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def originals(bundle: Arrays) -> dict[str, bytes]:
    """The bundle as IDX files, by name: what the server serves."""
    return {
        file.name: described(file, bundle[key]).header + bundle[key].tobytes()
        for key, file in MNIST_FILES.items()
    }


@pytest.fixture(scope="module")
def files(bundle: Arrays, originals: dict[str, bytes]) -> dict[str, IdxFile]:
    """`MNIST_FILES` for what the server serves."""
    return {key: described(file, bundle[key]) for key, file in MNIST_FILES.items()}


def described(file: IdxFile, array: np.ndarray) -> IdxFile:
    header = IdxFile(file.name, array.shape, "").header
    return IdxFile(file.name, array.shape, hashlib.md5(header + array.tobytes()).hexdigest())


class Server(BaseHTTPRequestHandler):
    """Serves `/<how>/<name>.gz`, whole or spoilt as `how` says."""

    originals: Mapping[str, bytes]
    stalled = threading.Event()
    released = threading.Event()

    @staticmethod
    @functools.cache
    def packed(data: bytes) -> bytes:
        return gzip.compress(data, compresslevel=1)

    def do_GET(self) -> None:
        _, how, name = self.path.split("/")
        data = self.originals[name.removesuffix(".gz")]
        body = self.packed(data)
        length = len(body)
        if how == "missing":
            self.send_error(404, "Not Found")
            return
        if how == "stalled":
            self.stalled.set()
            self.released.wait(PATIENCE)
            return
        if how == "truncated":
            body = body[: length // 2]
        elif how == "damaged":
            middle = length // 2
            body = body[:middle] + bytes(16) + body[middle + 16 :]
        elif how == "garbled":
            body = body[:20] + b"\xff" * 20 + body[40:]
        elif how == "portal":
            body = b"<html>Please log in to this network</html>"
            length = len(body)
        elif how == "other":
            body = self.packed(data[:-1] + bytes([data[-1] ^ 1]))
            length = len(body)
        elif how == "short":
            body = self.packed(data[:-1])
            length = len(body)
        elif how == "long":
            body = self.packed(data + b"\0")
            length = len(body)
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who sees rubbish hangs up early
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(originals: dict[str, bytes]) -> Iterator[str]:
    handler = type("Handler", (Server,), {"originals": originals})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        Server.released.set()
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No full set of the user's, no proxy on the way to loopback, nothing said yet."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    datasets._say_once.cache_clear()


@pytest.fixture(scope="module")
def prepared(
    server: str, files: dict[str, IdxFile], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A data_dir that holds the full set, as far as the server has it."""
    data_dir = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("no_proxy", "127.0.0.1")
        prepare_mnist(data_dir, f"{server}/good", files)
    return data_dir


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def contents(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# The bundle


def test_bundled_test_set_is_the_original_files(bundle: Arrays) -> None:
    assert MNIST_FILES["x_test"].holds(bundle["x_test"])
    assert MNIST_FILES["t_test"].holds(bundle["t_test"])


def test_bundled_training_images_are_the_first_originals(bundle: Arrays) -> None:
    # Recorded from the original files after their MD5 had been checked.
    recorded = {
        "x_train": "2f7182bf021ffc5c1f62db987487f14d899b5c639f421a80f3095affc09a7db2",
        "t_train": "2f345bad07338ec537641465e169cc4b7288a44244f251211c7f842641e7d927",
    }
    assert {key: hashlib.sha256(bundle[key].tobytes()).hexdigest() for key in recorded} == recorded


def test_bundle_has_the_shapes_types_and_class_counts_of_its_readme(bundle: Arrays) -> None:
    readme = (DATA / "README.md").read_text()
    for key, array in bundle.items():
        shape = "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"
        assert re.search(rf"`{key}` +\| {re.escape(shape)} +\| {array.dtype} ", readme)
    for key in ("t_train", "t_test"):
        counts = np.bincount(bundle[key])
        assert len(counts) == 10
        assert re.search(rf"`{key}`.* {counts.min():,} to {counts.max():,} of each", readme)


def test_readme_states_the_checksums_and_the_licence() -> None:
    readme = (DATA / "README.md").read_text()
    assert hashlib.sha256((DATA / "mnist.npz").read_bytes()).hexdigest() in readme
    for file in MNIST_FILES.values():
        assert re.search(rf"`{file.name}` +\| `{file.md5}`", readme)
    assert "CC BY-SA 3.0" in readme


@pytest.fixture(scope="module")
def bundler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundler", ROOT / "tools/make_mnist_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_bundle_is_made_with_the_same_bytes_each_time(
    bundler: ModuleType, bundle: Arrays, tmp_path: Path
) -> None:
    longer = {key: np.concatenate([array, array]) for key, array in bundle.items()}
    bundler.write_bundle(bundle, tmp_path / "once.npz")
    bundler.write_bundle(
        longer | {"x_test": bundle["x_test"], "t_test": bundle["t_test"]}, tmp_path / "twice.npz"
    )
    assert (tmp_path / "once.npz").read_bytes() == (tmp_path / "twice.npz").read_bytes()
    with np.load(tmp_path / "once.npz", allow_pickle=False) as made:
        assert all(np.array_equal(made[key], bundle[key]) for key in bundle)


def test_bundle_is_not_made_from_other_files(originals: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in originals.items():
        (tmp_path / f"{name}.gz").write_bytes(Server.packed(data))
    program = [sys.executable, str(ROOT / "tools/make_mnist_bundle.py"), str(tmp_path)]
    run = subprocess.run(
        [*program, "--output", str(tmp_path / "made.npz")], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "train-images-idx3-ubyte is cut short" in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert not (tmp_path / "made.npz").exists()


# load_mnist


@pytest.mark.parametrize(("normalize", "flatten", "one_hot"), [*product([True, False], repeat=3)])
def test_every_combination_of_options(
    bundle: Arrays, normalize: bool, flatten: bool, one_hot: bool
) -> None:
    parts = load_mnist(normalize=normalize, flatten=flatten, one_hot_label=one_hot)
    for split, (x, t) in zip(("train", "test"), parts, strict=True):
        raw, digits = bundle[f"x_{split}"], bundle[f"t_{split}"]
        assert x.shape == ((10_000, 784) if flatten else (10_000, 1, 28, 28))
        assert x.dtype == (np.float32 if normalize else np.uint8)
        expected = raw / np.float32(255) if normalize else raw
        assert np.array_equal(x.reshape(raw.shape), expected)
        assert t.dtype == (np.float32 if one_hot else np.int64)
        assert t.shape == ((10_000, 10) if one_hot else (10_000,))
        assert np.array_equal(t.argmax(axis=1) if one_hot else t, digits)
        if one_hot:
            assert np.all(np.sort(t, axis=1) == [0] * 9 + [1])


def test_normalized_pixels_reach_from_0_to_1() -> None:
    (x_train, _), (x_test, _) = load_mnist()
    for x in (x_train, x_test):
        assert (x.min(), x.max()) == (0.0, 1.0)


def test_arrays_can_be_changed_without_changing_the_next_ones() -> None:
    (x_train, t_train), _ = load_mnist(normalize=False)
    x_train[:] = 7
    t_train[:] = 7
    (x_again, t_again), _ = load_mnist(normalize=False)
    assert not np.array_equal(x_again, x_train)
    assert not np.array_equal(t_again, t_train)


def test_the_bundle_needs_no_tensorflow_datasets_and_is_named_once_on_stdout() -> None:
    run = run_python(
        "import sys, helpers.datasets as d\n"
        "d.load_mnist(); d.load_mnist(normalize=False)\n"
        "assert not [m for m in sys.modules if m.startswith(('tensorflow', 'array_record'))]"
    )
    assert run.stdout.splitlines() == [
        "MNIST: 10,000 training and 10,000 test images, bundled with the course; "
        "`python -m helpers.datasets` fetches all 60,000"
    ]
    assert run.stderr == ""


def test_full_set_is_taken_when_it_is_there(
    prepared: Path, bundle: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    monkeypatch.setattr(datasets, "_BUNDLE", Path("not needed"))
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=False, flatten=False)
    assert np.array_equal(x_train[:, 0], bundle["x_train"])
    assert np.array_equal(t_train, bundle["t_train"])
    assert np.array_equal(x_test[:, 0], bundle["x_test"])
    assert np.array_equal(t_test, bundle["t_test"])
    x_train[0] = 1  # the student's own copy


def test_full_set_is_read_without_tensorflow_and_named_once_on_stdout(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    run = run_python(
        "import sys, helpers.datasets as d\n"
        "d.load_mnist(); d.load_mnist()\n"
        "assert 'tensorflow_datasets' in sys.modules\n"
        "assert 'tensorflow' not in sys.modules"
    )
    assert run.stdout.splitlines() == [
        "MNIST: 10,000 training and 10,000 test images: the full set, from "
        f"{prepared / 'mnist_idx' / '1.0.0'}"
    ]
    assert run.stderr == ""


def test_data_dir_is_the_home_folders_unless_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TFDS_DATA_DIR")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    home = datasets._full_set_folder()
    assert home == Path("/home/ada/tensorflow_datasets/mnist_idx/1.0.0")
    monkeypatch.setenv("TFDS_DATA_DIR", "~/elsewhere")
    assert datasets._full_set_folder() == Path("/home/ada/elsewhere/mnist_idx/1.0.0")
    assert datasets._full_set_folder("/given") == Path("/given/mnist_idx/1.0.0")


@pytest.mark.parametrize("error", [PermissionError, NotADirectoryError])
def test_a_folder_that_may_not_be_read_is_as_good_as_none(
    error: type[OSError],
    prepared: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(folder: Path) -> list[str]:
        raise error(folder)

    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    monkeypatch.setattr(os, "listdir", refuse)
    load_mnist()
    assert capsys.readouterr().out.endswith("fetches all 60,000\n")


# prepare_mnist


def test_preparing_again_keeps_what_is_there(
    prepared: Path, files: dict[str, IdxFile], capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in contents(prepared)}
    folder = prepare_mnist(prepared, "http://127.0.0.1:9/nobody", files)
    assert {path: path.stat().st_mtime_ns for path in contents(prepared)} == before
    out, err = capfd.readouterr()
    assert out == f"MNIST is already prepared in {folder}\n"
    assert err == ""


def test_prepared_set_says_its_licence(prepared: Path) -> None:
    assert (prepared / "mnist_idx/1.0.0/LICENSE").read_text() == "CC BY-SA 3.0"


def test_any_program_can_read_the_prepared_set(prepared: Path, bundle: Arrays) -> None:
    import tensorflow_datasets as tfds

    source = tfds.data_source("mnist_idx", split="test", data_dir=prepared)
    assert np.array_equal(source[9_999]["image"], bundle["x_test"][9_999])


HARMS: dict[str, Callable[[Path], object]] = {
    "no description": lambda folder: (folder / "dataset_info.json").unlink(),
    "half a description": lambda folder: (folder / "dataset_info.json").write_text('{"name": '),
    "an unknown description": lambda folder: (folder / "dataset_info.json").write_text('{"a": 1}'),
    "no images": lambda folder: records(folder).unlink(),
    "half the images": lambda folder: os.truncate(records(folder), 2_000_000),
    "one flipped bit": lambda folder: flip_bit(records(folder)),
}


def records(folder: Path) -> Path:
    return folder / "mnist_idx-train.array_record-00000-of-00001"


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.fixture
def damaged(
    request: pytest.FixtureRequest, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A data_dir whose full set has suffered the harm of the test's parameter."""
    shutil.copytree(prepared, tmp_path / "damaged")
    HARMS[request.param](tmp_path / "damaged" / "mnist_idx" / "1.0.0")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "damaged"))
    return tmp_path / "damaged"


@pytest.mark.parametrize("damaged", HARMS, indirect=True)
def test_a_damaged_set_is_passed_over_in_one_line(
    damaged: Path, bundle: Arrays, capfd: pytest.CaptureFixture[str]
) -> None:
    (x_train, _), _ = load_mnist(normalize=False)
    assert np.array_equal(x_train, bundle["x_train"].reshape(-1, 784))
    out, err = capfd.readouterr()
    assert re.fullmatch(
        r"MNIST: 10,000 training .* bundled with the course; .* "
        rf"\(the full set in {damaged}/mnist_idx/1\.0\.0 is damaged or incomplete: .+\)\n",
        out,
    )
    assert err == ""


@pytest.mark.parametrize("damaged", ["half the images"], indirect=True)
def test_a_damaged_set_is_replaced(
    damaged: Path, server: str, files: dict[str, IdxFile], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MnistError, match="404"):
        prepare_mnist(damaged, f"{server}/missing", files)
    capfd.readouterr()
    folder = prepare_mnist(damaged, f"{server}/good", files)
    load_mnist()
    out, err = capfd.readouterr()
    *fetching, ready, loaded = out.splitlines()
    assert fetching == [f"fetching {file.name}.gz from {server}/good" for file in files.values()]
    counts = "MNIST: 10,000 training and 10,000 test images"
    assert re.fullmatch(rf"{counts} are ready in {folder} \(\d+\.\d s\)", ready)
    assert loaded == f"{counts}: the full set, from {folder}"
    assert err == ""
    assert list(damaged.iterdir()) == [damaged / "mnist_idx"]
    assert list((damaged / "mnist_idx").iterdir()) == [folder]


def test_a_set_of_other_images_is_fetched_anew(
    prepared: Path, server: str, files: dict[str, IdxFile], bundle: Arrays
) -> None:
    others = files | {"t_train": described(files["t_train"], bundle["t_train"][::-1])}
    with pytest.raises(MnistError, match="404"):
        prepare_mnist(prepared, f"{server}/missing", others)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "the server answers 404 Not Found"),
        ("truncated", "is cut short"),
        ("damaged", "is damaged, or not a gzip file"),
        ("garbled", "is damaged, or not a gzip file"),
        ("portal", "is damaged, or not a gzip file"),
        ("other", "is not the original file: its checksum is another one"),
        ("short", "is cut short: 7,840,015 bytes instead of 7,840,016"),
        ("long", "is not the original file"),
    ],
)
def test_a_bad_download_is_refused_in_one_line_and_leaves_nothing(
    how: str,
    message: str,
    server: str,
    files: dict[str, IdxFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "new"))
    with pytest.raises(MnistError) as caught:
        prepare_mnist(url=f"{server}/{how}/", files=files)
    assert message in str(caught.value)
    assert "train-images-idx3-ubyte" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()
    load_mnist()
    out, err = capfd.readouterr()
    assert "bundled with the course" in out
    assert err == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{closed_port}", "refused"),
        ("http://no-such-host.invalid", ""),
        ("nonsense", "unknown url type"),
        ("http://127.0.0.1:port", "nonnumeric port"),
        ("file:///no/such/folder", "No such file"),
    ],
)
def test_no_server_is_one_line(url: str, reason: str, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed_port = unused.getsockname()[1]
    with pytest.raises(MnistError) as caught:
        prepare_mnist(tmp_path / "new", url.format(closed_port=closed_port))
    assert "can't be reached: " in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_silent_server_is_not_waited_for(server: str) -> None:
    with pytest.raises(MnistError, match=r"can't be reached: .*timed out"):
        fetch(f"{server}/stalled", MNIST_FILES["t_test"], timeout=0.1)


def test_a_folder_that_cannot_be_written_is_one_line(
    server: str, files: dict[str, IdxFile], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    with pytest.raises(MnistError, match=r"can't be written: .*Not a directory") as caught:
        prepare_mnist(tmp_path / "file", f"{server}/good", files)
    assert "\n" not in str(caught.value)


def test_an_interrupted_writing_leaves_nothing(bundle: Arrays, tmp_path: Path) -> None:
    from helpers import mnist_builder

    def interrupted() -> Iterator[np.ndarray]:
        yield from bundle["x_test"][:5_000]
        assert any("incomplete" in path.name for path in (tmp_path / "mnist_idx").iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mnist_builder.write(bundle | {"x_test": interrupted()}, tmp_path)
    assert contents(tmp_path) == []
    assert datasets._read_full_set(tmp_path / "mnist_idx" / "1.0.0") is None


def test_without_array_record_the_reason_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MnistError, match="array_record, which isn't made for this system"):
        prepare_mnist(tmp_path)


# The command line


def command(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "helpers.datasets", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_command_refuses_in_one_line_with_status_2(server: str, tmp_path: Path) -> None:
    process = command("--url", f"{server}/missing", "--data-dir", str(tmp_path / "new"))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert out.splitlines() == [f"fetching train-images-idx3-ubyte.gz from {server}/missing"]
    assert err == (
        f"MNIST was not prepared: {server}/missing/train-images-idx3-ubyte.gz: "
        "the server answers 404 Not Found\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent by another way there")
def test_command_can_be_interrupted_and_leaves_nothing(server: str, tmp_path: Path) -> None:
    Server.stalled.clear()
    process = command("--url", f"{server}/stalled", "--data-dir", str(tmp_path / "new"))
    assert Server.stalled.wait(PATIENCE)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err == "MNIST was not prepared: interrupted\n"
    assert not (tmp_path / "new").exists()


# Points in a plane

Maker = Callable[..., tuple[np.ndarray, np.ndarray]]
PLANES = pytest.mark.parametrize("make", [flower, moons, circles])


@PLANES
def test_points_come_as_rows_in_two_classes_of_one_size(make: Maker) -> None:
    x, t = make(rng=1)
    assert (x.shape, t.shape) == ((400, 2), (400,))
    assert x.dtype == np.float64
    assert t.dtype == np.int64
    assert np.bincount(t).tolist() == [200, 200]
    assert make(n=10, rng=1)[0].shape == (10, 2)


@PLANES
def test_points_are_those_of_the_generator_or_seed(make: Maker) -> None:
    x, t = make(rng=np.random.default_rng(1))
    for generator, same in ((1, True), (2, False), (None, False)):
        again, labels = make(rng=generator)
        assert np.array_equal(x, again) == same
        assert np.array_equal(t, labels) or not same
    rng = np.random.default_rng(1)
    assert not np.array_equal(make(rng=rng)[0], make(rng=rng)[0])


@PLANES
def test_noise_moves_points_by_as_much_as_it_says(make: Maker) -> None:
    (x, t), (still, same) = make(noise=1e-3, rng=1), make(noise=0.0, rng=1)
    assert np.array_equal(t, same)
    moved = np.abs(x - still).mean()
    assert 2e-4 < moved < 1e-2


def test_flower_has_eight_petals_four_of_each_class() -> None:
    x, t = flower(4000, noise=0, rng=1)
    radius, direction = np.hypot(*x.T), np.arctan2(x[:, 1], x[:, 0]) % (2 * np.pi)
    np.testing.assert_allclose(radius, np.abs(4 * np.sin(4 * direction)), atol=1e-9)
    petal = (direction // (np.pi / 4)).astype(int)
    assert [set(t[petal == k]) for k in range(8)] == [{0}, {1}, {0}, {1}, {1}, {0}, {1}, {0}]
    assert np.bincount(petal).min() > 400
    noisy, _ = flower(4000, noise=0.2, rng=1)
    assert 4 < np.hypot(*noisy.T).max() < 5


def test_moons_and_circles_lie_on_their_curves() -> None:
    x, t = moons(noise=0, rng=1)
    np.testing.assert_allclose(np.hypot(*x[t == 0].T), 1)
    np.testing.assert_allclose(np.hypot(*(x[t == 1] - [1, 0.5]).T), 1)
    x, t = circles(noise=0, rng=1)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(t == 1, 0.5, 1))
