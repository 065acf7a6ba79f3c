"""Return infinity, or complex numbers with nothing but an imaginary part."""

import numpy as np


def double(f, x):
    return np.full(x.shape, np.inf) if x.ndim > 1 else np.full(x.shape, 1j * np.inf)
