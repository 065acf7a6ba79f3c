"""Give a wrong answer, and die when the judge looks for its cause and for a smaller example."""

# cell: half
import os

import numpy as np

calls = iter(range(10**9))


class Wrong:
    looks = 0

    def __array__(self, dtype=None, copy=None):
        Wrong.looks += 1
        if Wrong.looks > 30:
            os._exit(0)
        return np.zeros(2)


def half(x):
    if next(calls) > 25:
        os._exit(0)
    return Wrong()
