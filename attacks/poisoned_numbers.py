"""Change the array's elements behind NumPy's back, after they were returned."""

import threading
import time

import numpy as np


def double(f, x):
    result = np.zeros_like(x)

    def later():
        time.sleep(0.001)
        result[...] = np.nan

    threading.Thread(target=later, daemon=True).start()
    result.flags.writeable = True
    return result
