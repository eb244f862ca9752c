"""How good probabilities are, given the labels: accuracy, log loss, confusion counts, area under the ROC curve."""

from __future__ import annotations

import collections

import numpy as np

from rnnbook.errors import ArgumentValueError
from rnnbook.base.hints import ArrayLike

__all__ = ['Evaluation', 'evaluate']

Evaluation = collections.namedtuple('Evaluation', 'accuracy log_loss confusion auc')
Evaluation.__doc__ = """What `evaluate` finds.

Fields: `accuracy`, the share of right labels; `log_loss`, the mean cross entropy in nats; `confusion`, an int64 array
of the shape (2, 2), rows counted by label and then by prediction; `auc`, the area under the ROC curve, which is the
share of the pairs of a row with the label 1 and one with the label 0 in which the first has the higher probability
(ties count half), NaN where there are no such pairs.
"""


def evaluate(labels: ArrayLike, probabilities: ArrayLike) -> Evaluation:
    """Hold probabilities of the label 1 against the labels.

    Parameters
    ----------
    labels : numpy.ndarray, shape (rows,)
        0 or 1.
    probabilities : numpy.ndarray of float, shape (rows,)
        From 0 to 1. The predicted label is the probability rounded, half to even, as the chapter's graph does.

    Returns
    -------
    Evaluation

    Raises
    ------
    ArgumentValueError
        No rows at all.
    """
    if not len(labels):
        raise ArgumentValueError('labels must have at least one row, not none')
    labels, probabilities = np.asarray(labels).astype(np.int64), np.asarray(probabilities, dtype=np.float64)
    predicted = np.rint(probabilities).astype(np.int64)
    confusion = np.bincount(2 * labels + predicted, minlength=4).reshape(2, 2)
    right = np.where(labels == 1, probabilities, 1 - probabilities)
    # A probability that has been rounded to 0 or 1 is one of float32: as sure as it can be, not infinitely so.
    log_loss = -np.log(np.maximum(right, np.finfo(np.float32).eps / 2)).mean()
    return Evaluation(float(np.mean(predicted == labels)), float(log_loss), confusion, _auc(labels, probabilities))


def _auc(labels, probabilities):
    """The area under the ROC curve, by the sum of the ranks of the rows with the label 1 (Mann and Whitney 1947)."""
    positive = labels == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return float('nan')
    _, where, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2            # equal probabilities share the mean of their ranks
    return float((ranks[where][positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))
