"""The layers of chapter 4, finished: each runs forward, keeps what it needs, and runs backward.

A batch is rows, (N, features). `backward(dout)` takes the gradient of the loss at the layer's
output and returns the gradient at its input; the gradients of a layer's own parameters stay in the
layer. What a layer returns or keeps is its own array, and it changes none that it was given.
Knows nothing of networks and training.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Relu:
    """y = max(x, 0), element by element; its derivative at 0 is taken as 0."""

    def forward(self, x: Array) -> Array:
        """Return max(x, 0), of x's shape."""
        self.mask = x > 0
        return np.maximum(x, 0)

    def backward(self, dout: Array) -> Array:
        """Return dout where the last x was above 0, and 0 elsewhere."""
        return np.where(self.mask, dout, 0)


class Sigmoid:
    """y = 1 / (1 + exp(-x)), element by element; its derivative is y (1 - y)."""

    def forward(self, x: Array) -> Array:
        """Return the sigmoid of x, of x's shape; no finite x overflows."""
        y = (1 + np.tanh(x / 2)) / 2
        self.slope = y * (1 - y)
        return np.asarray(y)

    def backward(self, dout: Array) -> Array:
        """Return dout times the derivative at the last x."""
        return np.asarray(dout * self.slope)


class Affine:
    """y = x W + b, with each sample flattened first.

    Args:
        W: weights, shape (n, m). Used as they are, so that training can change them in place.
        b: biases, shape (m,).

    Attributes:
        W: the weights.
        b: the biases.
        dW: the loss's gradient at the weights, of W's shape; there after `backward`.
        db: the loss's gradient at the biases, of b's shape; there after `backward`.
    """

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array) -> Array:
        """Return x W + b, shape (N, m); x has shape (N, ...), n numbers per sample."""
        self.shape = x.shape
        self.x = x.reshape(len(x), len(self.W)).copy()
        return np.asarray(self.x @ self.W + self.b)

    def backward(self, dout: Array) -> Array:
        """Return the gradient at x, of x's shape; dout has shape (N, m)."""
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return np.asarray((dout @ self.W.T).reshape(self.shape))


class SoftmaxWithLoss:
    """Scores to mean cross-entropy: softmax and loss in one, whose gradient is (y - t) / N.

    Attributes:
        y: the probabilities, shape (N, classes); there after `forward`.
        t: the right answers, one-hot, shape (N, classes); there after `forward`.
    """

    def forward(self, x: Array, t: Array) -> float:
        """Return the mean over the batch of -log softmax(x) at the right class.

        Args:
            x: scores, shape (N, classes).
            t: labels, shape (N,), or one-hot, shape (N, classes).
        """
        self.t = np.eye(x.shape[1], dtype=x.dtype)[t] if t.ndim == 1 else t.astype(x.dtype)
        logs = log_softmax(x)
        self.y = np.exp(logs)
        return float(-np.sum(self.t * logs) / len(x))

    def backward(self, dout: float = 1.0) -> Array:
        """Return dout times the gradient at the scores, shape (N, classes)."""
        return np.asarray(dout * (self.y - self.t) / len(self.y))


def softmax(x: Array) -> Array:
    """Return the softmax of scores along the last axis."""
    return np.asarray(np.exp(log_softmax(x)))


def log_softmax(x: Array) -> Array:
    """Return log(softmax(x)) along the last axis, with no overflow in exp.

    Source: log softmax(x) = x - log sum exp(x), with the maximum taken off first.
    """
    shifted = x - np.max(x, axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True)))
