"""A run's event files for TensorBoard: figures, the graph, and the vectors of words with the words beside them.

Nothing is added to the graph of a model: values are fetched with the steps, and put into events here.
"""

from __future__ import annotations

import glob
import os
from typing import Mapping, Optional

from rnnbook.base.files import write_text
from rnnbook.errors import FileError
from rnnbook.model_folder import checkpoint_files
from rnnbook.network.devices import tf

__all__ = ['Events', 'Projector', 'label']

#: The most words that the projector gets, the most frequent: a browser is to show them all.
MAX_WORDS = 10000
METADATA, CONFIG, CHECKPOINT, TENSOR = 'words.tsv', 'projector_config.pbtxt', 'words.ckpt', 'word_embedding'


class Events:
    """Writes figures, a graph and vectors into a folder, going on with what an interrupted run has written there."""

    def __init__(self, logdir: str, sess: tf.compat.v1.Session, iteration: int,
                 projector: Optional[Projector] = None) -> None:
        there = glob.glob(os.path.join(glob.escape(logdir), '*.tfevents.*'))
        self._sess, self._projector = sess, projector
        # A file of the same second would have the same name, and files are read in the order of their names.
        self._writer = tf.compat.v1.summary.FileWriter(logdir, filename_suffix='.%05d' % len(there))
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._writer.add_session_log(start, iteration + 1 if iteration else 0)
        if not iteration or not there:
            self._writer.add_graph(sess.graph)

    def step(self, iteration: int, figures: Mapping[str, float]) -> None:
        """Write the figures of a training step."""
        self._add('step', iteration, figures)

    def epoch(self, iteration: int, figures: Mapping[str, float]) -> None:
        """Write the figures of an epoch, and the vectors of words after it; TensorBoard sees them at once."""
        self._add('epoch', iteration, figures)
        self._writer.flush()
        if self._projector is not None:
            self._projector.write(self._sess, iteration)

    def _add(self, group, iteration, figures):
        value = tf.compat.v1.Summary.Value
        self._writer.add_summary(tf.compat.v1.Summary(value=[
            value(tag='%s/%s' % (group, name), simple_value=figure) for name, figure in figures.items()]), iteration)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


class Projector:
    """The vectors of the most frequent words, for TensorBoard's projector; the words are written at once."""

    def __init__(self, logdir: str, embedding: str, vocabulary: Optional[Mapping[str, int]], n_words: int) -> None:
        self._logdir, self._embedding, self.shown = logdir, embedding, min(MAX_WORDS, n_words - 1)
        words = {getattr(vocabulary, 'unknown', None): '(unknown)',
                 **{number: label(word) for word, number in (vocabulary or {}).items()}}
        write_text(os.path.join(logdir, METADATA), ''.join(
            words.get(number, str(number)) + '\n' for number in range(1, 1 + self.shown)))
        write_text(os.path.join(logdir, CONFIG),
                   'embeddings {\n  tensor_name: "%s"\n  metadata_path: "%s"\n}\n' % (TENSOR, METADATA))

    def write(self, sess: tf.compat.v1.Session, iteration: int) -> None:
        """Write the vectors as they are now."""
        name = '%s-%d' % (CHECKPOINT, iteration)
        before = [other for other in checkpoint_files.by_age(self._logdir)
                  if other.startswith(CHECKPOINT) and other != name]
        try:
            _save(os.path.join(self._logdir, name), sess.run(self._embedding)[1:1 + self.shown])
            checkpoint_files.write_list(self._logdir, [name])          # by which the plugin finds it
            for other in before:
                checkpoint_files.remove(self._logdir, other)
        except (tf.errors.OpError, OSError) as error:
            raise FileError('cannot write %s: %s' % (os.path.join(self._logdir, name), str(error).splitlines()[0])
                            ) from error


def _save(prefix, values):
    """Write a checkpoint with one tensor."""
    config = tf.compat.v1.ConfigProto(device_count={'GPU': 0})
    with tf.Graph().as_default(), tf.compat.v1.Session(config=config) as sess:
        tensor = tf.compat.v1.placeholder(tf.float32)
        save = tf.raw_ops.SaveV2(prefix=prefix, tensor_names=[TENSOR], shape_and_slices=[''], tensors=[tensor])
        sess.run(save, {tensor: values})


def label(word: str) -> str:
    """A word as one line of the projector's metadata, which are lines of columns and have no way to quote."""
    text = ''.join(char if char.isprintable() else ascii(char)[1:-1] for char in word)
    return text if text.strip() else repr(text)
