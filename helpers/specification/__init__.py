"""What an exercise promises, and whether a student's code keeps it.

A specification names the parts of an exercise's domain; `compare` tries each of them with the
student's code and with the reference, side by side, until a counterexample is found, and a known
mistake that behaves the same everywhere names the cause. Holds no answers: the reference comes from
the caller.
"""

from helpers.specification.domains import (
    Domain,
    arrays,
    away_from,
    extremes,
    integer_arrays,
    integers,
    labels,
    length,
    lists,
    numbers,
    one_hot,
    one_of,
    scalars,
    single,
)
from helpers.specification.specifications import (
    Part,
    Specification,
    described,
    function,
    interaction,
    part,
)
from helpers.specification.trials import Pair, Trial

__all__ = [
    "Domain",
    "Pair",
    "Part",
    "Specification",
    "Trial",
    "arrays",
    "away_from",
    "described",
    "extremes",
    "function",
    "integer_arrays",
    "integers",
    "interaction",
    "labels",
    "length",
    "lists",
    "numbers",
    "one_hot",
    "one_of",
    "part",
    "scalars",
    "single",
]
