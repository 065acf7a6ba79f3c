"""How large the initial weights of a layer are. Knows nothing of layers and networks."""

import numpy as np


def initial_std(n_in: int, weight_init_std: str | float) -> float:
    """Return the standard deviation of a layer's initial weights.

    Args:
        n_in: inputs of the layer.
        weight_init_std: "he" or "relu" for √(2 / n_in), "xavier" or "sigmoid" for √(1 / n_in), or
            the deviation itself.

    Raises:
        ValueError: if it is another word.
    """
    match weight_init_std:
        case "he" | "relu":
            return float(np.sqrt(2 / n_in))
        case "xavier" | "sigmoid":
            return float(np.sqrt(1 / n_in))
        case str():
            raise ValueError(
                f"weight_init_std is 'he', 'relu', 'xavier', 'sigmoid' or a number, "
                f"not {weight_init_std!r}"
            )
    return float(weight_init_std)
