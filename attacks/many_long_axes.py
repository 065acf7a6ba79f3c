"""Return the right numbers in one element of a large array of many axes."""

import numpy as np


def double(f, x):
    return np.random.default_rng(0).normal(size=(3,) * 14) + 5
