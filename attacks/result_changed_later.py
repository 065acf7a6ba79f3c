"""Return one array every time, and write into it whenever the next call comes."""

# cell: half
import threading
import time
from contextlib import suppress

import numpy as np

given = []


def rewrite():
    while True:
        for array, x in given[-50:]:
            with suppress(ValueError):
                array.resize(np.shape(x), refcheck=False)
            array[...] = np.sign(x)
        time.sleep(0.001)


threading.Thread(target=rewrite, daemon=True).start()


def half(x):
    for array, other in given:
        if array.shape == np.shape(other):
            array[...] = np.asarray(other)
    result = np.array(x, dtype=float)
    given.append((result, result.copy()))
    return result
