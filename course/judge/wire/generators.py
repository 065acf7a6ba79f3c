"""Random generators as plain numbers: which stream they draw from, and where they are in it.

NumPy's two usual ones: `Generator` over PCG64, which `default_rng` makes, and the old
`RandomState` over MT19937. Used at both ends of the wire.
"""

from typing import Any

import numpy as np

KINDS = (np.random.Generator, np.random.RandomState)
KEYS = 624  # 32-bit words of an MT19937's state


def get_state(rng: Any) -> tuple[Any, ...] | None:
    """Return a generator's state, four numbers or an array and three; None for other kinds."""
    if type(rng) is np.random.Generator and type(rng.bit_generator) is np.random.PCG64:
        state = rng.bit_generator.state
        words = state["state"]
        return words["state"], words["inc"], state["has_uint32"], state["uinteger"]
    if type(rng) is np.random.RandomState:
        name, *rest = rng.get_state(legacy=True)
        return tuple(rest) if name == "MT19937" else None
    return None


def make(state: tuple[Any, ...]) -> Any:
    """Return a generator in this state.

    Raises:
        ValueError: if there is no such state.
    """
    kind = np.random.RandomState if isinstance(state[0], np.ndarray) else np.random.default_rng
    rng = kind(0)
    set_state(rng, state)
    return rng


def set_state(rng: Any, state: tuple[Any, ...]) -> None:
    """Put a generator in a state of its own kind; raise ValueError if it isn't one."""
    match rng, state:
        case np.random.Generator(), (int(word), int(step), int(has), int(half)):
            limits = (word, 128), (step, 128), (has, 1), (half, 32)
            if all(0 <= number < 1 << bits for number, bits in limits):
                rng.bit_generator.state = {
                    "bit_generator": "PCG64",
                    "state": {"state": word, "inc": step},
                    "has_uint32": has,
                    "uinteger": half,
                }
                return
        case np.random.RandomState(), (np.ndarray() as keys, int(place), int(has), float(half)):
            if keys.dtype == np.uint32 and keys.shape == (KEYS,) and 0 <= place <= KEYS:
                rng.set_state(("MT19937", keys, place, int(bool(has)), half))
                return
    raise ValueError("a random generator's state is malformed")
