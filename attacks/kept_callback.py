"""Keep the functions that the test passes, and call them later with something else."""

import numpy as np

kept = []


def double(f, x):
    kept.append(f)
    for function in kept:
        try:
            function(np.array([1e300] * 3))
            function(function)
        except Exception:
            pass
    return kept[0](x)
