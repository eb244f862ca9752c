"""The graphs of a model, as those see them that train, save, restore and export it."""

from __future__ import annotations

from typing import ClassVar, Dict, Mapping, NamedTuple, Optional, Tuple

from rnnbook.model_folder.description import Description
from rnnbook.network.devices import tf
from rnnbook.network.distributed import World

__all__ = ['StateTensors', 'Inference', 'Serving', 'Trainable']

#: The state of an LSTM in a graph: (c, h) of each layer.
StateTensors = Tuple[Tuple[tf.Tensor, tf.Tensor], ...]


class Inference(NamedTuple):
    """A graph that uses a model's variables without training them."""

    g: tf.Graph
    initial_state: StateTensors
    final_state: StateTensors


class Serving(NamedTuple):
    """What other programs use of a graph: the name of its signature, and its tensors by the names that they see."""

    name: str
    inputs: Dict[str, tf.Tensor]
    outputs: Dict[str, tf.Tensor]


class Trainable:
    """What a run and a folder need of a model; `rnnbook.model.Model` fills it in."""

    #: The constructor's arguments that decide the shapes of the variables.
    SHAPING: ClassVar[Tuple[str, ...]]
    g: tf.Graph
    initial_state: StateTensors
    final_state: StateTensors
    saver: tf.compat.v1.train.Saver
    init_op: tf.Operation
    step: tf.Variable
    world: World
    batch_size: int
    global_batch_size: int
    learning_rate: float
    vocabulary: Optional[Dict[str, int]]
    #: The folder that the object was loaded from or has saved into.
    ckpt_dir: Optional[str]
    #: Whether `load` has made the object: its training starts from the weights in `ckpt_dir`.
    loaded: bool

    def session_config(self) -> tf.compat.v1.ConfigProto:
        """The configuration of the sessions that compute with the model."""
        raise NotImplementedError

    def description(self, vocabulary: Optional[Mapping[str, int]]) -> Description:
        """What `model.json` says about this model with a vocabulary."""
        raise NotImplementedError

    def _check_vocabulary(self, name: str, vocabulary: Optional[Mapping[str, int]]) -> Optional[Dict[str, int]]:
        """The vocabulary, if its numbers fit the model."""
        raise NotImplementedError

    def serving(self) -> Serving:
        """Add the graph that `export.write_saved_model` writes to the default graph."""
        raise NotImplementedError
