"""Write what PyTorch makes of a few cases to the file that a test reads.

Needs PyTorch (`pip install torch==2.13.0`); the tests that read the files do not.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

Case = dict[str, torch.Tensor]


def backward(leaves: Case, out: torch.Tensor, dout: torch.Tensor) -> Case:
    """Return a case: the leaves, the output, its upstream gradient, and each leaf's gradient."""
    grads = torch.autograd.grad(out, list(leaves.values()), dout)
    named = {f"d{name}": grad for name, grad in zip(leaves, grads, strict=True)}
    return {**leaves, "out": out, "dout": dout, **named}


def record(cases: Mapping[str, Case], name: str) -> None:
    """Run the command line of a recorder: write its cases, compressed, as `case.key` each.

    Args:
        cases: tensors of any shape by key, by case.
        name: of the file in `tests/helpers/answers/fixtures`, unless `--output` names another.
    """
    parser = argparse.ArgumentParser(description=f"Record {name} for the tests.")
    parser.add_argument("--output", type=Path, default=Path("tests/helpers/answers/fixtures", name))
    output = parser.parse_args().output
    output.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{case}.{key}": tensor.detach().numpy()
        for case, tensors in cases.items()
        for key, tensor in tensors.items()
    }
    np.savez_compressed(output, **arrays)
    print(f"{output}: torch {torch.__version__}, {output.stat().st_size:,} bytes")
