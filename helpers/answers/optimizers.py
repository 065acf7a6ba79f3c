"""The optimizers of chapter 6: each changes parameters in place, one step against their gradients.

`update(params, grads)` takes two dictionaries with the same keys and shapes. An optimizer remembers
the past of each key's array by itself, from its first update on. Knows nothing of networks.
"""

import numpy as np

from helpers.answers.layers import Array

Arrays = dict[str, Array]

EPS = 1e-7  # added to a root that is divided by: outside it, as PyTorch does


class SGD:
    """Stochastic gradient descent: w ← w - lr g."""

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr

    def update(self, params: Arrays, grads: Arrays) -> None:
        """Change each array of params in place, by one step."""
        for key, grad in grads.items():
            params[key] -= self.lr * grad


class Momentum:
    """v ← momentum v - lr g, w ← w + v; v starts at 0. Source: Polyak (1964)."""

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        self.lr, self.momentum = lr, momentum
        self.v: Arrays = {}

    def update(self, params: Arrays, grads: Arrays) -> None:
        """Change each array of params in place, by one step."""
        self.v = self.v or _zeros(params)
        for key, grad in grads.items():
            self.v[key] = self.momentum * self.v[key] - self.lr * grad
            params[key] += self.v[key]


class AdaGrad:
    """h ← h + g², w ← w - lr g / (√h + 1e-7); h starts at 0. Source: Duchi et al. (2011)."""

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr
        self.h: Arrays = {}

    def update(self, params: Arrays, grads: Arrays) -> None:
        """Change each array of params in place, by one step."""
        self.h = self.h or _zeros(params)
        for key, grad in grads.items():
            self.h[key] = self.h[key] + grad**2
            params[key] -= self.lr * grad / (np.sqrt(self.h[key]) + EPS)


class RMSprop:
    """h ← ρ h + (1 - ρ) g², w ← w - lr g / (√h + 1e-7), with ρ the decay rate; h starts at 0.

    Source: Hinton, Neural Networks for Machine Learning, lecture 6 (2012).
    """

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99) -> None:
        self.lr, self.decay_rate = lr, decay_rate
        self.h: Arrays = {}

    def update(self, params: Arrays, grads: Arrays) -> None:
        """Change each array of params in place, by one step."""
        self.h = self.h or _zeros(params)
        keep = self.decay_rate
        for key, grad in grads.items():
            self.h[key] = keep * self.h[key] + (1 - keep) * grad**2
            params[key] -= self.lr * grad / (np.sqrt(self.h[key]) + EPS)


class Adam:
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g²; w ← w - lr m̂ / (√v̂ + 1e-7).

    m and v start at 0, which m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) make up for; t counts the
    updates from 1. Source: Kingma and Ba (2015), algorithm 1.
    """

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.t = 0
        self.m: Arrays = {}
        self.v: Arrays = {}

    def update(self, params: Arrays, grads: Arrays) -> None:
        """Change each array of params in place, by one step."""
        self.m = self.m or _zeros(params)
        self.v = self.v or _zeros(params)
        self.t += 1
        for key, grad in grads.items():
            self.m[key] = self.beta1 * self.m[key] + (1 - self.beta1) * grad
            self.v[key] = self.beta2 * self.v[key] + (1 - self.beta2) * grad**2
            mean = self.m[key] / (1 - self.beta1**self.t)
            square = self.v[key] / (1 - self.beta2**self.t)
            params[key] -= self.lr * mean / (np.sqrt(square) + EPS)


def _zeros(params: Arrays) -> Arrays:
    return {key: np.zeros_like(param) for key, param in params.items()}
