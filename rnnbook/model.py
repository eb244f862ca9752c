"""What `SentimentRNN` and `CharRNN` have in common: a graph, where it is computed, and what describes it."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Mapping, Optional, Tuple

from rnnbook.network import devices                                 # first: it imports TensorFlow checked and quietly
from rnnbook.model_folder import description as sidecar, reading
from rnnbook.network import lstm

import tensorflow as tf

from rnnbook.base.checks import StrPath, check_bool, check_choice, check_int
from rnnbook.network.distributed import join

__all__ = ['Model']


class Model:
    """A model of the chapter; a subclass checks its own arguments, calls `_place`, and then `_construct`."""

    #: The constructor's arguments that a folder keeps; where to compute is not among them.
    ARGUMENTS: ClassVar[Tuple[str, ...]]
    #: Those of them that decide the shapes of the variables.
    SHAPING: ClassVar[Tuple[str, ...]]

    def _place(self, engine: str, shards: Optional[int], seed: int, device: str, intra_op_threads: Optional[int],
               inter_op_threads: Optional[int], distributed: bool, scale_learning_rate: bool) -> None:
        """Check how and where to compute, and join the processes that train together."""
        self.engine = check_choice('engine', engine, lstm.ENGINES)
        self.seed = check_int('seed', seed, 0, 2 ** 31 - 1)
        scale_learning_rate = check_bool('scale_learning_rate', scale_learning_rate)
        self.world = join('distributed', distributed)
        self.device = devices.check_device('device', device, self.world.gpu)
        self.global_batch_size = self.world.size * self.batch_size
        if scale_learning_rate:
            self.learning_rate *= self.world.size
        self.shards = devices.check_shards('shards', shards, self.engine, self.device, self.batch_size,
                                           self.world.local_size)
        self.threads = devices.Threads.of(intra_op_threads, inter_op_threads, self.engine, self.device,
                                          self.world.local_size)
        self.world.config = self.session_config()

    def _construct(self, **build: Any) -> None:
        """Make the graph, with these arguments of `build`; under one seed, both engines start from the same weights."""
        self.vocabulary = self.ckpt_dir = None
        self._seeds: Dict[str, int] = {}                    # the chapter's graph needs none said
        if self.engine == 'fused':
            self._seeds = lstm.initial_seeds(self._build_book, self.seed)
        self.g = tf.Graph()
        with self.g.as_default():
            tf.compat.v1.set_random_seed(self.seed)
            self.build(**build)
            self.saver = tf.compat.v1.train.Saver()
            self.init_op = devices.init_op()

    def _layers(self, engine):
        return lstm.Layers(engine, self.lstm_size, self.num_layers, self.shards, self.seed, self.world.rank)

    def arguments(self) -> Dict[str, Any]:
        """The constructor's arguments that the model's folder keeps, as a dict that JSON can hold."""
        return {**{name: getattr(self, name) for name in self.ARGUMENTS}, 'batch_size': self.global_batch_size}

    def summary(self) -> str:
        """The model's variables by layer, their shapes and numbers of weights, as a text of several lines."""
        return sidecar.summary(self.description(self.vocabulary))

    def session_config(self) -> tf.compat.v1.ConfigProto:
        """The `tf.ConfigProto` of the sessions that this object opens, for those that a notebook opens itself."""
        return devices.session_config(self.device, self.threads, self.world.gpu)

    def description(self, vocabulary: Optional[Mapping[str, int]]) -> sidecar.Description:
        """What `model.json` says of this model."""
        return sidecar.Description(sidecar.class_name(type(self)), self.arguments(), vocabulary)

    def _checkpoint(self, ckpt_dir: Optional[StrPath], checkpoint: Optional[str]):
        """The folder, the checkpoint to restore, and what `model.json` says, which is of a model like this."""
        folder = reading.folder_of('ckpt_dir', ckpt_dir, self.ckpt_dir)
        return folder, reading.find(folder, checkpoint), reading.match(
            folder, self.description(None), self.SHAPING)
