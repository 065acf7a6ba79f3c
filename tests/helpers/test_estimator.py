"""The network as a scikit-learn classifier: scikit-learn's own checks, and a search over it."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from helpers.estimator import NetworkClassifier, ProgressSearchCV

SKIPPED = {  # by scikit-learn itself, for what is not installed or not set
    "check_array_api_input": "the environment variable SCIPY_ARRAY_API is not set",
    "check_classifier_data_not_an_array": "pandas is not installed",
}
X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
DISTRIBUTIONS = {"learning_rate": [0.01, 0.03, 0.1, 0.3, 1.0], "weight_decay": [0.0, 1e-4, 1e-2]}


def test_it_passes_every_check_that_scikit_learn_has_for_a_classifier():
    checks = check_estimator(NetworkClassifier(), on_fail=None, on_skip=None)
    found = {
        status: {c["check_name"] for c in checks if c["status"] == status}
        for status in ("passed", "skipped", "failed", "xfail")
    }
    assert found["failed"] == found["xfail"] == set()
    assert found["skipped"] <= set(SKIPPED)
    assert len(found["passed"]) >= 50


@pytest.mark.parametrize("sizes", [(100,), (20, 20, 20), ()])
def test_it_learns_flowers_by_name(sizes):
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    model = NetworkClassifier(sizes, learning_rate=0.2, epochs=60, batch_size=16, random_state=0)
    assert model.fit(X, names).score(X, names) > 0.94
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))


def test_it_works_in_a_pipeline_and_in_cross_validation():
    scaled = make_pipeline(StandardScaler(), NetworkClassifier(random_state=0, batch_size=16))
    assert cross_val_score(scaled, X, Y, cv=KFold(3, shuffle=True, random_state=0)).mean() > 0.9


def test_the_same_seed_gives_the_same_network_another_one_another():
    def scores(seed):
        return NetworkClassifier(epochs=2, random_state=seed).fit(X, Y).predict_proba(X)

    np.testing.assert_array_equal(scores(1), scores(1))
    assert not np.array_equal(scores(1), scores(2))


def test_weight_decay_makes_weights_small():
    def norm(decay):
        model = NetworkClassifier(weight_decay=decay, random_state=0).fit(X, Y)
        return np.linalg.norm(model.network_.params["W1"])

    assert norm(0.1) < 0.8 * norm(0.0)


# --- the search -----------------------------------------------------------------------------------


def search(kind=ProgressSearchCV, n_jobs=1, n_iter=9, model=None):
    model = model or NetworkClassifier((8,), epochs=3, random_state=0)
    return kind(model, DISTRIBUTIONS, n_iter=n_iter, cv=3, n_jobs=n_jobs, random_state=5)


def columns(fitted):
    """Return the results but for the times."""
    return {
        key: list(values) for key, values in fitted.cv_results_.items() if not key.endswith("_time")
    }


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_changes_no_result_and_neither_do_processes(n_jobs):
    plain = search(RandomizedSearchCV).fit(X, Y)
    shown = search(n_jobs=n_jobs).fit(X, Y)
    assert columns(shown) == columns(plain)
    assert shown.best_params_ == plain.best_params_
    assert shown.best_estimator_.score(X, Y) == plain.best_estimator_.score(X, Y)


def test_it_shows_how_far_it_is(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_PACE", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    search().fit(X, Y)
    assert "3 of 3 groups of 4 candidates" in capsys.readouterr().out


class Interrupted(NetworkClassifier):
    """Is interrupted when it is trained with this learning rate."""

    def fit(self, X, y):
        if self.learning_rate == 0.3:
            raise KeyboardInterrupt
        return super().fit(X, y)


def test_an_interrupted_search_keeps_the_groups_that_are_complete(capsys, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    rates = [values["learning_rate"] for values in search().fit(X, Y).cv_results_["params"]]
    first = rates.index(0.3)
    complete = 4 * (first // 4)
    assert complete > 0
    model = Interrupted((8,), epochs=3, random_state=0)
    found = search(model=model).fit(X, Y)
    assert len(found.cv_results_["params"]) == complete
    assert found.best_params_["learning_rate"] in rates[:complete]
    assert f"Stopped after {complete} of 9 candidates." in capsys.readouterr().out


def test_an_interrupt_before_the_first_result_is_an_interrupt():
    model = Interrupted((8,), learning_rate=0.3)
    with pytest.raises(KeyboardInterrupt):
        ProgressSearchCV(model, {"epochs": [1, 2, 3]}, n_iter=2, cv=3).fit(X, Y)
