"""The deep network as a scikit-learn classifier, and a random search that shows its progress.

Built on MultiLayerNetExtend and SGD; for everything around a network (pipelines, splits, searches)
scikit-learn's own tools then work.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from helpers.answers.deep_networks import MultiLayerNetExtend
from helpers.answers.optimizers import SGD
from helpers.progress import track

Array = npt.NDArray[Any]
FLOATS = [np.float64, np.float32]


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network of affine layers and ReLUs, trained by SGD in mini-batches.

    Args:
        hidden_layer_sizes: units of each hidden layer.
        learning_rate: of SGD.
        weight_decay: λ of the penalty λ/2 Σ W².
        epochs: how often `fit` goes through the data.
        batch_size: samples of one step.
        random_state: a seed, or NumPy's RandomState: the same one, the same network.

    Attributes:
        classes_: the classes, sorted.
        n_features_in_: numbers per sample.
        network_: the trained MultiLayerNetExtend.
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        learning_rate: float = 0.1,
        weight_decay: float = 0.0,
        epochs: int = 50,
        batch_size: int = 100,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "NetworkClassifier":
        """Train on samples X, shape (N, D), with their classes y, shape (N,); return self."""
        X, y = validate_data(self, X, y, dtype=FLOATS)
        check_classification_targets(y)
        self.classes_, t = np.unique(y, return_inverse=True)
        seed = check_random_state(self.random_state).randint(2**31)
        rng = np.random.default_rng(seed)
        self.network_ = MultiLayerNetExtend(
            self.n_features_in_,
            list(self.hidden_layer_sizes),
            len(self.classes_),
            weight_decay_lambda=self.weight_decay,
            rng=rng,
        )
        optimizer = SGD(self.learning_rate)
        for _ in range(self.epochs):
            order = rng.permutation(len(X))
            for rows in np.split(order, range(self.batch_size, len(X), self.batch_size)):
                optimizer.update(self.network_.params, self.network_.gradient(X[rows], t[rows]))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape (N, classes), for samples X, (N, D)."""
        check_is_fitted(self)
        scores = self.network_.predict(validate_data(self, X, dtype=FLOATS, reset=False))
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each sample, shape (N,)."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])


class ProgressSearchCV(RandomizedSearchCV):  # type: ignore[misc]
    """RandomizedSearchCV with a progress bar, which keeps what it has when it is interrupted.

    Results are the same as without: the candidates are drawn at once, and handed over a few at a
    time: one for each core, and four at least.
    """

    def _run_search(self, evaluate_candidates: Callable[[list[Any]], Any]) -> None:
        candidates = list(
            ParameterSampler(self.param_distributions, self.n_iter, random_state=self.random_state)
        )
        size = max(4, os.cpu_count() or 1)
        groups = [candidates[start : start + size] for start in range(0, len(candidates), size)]
        done = 0
        try:
            for group in track(groups, f"groups of {size} candidates"):
                evaluate_candidates(group)
                done += len(group)
        except KeyboardInterrupt:
            if not done:
                raise
            print(f"\nStopped after {done} of {len(candidates)} candidates.")
