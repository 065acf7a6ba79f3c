"""Record what PyTorch makes of chapter 5's loss: `tests/helpers/answers/fixtures/dual_layer.npz`.

    python -m tools.record_dual_layer [--output tests/helpers/answers/fixtures/dual_layer.npz]

Needs PyTorch (`pip install torch==2.13.0`), which the tests that read the file do not. Each case
is a network with one hidden layer, a batch, the two strengths of the penalty, the regularized loss
and autograd's gradients, in float64, under names such as `both.dw1`. No weight is 0: there the L1
penalty has no slope.
"""

import torch
from torch.nn import functional

from tools.recording import Case, record

SEED = 5
CASES = {"none": (0.0, 0.0), "l1": (0.7, 0.0), "l2": (0.0, 1.3), "both": (0.4, 0.9)}


def case(source: torch.Generator, l1: float, l2: float) -> Case:
    """Return a random network and batch, its loss with these penalties, and the gradients."""

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    x, y = draw(9, 5), torch.randint(2, (9, 1), generator=source).double()
    shapes = {"w1": (5, 4), "b1": (4,), "w2": (4, 1), "b2": (1,)}
    leaves = {name: draw(*shape).requires_grad_() for name, shape in shapes.items()}
    z = torch.sigmoid(x @ leaves["w1"] + leaves["b1"]) @ leaves["w2"] + leaves["b2"]
    data = functional.binary_cross_entropy_with_logits(z, y, reduction="sum")
    matrices = torch.cat([leaves["w1"].flatten(), leaves["w2"].flatten()])
    loss = (data + l1 * matrices.abs().sum() + l2 / 2 * matrices.square().sum()) / len(x)
    grads = torch.autograd.grad(loss, list(leaves.values()))
    named = {f"d{name}": grad for name, grad in zip(leaves, grads, strict=True)}
    return {"x": x, "y": y, **leaves, "z": z, "loss": loss, **named}


def cases() -> dict[str, Case]:
    """Return a case for each pair of strengths, all from one seed."""
    source = torch.Generator().manual_seed(SEED)
    found = {name: case(source, l1, l2) for name, (l1, l2) in CASES.items()}
    for name, strengths in CASES.items():
        for key, strength in zip(("l1", "l2"), strengths, strict=True):
            found[name][key] = torch.tensor(strength, dtype=torch.float64)
    return found


if __name__ == "__main__":
    record(cases(), "dual_layer.npz")
