"""The weights of a checkpoint written as `weights.npz`, for `portable`, which uses a model without TensorFlow."""

from rnnbook import runtime                                 # first: it imports TensorFlow checked and quietly
from rnnbook import checkpoints, sidecar, weights

import os

from rnnbook.errors import FileError

__all__ = ['write_weights']

tf = runtime.tf


def write_weights(ckpt_dir, checkpoint=None):
    """Write the weights of a model's checkpoint as ``weights.npz`` beside its ``model.json``.

    An earlier file of that name is replaced. What only training needs, such as the moments of Adam, is left out.

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
    folder = checkpoints.check_folder('ckpt_dir', ckpt_dir)
    prefix = checkpoints.find(folder, checkpoint)
    description = sidecar.read(folder)
    found = checkpoints.reader(prefix, description, 'export')
    try:
        arrays = {name: found.get_tensor(name) for name, _ in weights.variables(description)}
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('cannot read %s: %s' % (prefix, str(error).splitlines()[0])) from error
    return weights.write(folder, arrays, description, os.path.basename(prefix))
