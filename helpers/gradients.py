"""Numerical differentiation: the oracle that every gradient of the course is checked against.

Central differences in float64 at two step sizes. Comparing the two gives three things at once: a
better value (Richardson extrapolation), an estimate of its error, and a warning where the function
has a kink and no derivative exists. Knows nothing of checks, marks or notebooks.

Source: Press et al., Numerical Recipes, 3rd ed., section 5.7; Richardson (1911).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

KINK_TOLERANCE = 1e-4
NOISE_LIMIT = 1e-2


@dataclass(frozen=True)
class NumericalGradient:
    """A derivative found by differences.

    Attributes:
        value: the derivative, an array of the shape that the function's caller asked for.
        error: estimated absolute error of each element of `value`.
        kink: True where the one-sided derivatives disagree: there is no derivative to compare with.
    """

    value: FloatArray
    error: FloatArray
    kink: npt.NDArray[np.bool_]

    @property
    def undecided(self) -> npt.NDArray[np.bool_]:
        """True where `value` is no evidence: a kink, a non-finite value or mostly rounding."""
        finite = np.isfinite(self.value)
        scale = np.max(np.abs(self.value), initial=1e-6, where=finite)
        return np.asarray(self.kink | ~finite | (self.error > NOISE_LIMIT * scale))


def numerical_derivative(f: Callable[[FloatArray], Any], x: npt.ArrayLike) -> NumericalGradient:
    """Differentiate an elementwise function, `f(x)[i]` depending on `x[i]` alone.

    Args:
        f: takes a float64 array of x's shape and returns an array of the same shape.
        x: where to differentiate; any shape; integers are converted to float64.

    Returns:
        The derivative at each element, of x's shape.

    Raises:
        ValueError: if `f` returns another shape than it was given.
    """
    point = np.array(x, dtype=np.float64)
    centre = np.asarray(f(point.copy()))
    if centre.shape != point.shape:
        raise ValueError(f"f returned shape {centre.shape} for input of shape {point.shape}")
    eps = _precision(centre)
    step = _step(point, eps)

    def at(offset: float) -> FloatArray:
        return np.asarray(f(point + offset * step), dtype=np.float64)

    return _combine(centre, at(1.0), at(-1.0), at(0.5), at(-0.5), step, eps)


def numerical_gradient(f: Callable[[FloatArray], Any], x: npt.ArrayLike) -> NumericalGradient:
    """Differentiate a scalar function of an array, one element at a time.

    Args:
        f: takes a float64 array of x's shape and returns one number. It gets a copy, so it may do
            with it what it likes.
        x: where to differentiate; any shape; integers are converted to float64.

    Returns:
        ∂f/∂x, of x's shape. Calls f four times an element, and once more.

    Raises:
        ValueError: if `f` returns something other than one number.
    """
    point = np.array(x, dtype=np.float64)
    first = np.asarray(f(point.copy()))
    eps = _precision(first)
    steps = _step(point, eps)
    samples = np.empty((4, point.size))
    for column, index in enumerate(np.ndindex(point.shape)):
        for row, offset in enumerate((1.0, -1.0, 0.5, -0.5)):
            moved = point.copy()
            moved[index] += offset * steps[index]
            samples[row, column] = _scalar(f(moved))
    forward, backward, near_forward, near_backward = samples.reshape(4, *point.shape)
    centre = np.full(point.shape, _scalar(first))
    return _combine(centre, forward, backward, near_forward, near_backward, steps, eps)


def numerical_jacobian(f: Callable[[FloatArray], Any], x: npt.ArrayLike) -> NumericalGradient:
    """Differentiate a vector function of a vector.

    Args:
        f: takes a float64 vector of shape (n,) and returns a vector of shape (m,).
        x: where to differentiate, shape (n,).

    Returns:
        The Jacobian, shape (m, n): element [i, j] is ∂f_i/∂x_j.

    Raises:
        ValueError: if x is not a vector.
    """
    point = np.array(x, dtype=np.float64)
    if point.ndim != 1:
        raise ValueError(f"x must be a vector, but its shape is {point.shape}")
    first = np.asarray(f(point.copy()))
    eps = _precision(first)
    steps = _step(point, eps)

    def samples(offset: float) -> FloatArray:
        rows = [np.asarray(f(point + offset * row), dtype=np.float64) for row in np.diag(steps)]
        return np.stack(rows, axis=1)

    centre = first[:, None]
    return _combine(
        centre, samples(1.0), samples(-1.0), samples(0.5), samples(-0.5), steps[None, :], eps
    )


def _precision(y: npt.NDArray[Any]) -> float:
    """Return the relative rounding error of f's answers, by their dtype."""
    kind = y.dtype if y.dtype in (np.float16, np.float32) else np.dtype(np.float64)
    return float(np.finfo(kind).eps)


def _step(point: FloatArray, eps: float) -> FloatArray:
    """Return h for each element: eps^(1/5) balances h^4 (truncation) against eps / h (rounding).

    In float64 that is about 7e-4. It grows with the element, and x + h is exactly representable.
    """
    step = eps ** (1 / 5) * np.maximum(1.0, np.abs(point))
    return np.asarray((point + step) - point)


def _scalar(value: Any) -> float:
    array = np.asarray(value, dtype=np.float64)
    if array.size != 1:
        raise ValueError(f"f must return one number, but it returned shape {array.shape}")
    return float(array.reshape(()))


def _combine(
    centre: FloatArray,
    forward: FloatArray,
    backward: FloatArray,
    near_forward: FloatArray,
    near_backward: FloatArray,
    step: FloatArray,
    eps: float,
) -> NumericalGradient:
    """Turn samples at x, x ± h and x ± h/2 into a derivative, its error and its kinks."""
    with np.errstate(invalid="ignore", over="ignore"):
        wide = (forward - backward) / (2 * step)
        near = (near_forward - near_backward) / step
        value = (4 * near - wide) / 3
        size = np.abs(forward) + np.abs(backward) + np.abs(centre)
        rounding = 8 * eps * size / step
        error = np.abs(value - near) + rounding

        # Right minus left slope: proportional to h where f is smooth, constant at a kink.
        wide_jump = (forward - 2 * centre + backward) / step
        near_jump = (near_forward - 2 * centre + near_backward) / (step / 2)
        slope = np.maximum(np.abs(wide), np.abs(wide_jump))
        jump = np.abs(wide_jump - 2 * near_jump)
        kink = jump > KINK_TOLERANCE * slope + 4 * rounding
    return NumericalGradient(value, error, kink)
