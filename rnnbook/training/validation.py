"""What a run validates on: data held out of the training, and the weights of one session taken over by another."""

from __future__ import annotations

import collections
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from rnnbook.base.checks import ArrayLike
from rnnbook.errors import ArgumentValueError
from rnnbook.model_folder import run_state

__all__ = ['Evaluation', 'evaluate', 'Pair', 'hold_out', 'last_rows', 'last_columns', 'copy_variables']

#: Two arrays with the same rows: x and y.
Pair = Tuple[np.ndarray, np.ndarray]


def hold_out(given: Any, data: Pair, split: Callable[[Pair, float], Tuple[Pair, Pair]],
             check: Callable[[Any, Any], Pair]) -> Tuple[Pair, Optional[Pair], Dict[str, Any]]:
    """Split the data of a training as `training.Run` was told."""
    held_out, settings = None, {'data': run_state.fingerprint(*data), 'validation': None}
    if isinstance(given, (tuple, list)):
        held_out = check(*given)
        settings['validation'] = run_state.fingerprint(*held_out)
    elif given is not None:
        settings['validation'] = float(given)
        data, held_out = split(data, given)
    return data, held_out, settings


def last_rows(data: Pair, fraction: float, least: int) -> Tuple[Pair, Pair]:
    """Hold out the last rows."""
    start = _start(len(data[0]), fraction, least, 'rows')
    return tuple(array[:start] for array in data), tuple(array[start:] for array in data)


def last_columns(data: Pair, fraction: float, least: int) -> Tuple[Pair, Pair]:
    """Hold out the last columns of each row, which are the end of a stretch of text."""
    start = _start(data[0].shape[1], fraction, least, 'columns')
    return tuple(array[:, :start] for array in data), tuple(array[:, start:] for array in data)


def _start(size, fraction, least, what):
    """Where what is held out starts."""
    start = size - int(size * fraction)
    if start < least or start == size:
        raise ArgumentValueError('validation must hold out at least one of %d %s and leave %d or more to train on, not '
                                 '%g, which holds out %d' % (size, what, least, fraction, size - start))
    return start


def copy_variables(source: Any, target: Any) -> None:
    """Give all variables of one session the values that another has for those of the same names, without a file."""
    variables = target.graph.get_collection('variables')
    values = {variable.op.name: variable for variable in source.graph.get_collection('variables')}
    values = source.run({variable.op.name: values[variable.op.name] for variable in variables})
    target.run([variable.initializer for variable in variables],
               {variable.initializer.inputs[1]: values[variable.op.name] for variable in variables})


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
