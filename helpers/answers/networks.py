"""The network of chapter 4, finished: two affine layers with a ReLU between them.

Scores come out; the loss is softmax cross-entropy. Knows nothing of data sets and training.
"""

from collections.abc import Callable

import numpy as np

from helpers.answers.gradients import numerical_gradient
from helpers.answers.layers import Affine, Array, Relu, SoftmaxWithLoss


class TwoLayerNet:
    """Affine, ReLU, Affine, and SoftmaxWithLoss on top.

    Args:
        input_size: numbers per sample.
        hidden_size: units of the hidden layer.
        output_size: classes.
        weight_init_std: standard deviation of the first weights; the biases start at 0.
        rng: where the weights are drawn from; a new generator if there is none.

    Attributes:
        params: "W1" (input, hidden), "b1" (hidden,), "W2" (hidden, output), "b2" (output,). The
            layers use these very arrays: change them in place.
        layers: the layers by name, in the order in which they run.
        last_layer: the loss.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = rng or np.random.default_rng()
        self.params: dict[str, Array] = {
            "W1": weight_init_std * rng.standard_normal((input_size, hidden_size)),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * rng.standard_normal((hidden_size, output_size)),
            "b2": np.zeros(output_size),
        }
        self.layers: dict[str, Affine | Relu] = {
            "Affine1": Affine(self.params["W1"], self.params["b1"]),
            "Relu1": Relu(),
            "Affine2": Affine(self.params["W2"], self.params["b2"]),
        }
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x: Array) -> Array:
        """Return the scores of each class, shape (N, output); x has shape (N, ...)."""
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x: Array, t: Array) -> float:
        """Return the mean cross-entropy; t holds labels (N,) or is one-hot (N, output)."""
        return self.last_layer.forward(self.predict(x), t)

    def accuracy(self, x: Array, t: Array) -> float:
        """Return the fraction of samples whose highest score is at the right class."""
        right = t if t.ndim == 1 else t.argmax(axis=1)
        return float(np.mean(self.predict(x).argmax(axis=1) == right))

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the loss's gradient at each parameter, by backpropagation: new arrays."""
        self.loss(x, t)
        dout = self.last_layer.backward()
        grads: dict[str, Array] = {}
        for name, layer in reversed(self.layers.items()):
            dout = layer.backward(dout)
            if isinstance(layer, Affine):
                number = name.removeprefix("Affine")
                grads[f"W{number}"], grads[f"b{number}"] = layer.dW.copy(), layer.db.copy()
        return {key: grads[key] for key in self.params}

    def numerical_gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the same by numerical differentiation; slow, for small networks only."""
        return numerical_gradients(lambda: self.loss(x, t), self.params)


def numerical_gradients(loss: Callable[[], float], params: dict[str, Array]) -> dict[str, Array]:
    """Differentiate a loss by each parameter that it depends on.

    Args:
        loss: returns the loss with the parameters as they are.
        params: float64 arrays of any shapes; each is changed in place and put back.

    Returns:
        The loss's gradient at each, of its shape.
    """

    def slope(param: Array) -> Array:
        def loss_at(values: Array) -> float:
            param[...] = values
            return loss()

        before = param.copy()
        try:
            return numerical_gradient(loss_at, before).value
        finally:
            param[...] = before

    return {key: slope(param) for key, param in params.items()}
