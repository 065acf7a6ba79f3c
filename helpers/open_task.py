"""What an open task is held against: a budget, a hidden test set, and the rules of a fair test.

For test cells of the final project. Each `assert_...` raises AssertionError with one sentence. The
labels of hidden images stay here: a classifier is called with images alone. Knows nothing of how
one is trained.
"""

import ast
from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import combinations, pairwise, product
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.answers.project import reduce_to_8x8, shifted
from helpers.diagnosis import as_numbers
from helpers.digits import Part
from helpers.handed_in import Arrays, read_arrays
from helpers.specification.homes import Home
from helpers.specification.promises import hidden_file
from helpers.specification.values import copied

POOL = "digits.npz"
NEW_IMAGES = 2_000  # of the pool, for each student
LONGEST_CODE = 8_000  # bytes of the cell that predicts
BYTES = 4  # of text, and of an integer, that count as one number
CHANCE = 3.0  # standard errors
PALER = 5  # times as pale, when images are read by themselves
ALONE = 20  # of them come alone
FAR_MORE = 0.25  # of the images, when they are read otherwise
CLASSES = 10
PIXELS = 64
PATTERNS = 1_000  # images, to be learnt in
PATTERN_EPOCHS = 10  # epochs, which may take
LONGEST_TRAINING = 10  # seconds

Predict = Callable[[Arrays, NDArray[np.int64]], Any]
Train = Callable[..., Any]


# --- the budget -----------------------------------------------------------------------------------


def weights(predict: Predict) -> Arrays:
    """Return the arrays of weights.npz.

    Raises:
        NotImplementedError: if `predict` has not been written.
        HandInError: if there is no such file, or it holds anything but plain, finite numbers.
    """
    try:
        predict({}, np.zeros((1, 8, 8), dtype=np.int64))
    except Exception as error:  # it was given no arrays
        if isinstance(error, NotImplementedError):
            raise
    return read_arrays("weights.npz")


def assert_within(budget: int, params: Mapping[str, NDArray[Any]], code: str) -> int:
    """Count what a prediction needs, and raise AssertionError if it is more than the budget.

    Args:
        budget: numbers.
        params: the arrays that were handed in.
        code: the cell that predicts.

    Returns:
        How many numbers it needs.
    """
    arrays = sum(array.size for array in params.values())
    written = numbers_in(code)
    needed = arrays + written
    if needed > budget:
        raise AssertionError(
            f"Your prediction needs {needed:,} numbers, {arrays:,} in the arrays and {written:,} "
            f"in the code of its cell; the budget is {budget:,}."
        )
    size = len(code.encode(errors="replace"))
    if size > LONGEST_CODE:
        raise AssertionError(
            f"The cell of your prediction is {size:,} bytes long; {LONGEST_CODE:,} are allowed."
        )
    return needed


