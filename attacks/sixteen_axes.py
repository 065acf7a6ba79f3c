"""Return an array of sixteen axes: whoever tries their orders and sums has no end of them."""

# cell: half
import numpy as np


def half(x):
    return np.arange(2.0**16).reshape((2,) * 16)
