"""Record what PyTorch makes of chapter 7's operations, for the tests: `fixtures/autograd.npz`.

    python -m tools.record_autograd [--output tests/helpers/answers/fixtures/autograd.npz]

Needs PyTorch (`pip install torch==2.13.0`), which the tests that read the file do not. Every case
holds its inputs, the upstream gradient `dout`, the output and autograd's gradients, in float64,
under names such as `divide.dy`.
"""

import torch
from torch.nn import functional

from tools.recording import Case, backward, record

SEED = 7


def cases() -> dict[str, Case]:
    """Return every case by name."""
    source = torch.Generator().manual_seed(SEED)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64).requires_grad_()

    def above_0(*shape: int) -> torch.Tensor:
        drawn = 0.5 + torch.rand(*shape, generator=source, dtype=torch.float64)
        return drawn.requires_grad_()

    found: dict[str, Case] = {}

    def case(name: str, out: torch.Tensor, **leaves: torch.Tensor) -> None:
        found[name] = backward(leaves, out, torch.randn(out.shape, generator=source).double())

    x, y = draw(5, 1, 4), draw(2, 3, 1)[0]
    case("add", x + y, x=x, y=y)
    case("subtract", x - y, x=x, y=y)
    case("multiply", x * y, x=x, y=y)
    y = above_0(3, 1)
    case("divide", x / y, x=x, y=y)
    case("left", 2 / y - (1 - y), y=y)
    case("power", y**2.5, y=y)
    x, y = draw(4, 3), draw(3, 5)
    case("matmul", x @ y, x=x, y=y)
    x = draw(3, 3)
    case("square", x @ x * x, x=x)
    x, y = draw(2, 3, 4), above_0(2, 3)
    case("exp", x.exp(), x=x)
    case("log", y.log(), y=y)
    case("relu", x.relu(), x=x)
    case("sum", x.sum((0, 2)) + x.mean(1, keepdim=True).sum(2), x=x)
    x, rows, columns = draw(4, 3), torch.tensor([0, 2, 2, 3, 2]), torch.tensor([1, 0, 0, 2, 1])
    case("take", x[rows, columns], x=x)
    case("diamond", (x * x + x).exp().mean(0) * (x * x + x).sum(0), x=x)
    z, t = draw(6, 4), torch.tensor([0, 3, 1, 1, 2, 0])
    case("loss", functional.cross_entropy(z, t), z=z)
    found["loss"]["t"] = t
    return found


if __name__ == "__main__":
    record(cases(), "autograd.npz")
