"""Export a model: as `weights.npz` for `portable`, or as a SavedModel for anything that runs TensorFlow."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Optional

from rnnbook.base.checks import StrPath
from rnnbook.base.files import check_path, file_errors
from rnnbook.errors import FileError
from rnnbook.model_folder import reading
from rnnbook.model_folder.checkpoint_files import check_folder, check_output, refuse_links
from rnnbook.model_folder.description import MODEL_JSON, read_description
from rnnbook.model_folder.graphs import Trainable
from rnnbook.network.devices import tf
from rnnbook.portable import vectorization, weights
from rnnbook.preprocessing.vocabulary import Vocabulary

__all__ = ['write_saved_model', 'write_weights']


def write_weights(ckpt_dir: StrPath, checkpoint: Optional[str] = None) -> str:
    """Write the weights of a checkpoint as ``weights.npz`` beside its ``model.json``.

    This replaces an earlier file of that name. Variables that only training needs, such as Adam's moments, stay out.

    Parameters
    ----------
    ckpt_dir : str or path
        A folder that `train` has saved into.
    checkpoint : str, optional
        The name of a checkpoint in the folder, such as ``'sentiment-9.ckpt'``. Default: the newest.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        `ckpt_dir` is no path, or there is no checkpoint of that name; the ones that are there are named.
    FileError
        No such folder, no model or no checkpoint in it, one that cannot be read or is of another model, or the file
        cannot be written.
    """
    folder = check_folder('ckpt_dir', ckpt_dir)
    reading.find(folder, checkpoint)
    refuse_links(folder)
    description = read_description(folder)
    prefix, arrays = reading.read_weights(folder, checkpoint, description, 'export')
    return weights.write(folder, arrays, description, os.path.basename(prefix))


def write_saved_model(model: Trainable, out: StrPath, *, ckpt_dir: Optional[StrPath] = None,
                      checkpoint: Optional[str] = None) -> str:
    """Write a checkpoint as a SavedModel with named signatures, which any TensorFlow 1.15 runs without this package.

    The one that `serving` of the model names is also ``serving_default``. If the folder has a vocabulary of words,
    ``classify_text`` takes raw text and treats it as `predict_text` does. ``assets.extra`` holds the ``model.json``.

    Parameters
    ----------
    model : SentimentRNN or CharRNN
        What to export.
    out : str or path
        The folder to write. It must not exist, and appears only once it is complete.
    ckpt_dir : str or path, optional
        The folder to restore from. Default: where the model was loaded from or trained into, else ``./model/``.
    checkpoint : str, optional
        The name of a checkpoint in that folder. Default: the newest.

    Returns
    -------
    str
        The path of the folder.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A path is not one, or there is no checkpoint of that name.
    FileError
        `out` exists or cannot be written, or no checkpoint can be read that fits the model.
    """
    out = check_output('out', check_path('out', out).rstrip(os.sep) or os.sep)
    if os.path.exists(out):
        raise FileError('%s is there already; a SavedModel is written into a new folder' % out)
    folder, found = reading.described(model, ckpt_dir, checkpoint)
    g, signatures = _served(model, found and model._check_vocabulary('vocabulary', found.vocabulary))
    parent = os.path.dirname(os.path.abspath(out))
    with file_errors('cannot write %s' % out):
        os.makedirs(parent, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=os.path.basename(out) + '.', suffix='.part', dir=parent) as workshop:
            path = os.path.join(workshop, 'saved_model')
            with g.as_default(), tf.compat.v1.Session(config=model.session_config()) as sess:
                reading.restore(sess, folder, checkpoint, found)
                builder = tf.compat.v1.saved_model.Builder(path)
                builder.add_meta_graph_and_variables(sess, [tf.saved_model.SERVING], signatures,
                                                     main_op=tf.compat.v1.tables_initializer())
                builder.save()
            extra = os.path.join(path, 'assets.extra')
            os.makedirs(extra)
            if os.path.exists(os.path.join(folder, MODEL_JSON)):
                shutil.copy(os.path.join(folder, MODEL_JSON), extra)
            os.replace(path, out)
    return out


def _served(model, vocabulary):
    """A graph for other programs, and its signatures by name."""
    sign = tf.compat.v1.saved_model.signature_def_utils.predict_signature_def
    with tf.Graph().as_default() as g:
        if isinstance(vocabulary, Vocabulary):              # of words
            texts = tf.compat.v1.placeholder(tf.string, shape=(None,), name='texts')
            word_ids = vectorization.encode(texts, vocabulary, model.seq_len)
            serving = model.serving(tf.compat.v1.placeholder_with_default(word_ids, word_ids.shape, name='tf_x'))
            signatures = {'classify_text': sign({'texts': texts}, serving.outputs)}
        else:
            serving, signatures = model.serving(), {}
    for name in (serving.name, tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY):
        signatures[name] = sign(serving.inputs, serving.outputs)
    return g, signatures
