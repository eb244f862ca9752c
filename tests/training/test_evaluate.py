"""Accuracy, log loss, confusion counts and the area under the ROC curve, worked by hand."""

import numpy as np
import pytest

from rnnbook.errors import ArgumentValueError
from rnnbook.training import validation


def test_a_worked_example():
    labels = [1, 1, 1, 0, 0]
    probabilities = [0.9, 0.6, 0.2, 0.6, 0.1]
    found = validation.evaluate(labels, probabilities)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.confusion.tolist() == [[1, 1], [1, 2]]
    assert found.log_loss == pytest.approx(-np.mean(np.log([0.9, 0.6, 0.2, 0.4, 0.9])))
    # Pairs of a 1 and a 0: 0.9 beats both; 0.6 ties one and beats one; 0.2 beats one.
    assert found.auc == pytest.approx((2 + 1.5 + 1) / 6)


def test_auc_is_the_share_of_pairs_in_the_right_order():
    random = np.random.RandomState(0)
    labels, probabilities = random.randint(0, 2, 60), random.randint(0, 9, 60) / 9
    pairs = [(p > q) + (p == q) / 2 for p in probabilities[labels == 1] for q in probabilities[labels == 0]]
    assert validation.evaluate(labels, probabilities).auc == pytest.approx(np.mean(pairs))


def test_perfect_reversed_and_undecided_rankings():
    labels = np.array([0, 0, 1, 1])
    assert validation.evaluate(labels, [0.1, 0.2, 0.7, 0.9]).auc == 1
    assert validation.evaluate(labels, [0.9, 0.8, 0.3, 0.1]).auc == 0
    assert validation.evaluate(labels, [0.5] * 4).auc == 0.5
    assert np.isnan(validation.evaluate([1, 1], [0.5, 0.6]).auc)


def test_half_is_rounded_to_even_as_in_the_graph():
    assert validation.evaluate([0, 1], np.array([0.5, 0.5], np.float32)).confusion.tolist() == [[1, 0], [1, 0]]


def test_a_probability_of_0_for_the_truth_costs_much_and_not_infinity():
    loss = validation.evaluate([1], np.array([0.0], np.float32)).log_loss
    assert 16 < loss < 17


def test_no_rows_are_an_error():
    with pytest.raises(ArgumentValueError, match='labels must have at least one row'):
        validation.evaluate([], [])
