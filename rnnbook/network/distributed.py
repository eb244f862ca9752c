"""Several processes that train one model together with Horovod (Sergeev and Del Balso 2018, arXiv:1802.05799).

No other file names Horovod. Each process, called a rank, holds the whole model and computes a part of each batch: with
N rows per rank, rank r takes the N rows from r * N on. The gradients are averaged, so that all ranks take one step.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from typing import Any, Iterator, List, Optional, Union

import numpy as np

from rnnbook.base.checks import check_bool, counted
from rnnbook.errors import PeerError, RequirementError
from rnnbook.network.devices import tf
from rnnbook.network.optimizers import sum_rows

__all__ = ['World', 'join']

Gradient = Union[tf.Tensor, tf.IndexedSlices]


class World:
    """A world of one process, whose methods return what they are given."""

    gpu = config = None

    def __init__(self, rank: int = 0, size: int = 1, local_rank: int = 0, local_size: int = 1) -> None:
        self.rank, self.size, self.local_rank, self.local_size = rank, size, local_rank, local_size

    def own(self, rows: int) -> slice:
        """The rows of this process among those of all."""
        return slice(self.rank * rows, (self.rank + 1) * rows)

    def counted(self, name: str, number: int, noun: str) -> str:
        """A number in each process and in all of them, for a message."""
        if self.size == 1:
            return '%s = %s' % (name, counted(number, noun))
        return '%s = %d times %d processes = %s' % (name, number, self.size, counted(number * self.size, noun))

    def average(self, gradients: List[Gradient]) -> List[Gradient]:
        """Add the averages over all processes to the default graph."""
        return gradients

    def broadcast(self, sess: tf.compat.v1.Session, variables: List[tf.Variable]) -> None:
        """Copy the values of the variables from rank 0 to every process; each has to call."""

    def gather(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all processes, concatenated along the first axis; each has to call."""
        return array

    def share(self, value: Any) -> Any:
        """The value of rank 0, in every process; each has to call."""
        return value

    @contextlib.contextmanager
    def first_on_machine(self) -> Iterator[None]:
        """A block that one process per machine runs before the others, which find its results; each has to enter."""
        if self.local_rank:
            self.gather(np.zeros(1))
        yield
        if not self.local_rank:
            self.gather(np.zeros(1))

    def lost(self, error: Optional[BaseException]) -> bool:
        """Whether an error says that another process has ended."""
        return isinstance(error, PeerError)


class _Horovod(World):
    """The processes that `horovodrun` has started."""

    def __init__(self, horovod):
        super().__init__(horovod.rank(), horovod.size(), horovod.local_rank(), horovod.local_size())
        self.gpu = self.local_rank
        self._horovod, self._sess, self._gathers = horovod, None, {}

    def average(self, gradients):
        # The dense ones in one piece, so that every run adds them up in the same order.
        dense = [gradient for gradient in gradients if not isinstance(gradient, tf.IndexedSlices)]
        averages = iter(self._horovod.grouped_allreduce(dense, op=self._horovod.Average) if dense else ())
        return [sum_rows(self._horovod.allreduce(gradient, op=self._horovod.Average))
                if isinstance(gradient, tf.IndexedSlices) else next(averages) for gradient in gradients]

    def broadcast(self, sess, variables):
        with sess.graph.as_default():
            sess.run(self._horovod.broadcast_variables(variables, root_rank=0))

    def gather(self, array):
        fed, gathered = self._gather_op(array.dtype, array.ndim)
        try:
            return self._sess.run(gathered, {fed: array})
        except tf.errors.OpError as error:
            raise PeerError('another process of this job has ended') from error

    def _gather_op(self, dtype, axes):
        """A placeholder and its gathered values, in a graph beside the model's."""
        if self._sess is None:
            self._sess = tf.compat.v1.Session(graph=tf.Graph(), config=self.config)
        if (dtype, axes) not in self._gathers:
            with self._sess.graph.as_default():
                fed = tf.compat.v1.placeholder(dtype, [None] * axes)
                self._gathers[dtype, axes] = fed, self._horovod.allgather(fed, name='gather_%s_%d' % (dtype, axes))
        return self._gathers[dtype, axes]

    def share(self, value):
        content = json.dumps(value).encode('ascii') if self.rank == 0 else b''
        return json.loads(self.gather(np.frombuffer(content, dtype=np.uint8)).tobytes().decode('ascii'))

    def lost(self, error):
        return super().lost(error) or isinstance(error, tf.errors.OpError) and 'Horovod' in str(error)


def join(name: str, distributed: bool) -> World:
    """The processes that train a model: one, or all that Horovod knows."""
    if not check_bool(name, distributed):
        return World()
    try:
        horovod = importlib.import_module('horovod.tensorflow')
    except (ImportError, tf.errors.NotFoundError) as error:  # the latter: built for another TensorFlow
        raise RequirementError('%s needs Horovod built for TensorFlow, which cannot be imported (%s); python3 '
                               'scripts/bootstrap.py --extra horovod installs it'
                               % (name, str(error).splitlines()[0])) from error
    horovod.init()
    return _Horovod(horovod)
