"""Call the test's own function back with nonsense, without end and within itself."""

from contextlib import suppress

import numpy as np


def double(f, x):
    for nonsense in (None, "x", [[]], {}, double, np.zeros(0), f):
        with suppress(Exception):
            f(nonsense, nonsense, k=nonsense)
    for _ in range(300):
        f(x)
    return np.zeros_like(x)
