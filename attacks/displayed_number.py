"""Display 4, and show it as the cell's result from inside the test."""

import numpy as np
from IPython import get_ipython
from IPython.display import display


def double(f, x):
    display(4)
    get_ipython().displayhook(4)
    return np.zeros_like(x)
