"""What `SentimentRNN` and `CharRNN` have in common: a graph, where it is computed, and what describes it."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, Callable, ClassVar, Dict, Iterator, Mapping, Optional, Tuple, Type, TypeVar

from rnnbook.base.checks import StrPath, check_bool, check_choice, check_int
from rnnbook.errors import OutOfMemoryError
from rnnbook.model_folder import checkpoint_files, reading
from rnnbook.model_folder.description import Description, class_name, summary
from rnnbook.model_folder.graphs import Trainable
from rnnbook.network import devices, lstm, optimizers
from rnnbook.network.devices import tf
from rnnbook.network.distributed import join

__all__ = ['Model', 'memory_errors']

M = TypeVar('M', bound='Model')
Method = TypeVar('Method', bound=Callable)


def memory_errors(advice: str) -> Callable[[Method], Method]:
    """A decorator of a model's method, which runs within `Model._memory_errors`."""
    def decorate(method):
        @functools.wraps(method)
        def checked(self, *arguments, **keywords):
            with self._memory_errors(advice):
                return method(self, *arguments, **keywords)
        return checked
    return decorate


class Model(Trainable):
    """What `SentimentRNN` and `CharRNN` share; a subclass checks its own arguments, calls `_place`, then `_construct`.

    Parameters
    ----------
    lstm_size : int
        H, the number of hidden units in a layer.
    num_layers : int, default 1
        Number of LSTM layers, stacked.
    learning_rate : float
        Learning rate of the optimizer.
    engine : {'book', 'fused'}, default 'book'
        How to compute the recurrent layers: with the chapter's cells, or with all time steps in one op, which is
        faster. Each engine can use the checkpoints of the other.
    shards : int, optional
        Number of parts of a batch that ``'fused'`` computes in parallel. Default: one per core, or one on a GPU.
    seed : int, default 123
        Graph-level seed, which determines the initial weights and dropout.
    device : {'auto', 'cpu', 'gpu'}, default 'auto'
        Where to compute; ``'auto'`` uses a GPU if TensorFlow finds one.
    intra_op_threads : int, optional
        Threads for one op; 0 leaves the choice to TensorFlow. Default: what was measured to be fastest.
    inter_op_threads : int, optional
        Number of ops that run in parallel; 0 leaves the choice to TensorFlow. Default: what was measured to be fastest.
    distributed : bool, default False
        Train with all processes that `horovodrun` has started; each takes `batch_size` rows of a batch.
    scale_learning_rate : bool, default False
        Multiply `learning_rate` by the number of processes (Goyal et al. 2017, arXiv:1706.02677).

    Attributes
    ----------
    g : tf.Graph
    initial_state, final_state : tuple of LSTMStateTuple
        The zero state, which may be fed, and the state after the last step; (c, h) of shape (N, H) for each layer.
    saver : tf.train.Saver
        For exactly the variables of the chapter's graph, so that the two can exchange checkpoints.
    init_op : tf.Operation
        Initialises every variable, including those that no checkpoint holds, such as `step`.
    step : tf.Variable of int64, shape ()
        Number of training steps so far.
    ckpt_dir : str or None
        The folder that this object was loaded from or has saved into.
    vocabulary : dict of str to int, or None
        The vocabulary saved with the model.
    world : distributed.World
        The processes that train together, and which of them this is.
    global_batch_size : int
        Rows of a batch in all processes together.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        An argument of the wrong type or out of range, before any graph is built.
    FileError
        In training: the folder cannot be written to, another run holds it, it holds another model or a run with other
        settings or data, no whole checkpoint is left to resume from, or saving failed.
    DivergenceError
        In training: the loss or a variable is NaN or infinite; the newest checkpoint is the last good one.
    OutOfMemoryError
        There is not enough memory for a batch or for the texts to write.
    """

    #: The constructor's arguments that a folder keeps; where to compute is not among them.
    ARGUMENTS: ClassVar[Tuple[str, ...]]
    recurrent_keep_prob = 1.0

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
        self.loaded = False
        self._seeds: Dict[str, int] = {}                    # the listing's graph needs none said
        self._seeds = lstm.initial_seeds(self._build_listing, self.seed)
        self.g = tf.Graph()
        with self.g.as_default():
            tf.compat.v1.set_random_seed(self.seed)
            self.build(**build)
            self.saver = tf.compat.v1.train.Saver()
            self.init_op = devices.init_op()

    @contextlib.contextmanager
    def _memory_errors(self, advice: str) -> Iterator[None]:
        """A block in which a lack of memory is an error that names the sizes and what to do."""
        try:
            yield
        except (tf.errors.ResourceExhaustedError, MemoryError) as error:
            sizes = ['%s = %d' % (name, getattr(self, name))
                     for name in ('batch_size', 'seq_len', 'num_steps', 'lstm_size') if hasattr(self, name)]
            raise OutOfMemoryError('out of memory with %s; %s' % (', '.join(sizes), advice)) from error

    def __repr__(self) -> str:
        names = (*self.SHAPING, 'engine', 'ckpt_dir')
        return '%s(%s)' % (type(self).__name__, ', '.join('%s=%r' % (name, getattr(self, name)) for name in names))

    def _layers(self, engine):
        return lstm.Layers(engine, self.lstm_size, self.num_layers, self.shards, self.seed, self.world.rank,
                           self.recurrent_keep_prob)

    def _optimize(self, cost, optimizer, grad_clip):
        """Add the training step: the gradients, averaged over all processes, clipped and applied."""
        variables = tf.compat.v1.trainable_variables()
        gradients = self.world.average(optimizers.gradients(cost, variables))
        norm = tf.linalg.global_norm(gradients)
        if grad_clip is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, grad_clip, use_norm=norm)
        tf.identity(norm, name='gradient_norm')
        learning_rate = tf.compat.v1.placeholder_with_default(self.learning_rate, (), name='learning_rate')
        self.step = optimizers.step_counter()
        optimizers.make(optimizer, learning_rate).apply_gradients(
            zip(gradients, variables), global_step=self.step, name='train_op')

    def arguments(self) -> Dict[str, Any]:
        """The constructor's arguments that the model's folder keeps, as a dict that JSON can hold."""
        return {**{name: getattr(self, name) for name in self.ARGUMENTS}, 'batch_size': self.global_batch_size}

    def summary(self) -> str:
        """The model's variables by layer, their shapes and numbers of weights, as a text of several lines."""
        return summary(self.description(self.vocabulary))

    def session_config(self) -> tf.compat.v1.ConfigProto:
        """The `tf.ConfigProto` of the sessions that this object opens, for those that a notebook opens itself."""
        return devices.session_config(self.device, self.threads, self.world.gpu)

    def description(self, vocabulary: Optional[Mapping[str, int]]) -> Description:
        """What `model.json` says about this model with a vocabulary."""
        return Description(class_name(type(self)), self.arguments(), vocabulary)

    @classmethod
    def load(cls: Type[M], ckpt_dir: StrPath, *, engine: Optional[str] = None, device: str = 'auto',
             intra_op_threads: Optional[int] = None, inter_op_threads: Optional[int] = None) -> M:
        """Make the object that a folder describes; its methods use that folder from then on.

        Parameters
        ----------
        ckpt_dir : str or path
            A folder that `train` has saved into.
        engine : {'book', 'fused'}, optional
            Default: the one that the model was trained with.
        device, intra_op_threads, inter_op_threads
            As for the class.

        Returns
        -------
        SentimentRNN or CharRNN

        Raises
        ------
        FileError
            No such folder, no model of this class in it, or a damaged description.
        """
        return reading.load(cls, checkpoint_files.check_folder('ckpt_dir', ckpt_dir), engine=engine, device=device,
                            intra_op_threads=intra_op_threads, inter_op_threads=inter_op_threads)
