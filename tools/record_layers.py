"""Record what PyTorch makes of chapter 4's layers: `tests/helpers/answers/fixtures/layers.npz`.

    python -m tools.record_layers [--output tests/helpers/answers/fixtures/layers.npz]

Needs PyTorch (`pip install torch==2.13.0`), which the tests that read the file do not. Every case
holds its inputs, the upstream gradient `dout`, the output and autograd's gradients, in float64,
under names such as `affine.dW`.
"""

import numpy as np
import torch
from torch.nn import functional

from tools.recording import Case, backward, record

SEED = 4


def cases() -> dict[str, Case]:
    """Return every case by name."""
    source = torch.Generator().manual_seed(SEED)

    def draw(*shape: int, scale: float = 1.0) -> torch.Tensor:
        values = torch.randn(*shape, generator=source, dtype=torch.float64)
        return (scale * values).requires_grad_()

    def labels(samples: int, classes: int) -> torch.Tensor:
        return torch.randint(classes, (samples,), generator=source)

    found: dict[str, Case] = {}
    x = draw(6, 5)
    found["relu"] = backward({"x": x}, torch.relu(x), draw(6, 5))
    x = draw(6, 5, scale=3)
    found["sigmoid"] = backward({"x": x}, torch.sigmoid(x), draw(6, 5))
    for name, sample in (("affine", (4,)), ("affine4", (2, 3, 4))):
        x, n = draw(5, *sample), int(np.prod(sample))
        leaves = {"x": x, "W": draw(n, 3), "b": draw(3)}
        out = functional.linear(x.flatten(1), leaves["W"].T, leaves["b"])
        found[name] = backward(leaves, out, draw(5, 3))
    for name, scale in (("loss", 2.0), ("steep", 500.0)):
        x, t = draw(6, 4, scale=scale), labels(6, 4)
        found[name] = backward({"x": x}, functional.cross_entropy(x, t), draw(1)[0]) | {"t": t}
    x, t = draw(7, 6), labels(7, 4)
    leaves = {"W1": draw(6, 5), "b1": draw(5), "W2": draw(5, 4), "b2": draw(4)}
    scores = torch.relu(x @ leaves["W1"] + leaves["b1"]) @ leaves["W2"] + leaves["b2"]
    loss = functional.cross_entropy(scores, t)
    found["net"] = backward(leaves, loss, torch.tensor(1.0, dtype=torch.float64))
    found["net"] |= {"x": x, "t": t, "scores": scores}
    return found


if __name__ == "__main__":
    record(cases(), "layers.npz")
