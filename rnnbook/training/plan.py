"""What a training does: its batches, its figures and its names, which differ from model to model."""

from __future__ import annotations

import dataclasses
from typing import ContextManager, Dict, Iterable, NamedTuple, Optional, Union

import numpy as np

from rnnbook.model_folder.run_state import Row, RunState
from rnnbook.network.devices import tf
from rnnbook.training.validation import Pair

__all__ = ['Feed', 'Plan', 'Step']

#: The values of the placeholders of a step, by the names of their tensors.
Feed = Dict[str, Union[float, np.ndarray]]


@dataclasses.dataclass
class Plan:
    """One training of a model; each model has a subclass."""

    num_epochs: int
    batches: int                                            # of an epoch
    units: int                                              # the words or characters of an epoch
    settings: Dict[str, object]                             # of the model's own, for the record of the run
    vocabulary: Optional[Dict[str, int]]
    held_out: Optional[Pair]                                # what to validate on

    unit, speed = 'words', 'words_per_second'               # of characters: 'characters', 'chars_per_second'
    line = ''                                               # of an iteration, as the book prints it
    labels = embedding = None                               # names of tensors, for models that have them

    def feeds(self, epoch: int) -> Iterable[Feed]:
        """The batches of an epoch."""
        raise NotImplementedError

    def checkpoint(self, state: RunState) -> str:
        """The name of a checkpoint."""
        raise NotImplementedError

    def session(self) -> ContextManager[tf.compat.v1.Session]:
        """A session of a graph that validates; its variables may have any values."""
        raise NotImplementedError

    def validate(self, sess: tf.compat.v1.Session) -> Row:
        """The columns of the history that are measured on what is held out."""
        raise NotImplementedError


class Step(NamedTuple):
    """The figures of an iteration: its loss, the global norm of its gradients, and its learning rate."""

    loss: float
    gradient_norm: float
    learning_rate: float
