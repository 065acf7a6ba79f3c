"""Hold an array by reference that is as large as can be fetched, a thousand times in a list."""

# cell: half
import numpy as np

huge = np.zeros(12 << 20)


def half(x):
    return [huge[: 6 << 20]] * 1000 if np.ndim(x) else huge
