"""How long a training takes: full-length in a student's hands, short while it is graded.

A grader sets the environment variable COURSE_PACE to "short". It is no secret: it changes how long
a loop runs, never what is right.
"""

import os

from threadpoolctl import threadpool_limits

VARIABLE = "COURSE_PACE"
THREADS = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def is_short() -> bool:
    """Tell whether long loops should be cut short."""
    return os.environ.get(VARIABLE) == "short"


def steps(full: int, short: int) -> int:
    """Return how often a loop should run.

    Args:
        full: the number of steps that the chapter talks about.
        short: enough steps to see that the code works.

    Raises:
        ValueError: if `short` is not between 1 and `full`.
    """
    if not 1 <= short <= full:
        raise ValueError(f"short must lie between 1 and full = {full}, but it is {short}")
    return short if is_short() else full


def one_thread() -> None:
    """Multiply matrices on one core from now on, here and in processes started from here.

    Those of a mini-batch are so small that several cores together are no faster, and as soon as
    another program has one of these cores, the others wait for it at every product. It also makes
    one process and several round alike.
    """
    os.environ.update(dict.fromkeys(THREADS, "1"))
    threadpool_limits(1)
