"""The network of chapter 6, finished: any depth, with batch normalization, dropout, weight decay.

Scores come out; the loss is softmax cross-entropy and the weights' decay. Knows nothing of data
sets and training.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from helpers.answers.deep_layers import BatchNormalization, Dropout
from helpers.answers.initialization import initial_std
from helpers.answers.layers import Affine, Array, Relu, Sigmoid, SoftmaxWithLoss
from helpers.answers.networks import numerical_gradients

Layer = Affine | BatchNormalization | Relu | Sigmoid | Dropout

ACTIVATIONS: dict[str, type[Relu] | type[Sigmoid]] = {"relu": Relu, "sigmoid": Sigmoid}


class MultiLayerNetExtend:
    """Affine, (batch normalization), activation, (dropout) for each hidden layer; then Affine.

    Args:
        input_size: numbers per sample.
        hidden_size_list: units of each hidden layer.
        output_size: classes.
        activation: "relu" or "sigmoid", of the hidden layers.
        weight_init_std: see `initial_std`; the biases start at 0.
        weight_decay_lambda: λ; the loss holds λ/2 times the sum of all squared weights (W alone).
        use_dropout: whether a dropout layer follows each activation.
        dropout_ratio: of these layers.
        use_batchnorm: whether batch normalization stands before each activation.
        rng: where weights and masks are drawn from: a generator, a seed, or None for a new one.

    Attributes:
        params: W1, b1, ..., and with batch normalization gamma1, beta1, ... The layers use these
            very arrays: change them in place.
        layers: the layers by name (Affine1, BatchNorm1, Activation_function1, Dropout1, Affine2,
            ...), in the order in which they run.
        last_layer: the loss.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: str | float = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ratio: float = 0.5,
        use_batchnorm: bool = False,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is 'relu' or 'sigmoid', not {activation!r}")
        rng = np.random.default_rng(rng)
        sizes = [input_size, *hidden_size_list, output_size]
        self.weight_decay_lambda = weight_decay_lambda
        self.params: dict[str, Array] = {}
        self.layers: dict[str, Layer] = {}
        self.last_layer = SoftmaxWithLoss()
        for k, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
            std = initial_std(n_in, weight_init_std)
            W = self.params[f"W{k}"] = std * rng.standard_normal((n_in, n_out))
            b = self.params[f"b{k}"] = np.zeros(n_out)
            self.layers[f"Affine{k}"] = Affine(W, b)
            if k == len(sizes) - 1:
                break
            if use_batchnorm:
                gamma = self.params[f"gamma{k}"] = np.ones(n_out)
                beta = self.params[f"beta{k}"] = np.zeros(n_out)
                self.layers[f"BatchNorm{k}"] = BatchNormalization(gamma, beta)
            self.layers[f"Activation_function{k}"] = ACTIVATIONS[activation]()
            if use_dropout:
                self.layers[f"Dropout{k}"] = Dropout(dropout_ratio, rng)

    def predict(self, x: Array, train_flg: bool = False) -> Array:
        """Return the scores of each class, shape (N, output); x has shape (N, input)."""
        for layer in self.layers.values():
            if isinstance(layer, BatchNormalization | Dropout):
                x = layer.forward(x, train_flg)
            else:
                x = layer.forward(x)
        return x

    def loss(self, x: Array, t: Array, train_flg: bool = False) -> float:
        """Return the mean cross-entropy plus decay; t holds labels (N,) or is one-hot."""
        weights = [layer.W for layer in self.layers.values() if isinstance(layer, Affine)]
        decay = self.weight_decay_lambda / 2 * sum(float(np.sum(W**2)) for W in weights)
        return self.last_layer.forward(self.predict(x, train_flg), t) + decay

    def accuracy(self, x: Array, t: Array) -> float:
        """Return the fraction of samples that are classified correctly, in evaluation mode."""
        right = t if t.ndim == 1 else t.argmax(axis=1)
        return float(np.mean(self.predict(x).argmax(axis=1) == right))

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradient of the loss in train mode at each parameter: new arrays."""
        self.loss(x, t, train_flg=True)
        dout = self.last_layer.backward()
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        grads: dict[str, Array] = {}
        for name, layer in self.layers.items():
            if isinstance(layer, Affine):
                k = name.removeprefix("Affine")
                grads[f"W{k}"] = layer.dW + self.weight_decay_lambda * layer.W
                grads[f"b{k}"] = layer.db
            elif isinstance(layer, BatchNormalization):
                k = name.removeprefix("BatchNorm")
                grads[f"gamma{k}"], grads[f"beta{k}"] = layer.dgamma, layer.dbeta
        return grads

    def numerical_gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the same by numerical differentiation: slow, for small networks only.

        Dropout draws anew each time, so that no derivative exists: for networks without it. Batch
        normalization's running averages move with each of the many passes.
        """
        return numerical_gradients(lambda: self.loss(x, t, train_flg=True), self.params)
