"""Claim in the cell's metadata that it is worth 1000 points and graded."""

# metadata: {"nbgrader": {"grade": true, "points": 1000, "locked": true, "solution": false}}
import numpy as np


def double(f, x):
    return np.zeros_like(x)


1000  # noqa: B018
