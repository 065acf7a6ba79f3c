"""Be wrong once only, in different ways, so that the search for a smaller example fails."""

# cell: half
import numpy as np

calls = iter(range(10**9))


def half(x):
    number = next(calls)
    if number == 3:
        return 7
    if number > 40 and number % 2:
        raise (ValueError, TypeError, KeyError, MemoryError)[number % 4](number)
    return np.asarray(x) / 2 + (number % 5 == 1)
