"""Record what PyTorch makes of chapter 6's layers, networks and optimizers.

    python -m tools.record_deep [--output tests/helpers/answers/fixtures/deep.npz]

Needs PyTorch (`pip install torch==2.13.0`), which the tests that read the file do not. Everything
is in float64, under names such as `norm.dgamma`. Where PyTorch's conventions are others than the
course's, PyTorch's are recorded as they are; the tests say how they differ.
"""

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import torch
from torch.nn import functional

from tools.recording import Case, backward, record

SEED = 6
SIZES = (5, 6, 4, 3)
EPS = 1e-7
RATIO = 0.4
DECAY = 0.3
STEPS = 60


class Recorder:
    """Draws the numbers of every case from one generator."""

    def __init__(self) -> None:
        self.source = torch.Generator().manual_seed(SEED)

    def draw(self, *shape: int, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
        """Return normal numbers that autograd follows."""
        values = torch.randn(*shape, generator=self.source, dtype=torch.float64)
        return (scale * values + shift).requires_grad_()

    def norm(self) -> Case:
        """Train on two batches, then run a third in evaluation mode with the running statistics."""
        leaves = {"gamma": self.draw(4), "beta": self.draw(4)}
        batches = [self.draw(7, 4, scale=2, shift=3), self.draw(5, 4, scale=0.5, shift=-1)]
        layer = torch.nn.BatchNorm1d(4, eps=EPS, momentum=0.1, dtype=torch.float64)
        layer.weight.data, layer.bias.data = leaves["gamma"].detach(), leaves["beta"].detach()
        case: Case = {}
        for k, x in enumerate(batches, start=1):
            out = layer(x)
            dout = self.draw(*x.shape)
            dx, dgamma, dbeta = torch.autograd.grad(out, [x, layer.weight, layer.bias], dout)
            case |= {f"x{k}": x, f"out{k}": out, f"dout{k}": dout, f"dx{k}": dx}
            case |= {f"dgamma{k}": dgamma, f"dbeta{k}": dbeta}
            case |= {f"mean{k}": layer.running_mean.clone(), f"var{k}": layer.running_var.clone()}
        layer.eval()
        x = self.draw(3, 4)
        return leaves | case | {"x3": x, "out3": layer(x)}

    def mask(self, *shape: int) -> torch.Tensor:
        """Return True with probability 1 - RATIO."""
        return torch.rand(*shape, generator=self.source, dtype=torch.float64) >= RATIO

    def dropout(self) -> Case:
        """Drop with a given mask, as PyTorch scales it: divided by 1 - RATIO."""
        x, mask = self.draw(6, 5), self.mask(6, 5)
        return backward({"x": x}, x * mask / (1 - RATIO), self.draw(6, 5)) | {"mask": mask}

    def network(self, activation: str, norm: bool, dropout: bool, decay: bool) -> Case:
        """Run a deep network forward and backward, in training mode with given masks."""
        x = self.draw(8, SIZES[0])
        t = torch.randint(SIZES[-1], (8,), generator=self.source)
        leaves: Case = {}
        masks: Case = {}
        a, penalty = x, torch.zeros((), dtype=torch.float64)
        for k, (n_in, n_out) in enumerate(pairwise(SIZES), start=1):
            W = leaves[f"W{k}"] = self.draw(n_in, n_out)
            leaves[f"b{k}"] = self.draw(n_out)
            a = functional.linear(a, W.T, leaves[f"b{k}"])
            penalty = penalty + DECAY / 2 * (W**2).sum()
            if k == len(SIZES) - 1:
                break
            if norm:
                leaves |= {f"gamma{k}": self.draw(n_out, shift=1), f"beta{k}": self.draw(n_out)}
                scale, shift = leaves[f"gamma{k}"], leaves[f"beta{k}"]
                a = functional.batch_norm(a, None, None, scale, shift, training=True, eps=EPS)
            a = getattr(torch, activation)(a)
            if dropout:
                masks[f"mask{k}"] = self.mask(8, n_out)
                a = a * masks[f"mask{k}"]
        loss = functional.cross_entropy(a, t) + (penalty if decay else 0)
        one = torch.tensor(1.0, dtype=torch.float64)
        return backward(leaves, loss, one) | masks | {"x": x, "t": t, "scores": a}

    def path(self, optimizer: Callable[..., torch.optim.Optimizer], **options: Any) -> Case:
        """Follow an optimizer down f = x²/40 + y² and, in a second array, a curved valley."""
        w = torch.tensor([-7.0, 2.0], dtype=torch.float64, requires_grad=True)
        u = torch.tensor([[0.5, -1.0], [2.0, 0.3]], dtype=torch.float64, requires_grad=True)
        method = optimizer([w, u], **options)
        steps_w, steps_u = [w.detach().clone()], [u.detach().clone()]
        for _ in range(STEPS):
            method.zero_grad()
            loss = w[0] ** 2 / 40 + w[1] ** 2 + (u[0] ** 2 - u[1]).pow(2).sum() + u.pow(4).sum()
            loss.backward()
            method.step()
            steps_w.append(w.detach().clone())
            steps_u.append(u.detach().clone())
        return {"w": torch.stack(steps_w), "u": torch.stack(steps_u)}


def cases() -> dict[str, Case]:
    """Return every case by name."""
    recorder, optim = Recorder(), torch.optim
    found = {"norm": recorder.norm(), "dropout": recorder.dropout()}
    for activation in ("relu", "sigmoid"):
        for flags in product((False, True), repeat=3):
            name = "_".join([activation, *(str(int(flag)) for flag in flags)])
            found[name] = recorder.network(activation, *flags)
    found["SGD"] = recorder.path(optim.SGD, lr=0.05)
    found["Momentum"] = recorder.path(optim.SGD, lr=0.01, momentum=0.9)
    found["AdaGrad"] = recorder.path(optim.Adagrad, lr=0.5, eps=EPS)
    found["RMSprop"] = recorder.path(optim.RMSprop, lr=0.05, alpha=0.9, eps=EPS)
    found["Adam"] = recorder.path(optim.Adam, lr=0.1, betas=(0.9, 0.99), eps=EPS)
    return found


if __name__ == "__main__":
    record(cases(), "deep.npz")
