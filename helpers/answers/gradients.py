"""Numerical differentiation: the oracle that every gradient of the course is checked against.

Central differences in float64 at two step sizes. Comparing the two gives three things at once: a
better value (Richardson extrapolation), an estimate of its error, and a warning where the function
has a kink and no derivative exists. Where that does not settle it, because a kink is near or the
function steep, smaller steps are tried. Knows nothing of checks, marks or notebooks.

Source: Press et al., Numerical Recipes, 3rd ed., section 5.7; Richardson (1911).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

KINK_TOLERANCE = 1e-4  # a jump of the slope, relative to the slope itself
NOISE_LIMIT = 1e-3  # the error that a decided value may have, relative to the largest one
NEGLIGIBLE = 1e-8  # an error, or a jump of the slope, that never matters
SHRINK = (1.0, 1 / 32, 1 / 1024)  # the steps that are tried, one after the other


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
        scale = np.max(np.abs(self.value), initial=0.0, where=finite)
        sharp = self.error <= max(NOISE_LIMIT * scale, NEGLIGIBLE)  # False where it is nan
        return np.asarray(self.kink | ~finite | ~sharp)


def numerical_derivative(f: Callable[[FloatArray], Any], x: npt.ArrayLike) -> NumericalGradient:
    """Differentiate an elementwise function, `f(x)[i]` depending on `x[i]` alone.

    Args:
        f: takes a float64 array of x's shape and returns an array of the same shape. It gets a
            copy, so it may do with it what it likes.
        x: where to differentiate; any shape; integers are converted to float64.

    Returns:
        The derivative at each element, of x's shape. Calls f five times; where that leaves an
        element undecided, four or eight times more.

    Raises:
        ValueError: if `f` returns another shape than it was given.
    """
    point = np.array(x, dtype=np.float64)
    centre = np.array(f(point.copy()))
    if centre.shape != point.shape:
        raise ValueError(f"f returned shape {centre.shape} for input of shape {point.shape}")

    def moved(steps: FloatArray) -> FloatArray:
        return np.array(f(np.array(point + steps)), dtype=np.float64)

    return _differentiate(moved, centre, point)


def numerical_gradient(f: Callable[[FloatArray], Any], x: npt.ArrayLike) -> NumericalGradient:
    """Differentiate a scalar function of an array, one element at a time.

    Args:
        f: takes a float64 array of x's shape and returns one number. It gets a copy, so it may do
            with it what it likes.
        x: where to differentiate; any shape; integers are converted to float64.

    Returns:
        ∂f/∂x, of x's shape. Calls f once, four times an element, and four or eight times more for
        each element that this leaves undecided.

    Raises:
        ValueError: if `f` returns something other than one number.
    """
    point = np.array(x, dtype=np.float64)
    first = np.array(f(point.copy()))
    centre = np.full(point.shape, _scalar(first), dtype=_float_type(first))

    def moved(steps: FloatArray) -> FloatArray:
        samples = centre.astype(np.float64)
        for index in np.ndindex(point.shape):
            if steps[index]:
                there = point.copy()
                there[index] += steps[index]
                samples[index] = _scalar(f(there))
        return samples

    return _differentiate(moved, centre, point)


def gradient_gaps(
    gradients: Mapping[str, npt.ArrayLike],
    loss: Callable[[dict[str, FloatArray]], Any],
    weights: Mapping[str, FloatArray],
) -> dict[str, float]:
    """Return how far each gradient is from numerical differentiation: the largest difference.

    Args:
        gradients: of the loss, by parameter; a shape that broadcasts is not complained about.
        loss: takes a dictionary like `weights` and returns one number.
        weights: where the gradients were computed.
    """
    gaps = {}
    for key, value in weights.items():
        right = numerical_gradient(partial(_loss_of_one, loss, weights, key), value).value
        gaps[key] = float(np.max(np.abs(np.asarray(gradients[key]) - right)))
    return gaps


def _loss_of_one(
    loss: Callable[[dict[str, FloatArray]], Any],
    weights: Mapping[str, FloatArray],
    key: str,
    value: FloatArray,
) -> Any:
    return loss({**weights, key: value})


def numerical_jacobian(f: Callable[[FloatArray], Any], x: npt.ArrayLike) -> NumericalGradient:
    """Differentiate a vector function of a vector.

    Args:
        f: takes a float64 vector of shape (n,) and returns a vector of shape (m,). It gets a copy,
            so it may do with it what it likes.
        x: where to differentiate, shape (n,); integers are converted to float64.

    Returns:
        The Jacobian, shape (m, n): element [i, j] is ∂f_i/∂x_j.

    Raises:
        ValueError: if x is not a vector, or f does not return one.
    """
    point = np.array(x, dtype=np.float64)
    first = np.array(f(point.copy()))
    for what, array in (("x must be", point), ("f must return", first)):
        if array.ndim != 1:
            raise ValueError(f"{what} a vector, but its shape is {array.shape}")
    centre = np.repeat(first[:, None], point.size, axis=1)

    def moved(steps: FloatArray) -> FloatArray:
        samples = centre.astype(np.float64)
        for column in np.flatnonzero(steps):
            there = point.copy()
            there[column] += steps[column]
            samples[:, column] = f(there)
        return samples

    return _differentiate(moved, centre, point)


def _differentiate(
    moved: Callable[[FloatArray], FloatArray], centre: npt.NDArray[Any], point: FloatArray
) -> NumericalGradient:
    """Differentiate with ever smaller steps while an element is undecided, and keep the best.

    `moved(steps)` samples the function with each element of the point moved by its own step; one
    whose step is 0 need not be sampled.
    """
    eps = _precision(centre)
    best: NumericalGradient | None = None
    where = np.ones(point.shape, dtype=bool)
    for shrink in SHRINK:
        new = _combine(moved, centre, point, np.where(where, shrink * _step(point, eps), 0.0), eps)
        best = new if best is None else _better(best, new)
        columns = tuple(range(best.value.ndim - point.ndim))
        where = np.asarray(best.undecided.any(axis=columns))
        if not where.any():
            break
    assert best is not None
    return best


def _better(old: NumericalGradient, new: NumericalGradient) -> NumericalGradient:
    """Take what is new where the old is undecided and the new has the smaller error."""
    pick = old.undecided & np.isfinite(new.error) & ~(new.error >= old.error)
    return NumericalGradient(
        np.where(pick, new.value, old.value),
        np.where(pick, new.error, old.error),
        np.where(pick, new.kink, old.kink),
    )


def _combine(
    moved: Callable[[FloatArray], FloatArray],
    centre: npt.NDArray[Any],
    point: FloatArray,
    step: FloatArray,
    eps: float,
) -> NumericalGradient:
    """Turn samples at x, x ± h and x ± h/2 into a derivative, its error and its kinks."""
    with np.errstate(all="ignore"):
        step = (point + step) - point  # so that x + h is exact
        half = (point + step / 2) - point
    forward, backward, near_forward, near_backward = map(moved, (step, -step, half, -half))
    with np.errstate(all="ignore"):
        wide = (forward - backward) / (2 * step)
        near = (near_forward - near_backward) / (2 * half)
        value = (4 * near - wide) / 3
        size = np.abs(forward) + np.abs(backward) + np.abs(centre) + np.abs(wide * point)
        rounding = 2 * eps * size / step

        # Right minus left slope: proportional to h where f is smooth, constant at a kink.
        wide_jump = (forward - 2 * centre + backward) / step
        near_jump = (near_forward - 2 * centre + near_backward) / half
        jump = np.abs(wide_jump - 2 * near_jump)
        slope = np.maximum(np.abs(wide), np.abs(wide_jump))
        kink = jump > np.maximum(KINK_TOLERANCE * slope + 8 * rounding, NEGLIGIBLE)
        # A kink at h/3 makes no jump; then value is off by twice its distance from near.
        error = 2 * np.abs(value - near) + jump + rounding
    return NumericalGradient(np.asarray(value), np.asarray(error), np.asarray(kink))


def _float_type(y: npt.NDArray[Any]) -> np.dtype[Any]:
    """Return the dtype whose rounding f's answers carry."""
    return y.dtype if y.dtype in (np.float16, np.float32) else np.dtype(np.float64)


def _precision(y: npt.NDArray[Any]) -> float:
    """Return the relative rounding error of f's answers, by their dtype."""
    return float(np.finfo(_float_type(y)).eps)


def _step(point: FloatArray, eps: float) -> FloatArray:
    """Return h for each element: eps^(1/5) balances h^4 (truncation) against eps / h (rounding).

    In float64 that is about 7e-4. It grows with the element.
    """
    return np.asarray(eps ** (1 / 5) * np.maximum(1.0, np.abs(point)))


def _scalar(value: Any) -> float:
    array = np.asarray(value, dtype=np.float64)
    if array.size != 1:
        raise ValueError(f"f must return one number, but it returned shape {array.shape}")
    return float(array.reshape(()))
