"""Return an object whose numbers change each time that they are looked at."""

import itertools

import numpy as np


class Changing:
    count = itertools.count()

    def __array__(self, dtype=None, copy=None):
        return np.full((3, 4), float(next(self.count)))

    def __iter__(self):
        return iter([next(self.count)] * 3)

    def __len__(self):
        return next(self.count)


def double(f, x):
    return Changing()