def numbers_in(code: str) -> int:
    """Count the numbers that are written in code: a table in it is a parameter like any other.

    A number counts as one, a text (a docstring too) as one for each 4 bytes begun, and an integer
    as one for each 4 bytes that it needs.
    """
    try:
        nodes = ast.walk(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0  # it doesn't run either
    return sum(_worth(node.value) for node in nodes if isinstance(node, ast.Constant))


def _worth(value: Any) -> int:
    match value:
        case bool() | None:
            return 0
        case int():
            size = (value.bit_length() + 7) // 8
        case str():
            size = len(value.encode(errors="replace"))
        case bytes():
            size = len(value)
        case complex():
            size = 2 * BYTES
        case _:
            size = BYTES
    return max(1, -(-size // BYTES)) if not isinstance(value, str | bytes) else -(-size // BYTES)


# --- predictions ----------------------------------------------------------------------------------


def predictions(predict: Predict, params: Arrays, images: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the digits that are predicted.

    Raises:
        AssertionError: unless there is one digit from 0 to 9 for each image.
    """
    answer = predict({name: array.copy() for name, array in params.items()}, images.copy())
    if answer is None:
        raise AssertionError("`predict` returns None: a `return` is missing.")
    digits = as_numbers(answer)
    if isinstance(digits, str):
        raise AssertionError(f"What `predict` returns {digits}")
    if digits.shape != (len(images),):
        raise AssertionError(
            f"For {len(images)} {'image' if len(images) == 1 else 'images'} `predict` returns an "
            f"array of shape {digits.shape} instead of ({len(images)},)."
        )
    if digits.dtype.kind not in "iu":
        raise AssertionError("What `predict` returns are not whole numbers from 0 to 9.")
    if (beyond := digits[(digits < 0) | (digits >= CLASSES)]).size:
        raise AssertionError(
            "What `predict` returns are not all whole numbers from 0 to 9: "
            f"{beyond[0]} is among them."
        )
    return digits.astype(np.int64)


def assert_each_by_itself(
    predict: Predict, params: Arrays, images: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Raise AssertionError if a prediction depends on other images, on order or on earlier calls.

    Paler images are among them, and those that are read as one digit come together: a mean or a
    largest number of all images is another one then. What a prediction is given has to stay as it
    is: the same arrays would be read differently the next time.

    Args:
        predict: the student's.
        params: arrays.
        images: some.
        rng: draws the order.
    """
    images = np.concatenate([images, images // PALER])
    whole = predictions(predict, params, images)
    if not np.array_equal(predictions(predict, params, images), whole):
        raise AssertionError("The same images are read differently the second time.")
    order = rng.permutation(len(images))
    turned = predictions(predict, params, images[order])
    if np.array_equal(turned, whole) and not np.array_equal(turned, whole[order]):
        raise AssertionError(
            "In another order the images get the same digits as before, place by place: is "
            "something kept of the call before, or does the place of an image count?"
        )
    if not np.array_equal(turned, whole[order]):
        raise AssertionError("In another order the same images are read differently.")
    for k in order[:ALONE]:
        if predictions(predict, params, images[[k]])[0] != whole[k]:
            raise AssertionError("An image by itself is read differently than among others.")
    for some in (whole == digit for digit in np.unique(whole)):
        if not np.array_equal(predictions(predict, params, images[some]), whole[some]):
            raise AssertionError("Among other images the same ones are read differently.")
    _assert_stays(predict, params, images)


def _assert_stays(predict: Predict, params: Arrays, images: NDArray[np.int64]) -> None:
    """Raise AssertionError if a prediction changes the arrays or the images that it is given."""
    arrays, given = {name: array.copy() for name, array in params.items()}, images.copy()
    predict(arrays, given)
    if list(arrays) != list(params) or not all(
        np.array_equal(arrays[name], array) for name, array in params.items()
    ):
        raise AssertionError("`predict` changes the `params` that it is given: work on a copy.")
    if not np.array_equal(given, images):
        raise AssertionError("`predict` changes the `images` that it is given: work on a copy.")


def accuracy(
    predict: Predict, params: Arrays, images: NDArray[np.int64], labels: NDArray[np.int64]
) -> float:
    """Return the fraction of images that are classified correctly."""
    return float(np.mean(predictions(predict, params, images) == labels))


# --- the hidden test set --------------------------------------------------------------------------


def new_images(rng: np.random.Generator, count: int = NEW_IMAGES) -> Part:
    """Draw a hidden test set: images of the pool, each moved by up to a pixel of its bitmap.

    Args:
        rng: who knows its state knows the set.
        count: how many.

    Returns:
        images (count, 8, 8) of whole numbers from 0 to 16, and labels (count,).
    """
    with np.load(BytesIO(hidden_file(POOL)), allow_pickle=False) as file:
        bitmaps, labels = file["bitmaps"], file["labels"]
    chosen = rng.choice(len(bitmaps), min(count, len(bitmaps)), replace=False)
    return reduce_to_8x8(shifted(bitmaps[chosen], rng)), labels[chosen].astype(np.int64)


def assert_reaches(
    found: float | None, wanted: float, more: Callable[[], str] = lambda: ""
) -> None:
    """Raise AssertionError unless an accuracy on new images is as high as is asked for.

    Args:
        found: the accuracy; None if there is none.
        wanted: what is asked for.
        more: tells what else is known, if it is too low.
    """
    if found is None:
        raise AssertionError("None of the new images could be classified: see the previous check.")
    if found < wanted:
        words = more()
        raise AssertionError(
            f"{100 * found:.1f} % of the new images are classified correctly; "
            f"{100 * wanted:g} % are required.{words and ' '}{words}"
        )


def read_otherwise(
    predict: Predict, params: Arrays, images: NDArray[np.int64], labels: NDArray[np.int64]
) -> str:
    """Return how images must be changed so that far more are classified correctly, if it is known.

    If images are prepared in another way in training than in `predict`, this shows where.
    """
    usual = accuracy(predict, params, images, labels)
    changes: dict[str, Callable[[Any], Any]] = {
        "with rows for columns": lambda x: x.swapaxes(1, 2),
        "upside down": lambda x: x[:, ::-1],
        "mirrored": lambda x: x[:, :, ::-1],
        "with ink for paper": lambda x: 16 - x,
        "with all numbers times 16": lambda x: 16 * x,
        "with all numbers divided by 16": lambda x: x / 16,
    }
    for words, change in changes.items():
        try:
            found = accuracy(predict, params, change(images), labels)
        except Exception:  # it need not take them
            continue
        if found > usual + FAR_MORE:
            return (
                f"The same images {words}: {100 * found:.1f} %. Does `predict` prepare them as "
                "they were prepared for the training?"
            )
    return ""


def assert_claimed(claimed: Any, found: float, count: int) -> None:
    """Raise AssertionError unless an accuracy that is claimed is the one that is found.

    Two images more or less are rounding: other computers add up in another order.

    Args:
        claimed: what the student says.
        found: what the handed-in weights reach.
        count: of images.
    """
    number = as_numbers(claimed)
    if isinstance(number, str) or number.shape != () or not 0 <= number <= 1:
        raise AssertionError(
            "A claim is one number from 0 to 1, the fraction classified correctly."
        )
    if not abs(float(number) - found) < 2.5 / count:
        raise AssertionError(
            f"You claim {float(number):.3f}, but weights.npz reaches {found:.3f} there."
        )


def assert_borne_out(claimed: float, count: int, found: float, others: int) -> None:
    """Raise AssertionError if what is claimed is higher than new images bear out.

    Both are fractions of images drawn from the same writers, so their difference has a standard
    error. Three of them are exceeded by chance once in 700 times.

    Args:
        claimed: the fraction of right answers on the released test part.
        count: its images.
        found: the fraction on new images.
        others: their number.
    """
    right = (claimed * count + found * others) / (count + others)
    error = np.sqrt(max(right * (1 - right), 1 / (count + others)) * (1 / count + 1 / others))
    if claimed - found > CHANCE * error:
        raise AssertionError(
            f"On the released test part {claimed:.3f} are right, on new images {found:.3f}: more "
            f"than chance explains ({CHANCE:g} standard errors are {CHANCE * error:.3f}). Has the "
            "released part trained or chosen the network?"
        )


# --- training -------------------------------------------------------------------------------------


def trained(train: Train, images: NDArray[np.int64], labels: NDArray[np.int64], **how: Any) -> Any:
    """Return what a training gives, as a dictionary of float arrays.

    Raises:
        AssertionError: if it is anything else.
    """
    params = train(images.copy(), labels.copy(), **how)
    if params is None:
        raise AssertionError("`train` returns None: a `return` is missing.")
    if not isinstance(params, Mapping) or not params:
        raise AssertionError("`train` returns a dictionary of arrays, such as {'W1': ...}.")
    found = {}
    for name, value in params.items():
        array = as_numbers(value)
        if not isinstance(name, str) or isinstance(array, str):
            raise AssertionError("`train` returns a dictionary of arrays, such as {'W1': ...}.")
        if not np.all(np.isfinite(array)):
            raise AssertionError(
                f"The array {name!r} that `train` returns holds a NaN or an infinite number."
            )
        found[name] = np.array(array, dtype=np.float32)
    return found


def assert_leaves(
    train: Train, images: NDArray[np.int64], labels: NDArray[np.int64], **how: Any
) -> None:
    """Raise AssertionError if a training changes the images or the labels that it is given."""
    given = {"images": images.copy(), "labels": labels.copy()}
    train(*given.values(), **how)
    for (name, after), before in zip(given.items(), (images, labels), strict=True):
        if not np.array_equal(after, before):
            raise AssertionError(f"`train` changes the `{name}` that it is given: work on a copy.")


def assert_kept(
    home: Home,
    train: Train,
    data: tuple[NDArray[np.int64], NDArray[np.int64]],
    others: tuple[NDArray[np.int64], NDArray[np.int64]],
    **how: Any,
) -> None:
    """Raise AssertionError if a later training changes the arrays that an earlier one returned."""
    first = home.invoke(train, copied(data), how)
    (before,) = copied(tuple(home.seen([first])))
    home.invoke(train, copied(others), how)
    (after,) = home.seen([first])
    if any(not np.array_equal(after.get(name), array) for name, array in before.items()):
        raise AssertionError(
            "A training changes the arrays that an earlier one returned: make new ones each time."
        )


def assert_each_counts(
    train: Train, images: NDArray[np.int64], labels: NDArray[np.int64], **how: Any
) -> None:
    """Raise AssertionError if the label of one of a few images makes no difference."""
    usual = trained(train, images, labels, **how)
    for k in range(len(labels)):
        changed = np.where(np.arange(len(labels)) == k, CLASSES - 1 - labels, labels)
        if same_arrays(usual, trained(train, images, changed, **how)):
            raise AssertionError(
                f"Of {len(labels)} images the label of number {k + 1} makes no difference: each "
                "image is to be taken in each epoch."
            )


def assert_repeatable(code: str) -> None:
    """Raise AssertionError if code takes the hash of a text: each process has another one."""
    for node in ast.walk(ast.parse(code)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "hash"
        ):
            inside = [one for value in node.args for one in ast.walk(value)]
            if any(isinstance(one, ast.JoinedStr) or _is_text(one) for one in inside):
                raise AssertionError(
                    "`hash` of a text is another number in each new process of Python, so what is "
                    "drawn from it can't be repeated: start the generator from the seed itself."
                )


def _is_text(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("str", "repr", "format")


def assert_differ(networks: Mapping[int, Mapping[str, NDArray[Any]]]) -> None:
    """Raise AssertionError if networks of different seeds are equal.

    Args:
        networks: their arrays by seed.
    """
    pairs = list(combinations(networks.items(), 2))
    equal = [(one, other) for (one, a), (other, b) in pairs if same_arrays(a, b)]
    if len(equal) == len(pairs):
        raise AssertionError("Two seeds give the same network: nothing is drawn from the seed.")
    if equal:
        raise AssertionError(
            "The seeds {} and {} give the same network: the generator has to start from the whole "
            "seed.".format(*equal[0])
        )


def same_arrays(a: Mapping[str, NDArray[Any]], b: Mapping[str, NDArray[Any]]) -> bool:
    """Tell whether two trainings gave the same numbers, but for rounding."""
    return shapes(a) == shapes(b) and all(np.allclose(a[key], b[key], atol=1e-6) for key in a)


def shapes(params: Mapping[str, NDArray[Any]]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array by name."""
    return {name: array.shape for name, array in params.items()}


def patterns(rng: np.random.Generator, count: int) -> Part:
    """Draw images of ten clear patterns, with some noise and an empty border, and their numbers.

    Args:
        rng: draws the patterns and the noise.
        count: how many images.

    Returns:
        images (count, 8, 8) of whole numbers from 0 to 16, and labels (count,).
    """
    clear = rng.permuted(np.tile(np.arange(36) % 2 * 16, (CLASSES, 1)), axis=1)
    labels = rng.permutation(np.arange(count) % CLASSES)
    noisy = clear[labels] + rng.integers(-2, 3, (count, 36))
    images = noisy.clip(0, 16).reshape(count, 6, 6)
    return np.pad(images, ((0, 0), (1, 1), (1, 1))), labels


def assert_learns_patterns(train: Train, rng: np.random.Generator) -> None:
    """Raise AssertionError unless a training learns ten clear patterns, in the time allowed.

    It is read without `predict`, which need not be there yet: this can be told of networks of plain
    layers alone. Of all others only the time, and that their numbers are finite, is known.

    Args:
        train: the student's.
        rng: draws the patterns and the seed.
    """
    images, labels = patterns(rng, 2 * PATTERNS)
    begun = process_time()
    found = trained(
        train,
        images[:PATTERNS],
        labels[:PATTERNS],
        seed=int(rng.integers(1, 1000)),
        epochs=PATTERN_EPOCHS,
    )
    if (seconds := process_time() - begun) > LONGEST_TRAINING:
        raise AssertionError(
            f"{PATTERN_EPOCHS} epochs with {PATTERNS:,} images take `train` {seconds:.0f} seconds; "
            f"{LONGEST_TRAINING} are allowed."
        )
    right = read_plainly(found, images[PATTERNS:], labels[PATTERNS:])
    if right is not None and right < 0.5:
        raise AssertionError(
            f"Trained for {PATTERN_EPOCHS} epochs on {PATTERNS:,} images of ten clear patterns, "
            f"your network reads {right:.0%} of other images of them: it doesn't learn. Does each "
            "image keep its label, and does each step go down?"
        )


def read_plainly(
    params: Mapping[str, NDArray[Any]], images: NDArray[np.int64], labels: NDArray[np.int64]
) -> float | None:
    """Return the fraction that a network of plain layers reads, in the best of the usual ways.

    How the images are prepared, and which activation stands between the layers, is not known; each
    way that is not the network's own only reads fewer of them.

    Args:
        params: arrays by name.
        images: of these.
        labels: their digits.

    Returns:
        None if the arrays are not those of layers from 64 inputs to 10 scores.
    """
    layers = _layers(params)
    if not layers:
        return None
    rows, turned = (x.reshape(-1, PIXELS) / 16 for x in (images, images.swapaxes(1, 2)))
    spread = np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1)
    inputs = [rows, turned, 16 * rows, rows / 16, rows - rows.mean(), 2 * rows - 1, 1 - rows]
    inputs += [rows - rows.mean(axis=0), (rows - rows.mean(axis=0)) / spread]
    activations: tuple[Callable[[Any], Any], ...] = (
        lambda z: np.maximum(z, 0),
        np.tanh,
        lambda z: 1 / (1 + np.exp(-z.clip(-50, 50))),
    )
    found = []
    for x, activation in product(inputs, activations):
        for W, b in layers[:-1]:
            x = activation(x @ W + b)
        W, b = layers[-1]
        found.append(float(np.mean((x @ W + b).argmax(axis=1) == labels)))
    return max(found)


def _layers(params: Mapping[str, NDArray[Any]]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return weights and biases from 64 inputs to 10 scores; none if the arrays are others."""
    arrays = [params[name] for name in sorted(params, key=lambda name: (len(name), name))]
    weights = [array for array in arrays if array.ndim == 2 and min(array.shape) > 1]
    biases = [array.ravel() for array in arrays if array.ndim == 1 or 1 in array.shape]
    sizes = [PIXELS, *(bias.size for bias in biases)]
    if len(weights) + len(biases) != len(arrays) or sizes[-1] != CLASSES:
        return []
    wanted = list(pairwise(sizes))
    if [W.shape[::-1] for W in weights] == wanted:
        weights = [W.T for W in weights]
    same = [W.shape for W in weights] == wanted and all(n != m for n, m in wanted)
    return list(zip(weights, biases, strict=True)) if same else []


def assert_learns(
    train: Train,
    predict: Predict,
    params: Arrays,
    images: NDArray[np.int64],
    labels: NDArray[np.int64],
    rng: np.random.Generator,
    epochs: int,
) -> None:
    """Raise AssertionError unless training, with digits renamed at random, learns the new names.

    Who hands in what another program has trained has no training function that can do this.

    Args:
        train: the student's.
        predict: the student's.
        params: the handed-in arrays: training has to give arrays of these names and shapes.
        images: training images.
        labels: their labels.
        rng: draws the new names and the seed.
        epochs: few.
    """
    renamed = (np.arange(CLASSES) + rng.integers(1, CLASSES)) % CLASSES
    found = trained(train, images, renamed[labels], seed=int(rng.integers(1000)), epochs=epochs)
    if shapes(found) != shapes(params):
        raise AssertionError(
            "`train` gives arrays of other names or shapes than weights.npz holds: has another "
            "version of it trained them?"
        )
    right = accuracy(predict, found, images, renamed[labels])
    if right < 0.5:
        raise AssertionError(
            f"Trained for {epochs} epochs on images whose digits have been renamed, your network "
            f"reads {right:.0%} of these very images: `train` doesn't learn from what it is given."
        )
