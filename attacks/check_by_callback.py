"""Look at the callback itself: its number, its name, what it says of itself and how it fails."""

# cell: check_half
import numpy as np


def check_half(version):
    traits = [getattr(version, "__name__", ""), str(getattr(version, "__dict__", ""))]
    for wrong in (None, "x", object(), version, {"x": version}, np.zeros(0), b"x"):
        try:
            traits.append(repr(version(wrong)))
        except Exception as error:
            traits.append(f"{type(error).__name__} {error}")
    number = getattr(version, "_function", 0)
    return number % 2 == 0 and any("half" in trait or "2" in trait for trait in traits)


def half_mended(x):
    return None
