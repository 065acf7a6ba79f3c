"""Return lists and dictionaries that hold themselves, by themselves and by each other."""

# cell: half
import numpy as np

one, other = [], {}
one += [other, one]
other["one"] = one
other[np.array] = other
turn = iter(range(10**9))


class Deep(list):
    def __iter__(self):
        return iter([Deep([0, 0]), Deep([0, 0])])


def half(x):
    return (one, other, Deep([0, 0]), np.array([one, other, 0], dtype=object))[next(turn) % 4]
