"""Validation: data held out of the training, the weights to measure on them, and what is measured."""

from __future__ import annotations

import collections
from typing import Dict, Optional, Tuple, Union

import numpy as np

from rnnbook.base.checks import ArrayLike
from rnnbook.errors import ArgumentValueError
from rnnbook.model_folder.reading import assign
from rnnbook.model_folder.run_state import fingerprint
from rnnbook.network.devices import tf

__all__ = ['Evaluation', 'evaluate', 'Pair', 'fingerprints', 'last_rows', 'last_columns', 'copy_variables']

#: Two arrays with the same rows: x and y.
Pair = Tuple[np.ndarray, np.ndarray]


def fingerprints(data: Pair, given: Union[float, Pair, None], held_out: Optional[Pair]) -> Dict[str, object]:
    """What a run's record keeps of its data; `given` is the field `validation` of its settings."""
    return {'data': fingerprint(*data), 'validation': fingerprint(*held_out) if isinstance(given, tuple) else given}


def last_rows(data: Pair, fraction: float, least: int) -> Tuple[Pair, Pair]:
    """Hold out the last rows."""
    start = _start(len(data[0]), fraction, least, 'rows')
    return tuple(array[:start] for array in data), tuple(array[start:] for array in data)


def last_columns(data: Pair, fraction: float, least: int) -> Tuple[Pair, Pair]:
    """Hold out the last columns of each row: the end of its part of the text."""
    start = _start(data[0].shape[1], fraction, least, 'columns')
    return tuple(array[:, :start] for array in data), tuple(array[:, start:] for array in data)


def _start(size, fraction, least, what):
    """Where the part that is held out starts."""
    start = size - int(size * fraction)
    if start < least or start == size:
        raise ArgumentValueError('validation must hold out at least one of %d %s and leave %d or more to train on, not '
                                 '%g, which holds out %d' % (size, what, least, fraction, size - start))
    return start


def copy_variables(source: tf.compat.v1.Session, target: tf.compat.v1.Session) -> None:
    """Give all variables of one session the values that another has for those of the same names, without a file."""
    names = {variable.op.name for variable in target.graph.get_collection('variables')}
    assign(target, source.run({variable.op.name: variable for variable in source.graph.get_collection('variables')
                               if variable.op.name in names}))


Evaluation = collections.namedtuple('Evaluation', 'accuracy log_loss confusion auc')
Evaluation.__doc__ = """The figures of `evaluate`.

Fields: `accuracy`, the share of correct labels; `log_loss`, the mean cross entropy in nats; `confusion`, an int64 array
of shape (2, 2) that counts rows by label and then by prediction; `auc`, the area under the ROC curve: of all pairs of a
row with the label 1 and a row with the label 0, the share in which the first has the higher probability (ties count
half), NaN where there are no such pairs.
"""


def evaluate(labels: ArrayLike, probabilities: ArrayLike) -> Evaluation:
    """Compare probabilities of the label 1 with the labels.

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
    # A float32 that has been rounded to 0 or 1 is as sure as a float32 can be, not infinitely so.
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
