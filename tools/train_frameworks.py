"""Train chapter 7's networks on all 60,000 images: `helpers/data/frameworks_histories.json`.

    python -m tools.train_frameworks SOURCE [--output helpers/data/frameworks_histories.json]

SOURCE is what `tools/make_mnist_bundle.py` takes. Needs the extra `frameworks`. Four networks, all
784-50-100-10 with sigmoids: in Keras as the original material trained it, and as it should be; in
PyTorch the museum's exhibit, which returns a softmax of its second hidden layer, and the same
network fixed. Of each epoch the mean loss in training and the accuracy on the 10,000 test images
are kept, of PyTorch's also how far the weights of each layer have moved (RMS). The test images
choose nothing. Another machine rounds differently and gets other digits behind the second.
"""

import argparse
import json
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from helpers.mnist_files import MnistError
from tools.make_mnist_bundle import read_originals

SEED = 7
KERAS_EPOCHS, KERAS_BATCH = 20, 32  # with Adam, as Keras has it by default
TORCH_EPOCHS, TORCH_BATCH, TORCH_RATE, MOMENTUM = 10, 64, 0.1, 0.9

Images = NDArray[Any]
Data = tuple[tuple[Images, Images], tuple[Images, Images]]
History = dict[str, Any]


def keras_history(data: Data, *, original: bool) -> History:
    """Train in Keras.

    Args:
        data: images as bytes, rows of 784, and digits; for training and for the test.
        original: bytes as they are, a softmax layer at the end and the mean squared error to
            one-hot rows; otherwise pixels from 0 to 1, scores, and cross-entropy of the scores.
    """
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    keras.utils.set_random_seed(SEED)
    layers = [keras.layers.Dense(size, activation="sigmoid") for size in (50, 100)]
    last = keras.layers.Dense(10, activation="softmax" if original else None)
    model = keras.Sequential([keras.Input((784,)), *layers, last])
    optimizer = keras.optimizers.Adam()
    if original:
        model.compile(optimizer, loss="mse", metrics=["categorical_accuracy"])
        train, test = ((x.astype(np.float32), np.eye(10, dtype=np.float32)[t]) for x, t in data)
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, metrics=["sparse_categorical_accuracy"])
        train, test = ((_scaled(x), t) for x, t in data)
    start = time.perf_counter()
    log = model.fit(
        *train, batch_size=KERAS_BATCH, epochs=KERAS_EPOCHS, validation_data=test, verbose=0
    ).history
    (name,) = (name for name in log if name.startswith("val_") and name.endswith("accuracy"))
    return _history(log["loss"], log[name], time.perf_counter() - start)


class Network(nn.Module):  # type: ignore[misc]  # mypy doesn't see it
    """784-50-100-10 with sigmoids; the exhibit answers from the wrong layer."""

    def __init__(self, *, exhibit: bool) -> None:
        super().__init__()
        self.layer1, self.layer2, self.layer3 = (
            nn.Linear(n, m) for n, m in ((784, 50), (50, 100), (100, 10))
        )
        self.exhibit = exhibit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores, (N, 10); of the exhibit probabilities, (N, 100)."""
        z2 = self.layer2(torch.sigmoid(self.layer1(x)))
        return torch.softmax(z2, dim=1) if self.exhibit else self.layer3(torch.sigmoid(z2))


def torch_history(data: Data, *, exhibit: bool) -> History:
    """Train in PyTorch; see `keras_history`."""
    (x_train, t_train), (x_test, t_test) = (
        (torch.from_numpy(_scaled(x)), torch.from_numpy(t.astype(np.int64))) for x, t in data
    )
    torch.manual_seed(SEED)
    net = Network(exhibit=exhibit)
    first = {name: value.detach().clone() for name, value in net.named_parameters()}
    optimizer = torch.optim.SGD(net.parameters(), TORCH_RATE, MOMENTUM)
    losses, accuracy = [], []
    start = time.perf_counter()
    for _ in range(TORCH_EPOCHS):
        total = 0.0
        for rows in torch.randperm(len(x_train)).split(TORCH_BATCH):
            loss = nn.functional.cross_entropy(net(x_train[rows]), t_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(x_train))
        with torch.no_grad():
            right = net(x_test).argmax(dim=1) == t_test
        accuracy.append(right.double().mean().item())
    found = _history(losses, accuracy, time.perf_counter() - start)
    moved = {
        name: float((value.detach() - first[name]).square().mean().sqrt())
        for name, value in net.named_parameters()
    }
    return found | {"moved": {name: round(value, 6) for name, value in moved.items()}}


def _history(loss: list[float], accuracy: list[float], seconds: float) -> History:
    return {
        "loss": [round(value, 6) for value in loss],
        "accuracy": [round(value, 4) for value in accuracy],
        "seconds": round(seconds, 1),
    }


def _scaled(x: Images) -> Images:
    return np.divide(x, 255, dtype=np.float32)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Train the networks that chapter 7 shows.")
    parser.add_argument("source", type=Path, help="folder of the four files, or the npm package")
    parser.add_argument(
        "--output", type=Path, default=Path("helpers/data/frameworks_histories.json")
    )
    options = parser.parse_args()
    try:
        arrays = read_originals(options.source)
    except (MnistError, OSError, EOFError, zlib.error, KeyError) as error:
        parser.exit(2, f"nothing was trained: {error}\n")
    torch.set_num_threads(1)
    data: Data = tuple(  # type: ignore[assignment]
        (arrays[f"x_{part}"].reshape(-1, 784), arrays[f"t_{part}"]) for part in ("train", "test")
    )
    runs: dict[str, Callable[[], History]] = {
        "torch_exhibit": lambda: torch_history(data, exhibit=True),
        "torch_fixed": lambda: torch_history(data, exhibit=False),
        "keras_original": lambda: keras_history(data, original=True),
        "keras_fixed": lambda: keras_history(data, original=False),
    }
    histories = {}
    for name, run in runs.items():
        histories[name] = run()
        print(
            f"{name}: {histories[name]['accuracy'][-1]:.4f} on the 10,000 test images", flush=True
        )
    options.output.write_text(json.dumps(histories, indent=1) + "\n", encoding="utf-8")
    print(f"{options.output}: {options.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
