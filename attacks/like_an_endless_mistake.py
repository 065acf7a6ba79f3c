"""Do what a known mistake does that never ends, and be slow, so that trying them out takes long."""

# cell: half
import time

import numpy as np

calls = iter(range(10**9))


class Slow:
    shape, ndim = (), 0

    def __array__(self, dtype=None, copy=None):
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        return np.array(float(next(calls)))

    def __len__(self):
        return len(np.asarray(self).reshape(1))


def half(x):
    return [Slow()] * 5
