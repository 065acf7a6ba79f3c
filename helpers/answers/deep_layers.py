"""The layers of chapter 6, finished: batch normalization and dropout, in training and evaluation.

They keep the contract of `helpers.answers.layers`: a batch is rows, (N, features), and what a layer
returns or keeps is its own array. Knows nothing of networks and training.
"""

import numpy as np

from helpers.answers.layers import Array

EPS = 1e-7  # added to the variance under the root


class BatchNormalization:
    """y = gamma (x - mean) / sqrt(variance + 1e-7) + beta, feature by feature.

    In training mode mean and variance are the batch's own (divided by N), and both are blended into
    the running ones: running = momentum running + (1 - momentum) batch. In evaluation mode the
    running ones are used and stay as they are.
    Source: Ioffe and Szegedy (2015). PyTorch blends in the variance divided by N - 1, and its
    `momentum` is 1 minus this one.

    Args:
        gamma: scale, shape (features,). Used as it is, so that training can change it.
        beta: shift, shape (features,). Likewise.
        momentum: the part of the running values that stays.
        running_mean: to start from, shape (features,); 0 if there is none.
        running_var: likewise; 1 if there is none.

    Attributes:
        running_mean: of the inputs seen in training mode.
        running_var: likewise.
        dgamma: the loss's gradient at gamma; there after `backward`.
        dbeta: the loss's gradient at beta; there after `backward`.
    """

    def __init__(
        self,
        gamma: Array,
        beta: Array,
        momentum: float = 0.9,
        running_mean: Array | None = None,
        running_var: Array | None = None,
    ) -> None:
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean = np.zeros_like(gamma) if running_mean is None else running_mean
        self.running_var = np.ones_like(gamma) if running_var is None else running_var

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """Return the normalized batch, scaled and shifted, shape (N, features)."""
        if not train_flg:
            xhat = (x - self.running_mean) / np.sqrt(self.running_var + EPS)
            return np.asarray(self.gamma * xhat + self.beta)
        mean, var = x.mean(axis=0), x.var(axis=0)
        keep = self.momentum
        self.running_mean = keep * self.running_mean + (1 - keep) * mean
        self.running_var = keep * self.running_var + (1 - keep) * var
        self.std = np.sqrt(var + EPS)
        self.xhat = (x - mean) / self.std
        return np.asarray(self.gamma * self.xhat + self.beta)

    def backward(self, dout: Array) -> Array:
        """Return the gradient at the input of the last `forward` in training mode.

        Each x moves its batch's mean and variance too: dx = (d - mean(d) - xhat mean(d xhat)) / std
        with d = gamma dout.
        """
        self.dbeta = dout.sum(axis=0)
        self.dgamma = (dout * self.xhat).sum(axis=0)
        d = self.gamma * dout
        through_mean, through_var = d.mean(axis=0), self.xhat * (d * self.xhat).mean(axis=0)
        return np.asarray((d - through_mean - through_var) / self.std)


class Dropout:
    """Switch off each activation with probability `dropout_ratio` while training.

    In evaluation mode all of them work, each multiplied by 1 - dropout_ratio, which is what it was
    worth on average. Source: Srivastava et al. (2014). PyTorch divides by 1 - dropout_ratio in
    training mode and does nothing in evaluation mode.

    Args:
        dropout_ratio: the probability, 0 or more and below 1.
        rng: where masks are drawn from: a generator, a seed, or None for a new one.

    Attributes:
        mask: True where an activation stayed on, of x's shape; there after a `forward` in training.
    """

    def __init__(
        self, dropout_ratio: float = 0.5, rng: np.random.Generator | int | None = None
    ) -> None:
        self.dropout_ratio = dropout_ratio
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """Return x with a part switched off (train) or all of it turned down (test)."""
        if not train_flg:
            return np.asarray(x * (1 - self.dropout_ratio))
        self.mask = self.rng.random(x.shape) >= self.dropout_ratio
        return x * self.mask

    def backward(self, dout: Array) -> Array:
        """Return the gradient at the input of the last `forward` in training mode."""
        return dout * self.mask
