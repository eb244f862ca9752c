"""A model's folder: checkpoints written by `tf.train.Saver` under the book's names, each save under a new one.

Beside them lies `model.json` (see `sidecar`), and together they are all that using the model needs.
"""

import os

import tensorflow as tf

from rnnbook import sidecar, weights
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError, shorten
from rnnbook.files import check_path

__all__ = ['Folder', 'check_folder', 'folder_of', 'names', 'recorded', 'find', 'reader', 'restore', 'match', 'rebuild']


class Folder:
    """The folder that a run saves into.

    Parameters
    ----------
    path : str
        Made if it is not there.
    saver : tf.train.Saver
        Says which variables are saved; its own list of checkpoints is left alone.
    description : sidecar.Description
    kind : {'words', 'characters'}
        What the vocabulary numbers.
    max_to_keep : int
        How many checkpoints the folder may hold, 0 for any number. Those of an earlier run of the same model count.
    overwrite : bool
        Accept a folder that holds another model.

    Raises
    ------
    FileError
        It cannot be made or written to, or holds another model.
    """

    def __init__(self, path, saver, description, kind, max_to_keep, overwrite):
        self.path = path
        self._description, self._kind = description, kind
        definition = tf.compat.v1.train.SaverDef()
        definition.CopyFrom(saver.as_saver_def())
        definition.max_to_keep = max_to_keep
        self._saver = tf.compat.v1.train.Saver(saver_def=definition, save_relative_paths=True)
        same = self._check(overwrite)
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise FileError('ckpt_dir %s cannot be made: %s' % (path, error.strerror)) from error
        if not os.access(path, os.W_OK | os.X_OK):
            raise FileError('ckpt_dir %s cannot be written to' % path)
        before = recorded(path)
        if same and before:
            print('%s holds an earlier run of this model; this one starts anew.' % path)
            self._saver.recover_last_checkpoints([os.path.join(path, name) for name in before])

    def _check(self, overwrite):
        """Whether the folder holds this very model; an error if it holds another one that may not be overwritten."""
        if not os.path.exists(os.path.join(self.path, sidecar.NAME)):
            return False
        try:
            found = sidecar.read(self.path, self._description.class_name, self._kind)
            differs = sidecar.differences(found, self._description)
        except FileError as error:
            differs = [str(error)]
        if differs and not overwrite:
            raise FileError('ckpt_dir %s holds another model (%s); choose another folder, or overwrite it'
                            % (self.path, '; '.join(differs)))
        return not differs

    def save(self, sess, name):
        """Save the session's variables, then the description.

        Parameters
        ----------
        sess : tf.Session
        name : str
            The book's name of the checkpoint; a number is put behind it if it is taken.

        Returns
        -------
        str
            The path of the checkpoint, without the endings of its files.

        Raises
        ------
        FileError
            It could not be written, and what was there before is as it was.
        """
        prefix, number = os.path.join(self.path, name), 1
        while os.path.exists(prefix + '.index'):
            number += 1
            prefix = os.path.join(self.path, '%s-%d' % (name, number))
        try:
            self._saver.save(sess, prefix)
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise FileError('cannot save %s: %s' % (prefix, str(error).splitlines()[0])) from error
        sidecar.write(self.path, self._description, self._kind)
        return prefix


def names(folder):
    """The names of all checkpoints in a folder, sorted as text.

    Parameters
    ----------
    folder : str

    Raises
    ------
    FileError
        No such folder.
    """
    if not os.path.isdir(folder):
        raise FileError('ckpt_dir %s is not there; train saves into it' % folder)
    return sorted(name[:-len('.index')] for name in os.listdir(folder) if name.endswith('.index'))


def recorded(folder):
    """The names of the checkpoints that a folder's file ``checkpoint`` lists, the newest last.

    Of the paths that it lists, only the last part counts: no file reaches out of its folder, where an old checkpoint
    would be deleted to make room for a new one, and a folder that was moved stays whole.

    Parameters
    ----------
    folder : str

    Raises
    ------
    FileError
        The file holds something else.
    """
    try:
        state = tf.train.get_checkpoint_state(folder)
    except (ValueError, tf.errors.OpError) as error:
        raise FileError('%s is damaged: %s'
                        % (os.path.join(folder, 'checkpoint'), str(error).splitlines()[0])) from error
    if state is None:
        return []
    newest = os.path.basename(state.model_checkpoint_path)
    listed = [os.path.basename(path) for path in state.all_model_checkpoint_paths]
    return [name for name in listed if name != newest] + [newest]


def find(folder, checkpoint=None):
    """The path of a checkpoint, without the endings of its files.

    Parameters
    ----------
    folder : str
    checkpoint : str, optional
        Its name in the folder, such as ``'sentiment-9.ckpt'``. Default: the newest.

    Raises
    ------
    FileError
        No folder, or no checkpoint in it; the ones that are there are named.
    """
    there = names(folder)
    if checkpoint is None:
        checkpoint = (recorded(folder) or [None])[-1]
        if checkpoint not in there:
            raise FileError('ckpt_dir %s holds no checkpoint' % folder)
    if checkpoint not in there:
        raise ArgumentValueError('checkpoint must be one of those in %s (%s), not %r'
                                 % (folder, ', '.join(there) or 'none', checkpoint))
    return os.path.join(folder, checkpoint)


def reader(prefix, description, doing):
    """The reader of a checkpoint that has every variable that a description asks for, in the shape that it asks for.

    Nothing is read but names and shapes: a description that names a huge model is refused here.

    Parameters
    ----------
    prefix : str
        The path of the checkpoint, without the endings of its files.
    description : sidecar.Description
    doing : str
        What is going to be done, such as ``'export'``.

    Returns
    -------
    tf.train.CheckpointReader

    Raises
    ------
    FileError
        It cannot be read, or lacks a variable, or has one of another shape; the first such is named.
    """
    try:
        found = tf.train.load_checkpoint(prefix)
        shapes = found.get_variable_to_shape_map()
        for name, shape in weights.variables(description):
            if shapes.get(name) != list(shape):
                raise FileError('cannot %s %s: %s has the shape %s in %s, and %s there'
                                % (doing, prefix, name, list(shape), sidecar.NAME,
                                   shapes.get(name, 'does not stand')))
    except (ArgumentTypeError, ArgumentValueError) as error:
        raise FileError('%s: %s' % (os.path.join(os.path.dirname(prefix), sidecar.NAME), error)) from error
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('cannot read %s: %s' % (prefix, str(error).splitlines()[0])) from error
    return found


def restore(sess, saver, prefix):
    """Restore the variables of a session.

    Parameters
    ----------
    sess : tf.Session
    saver : tf.train.Saver
        Of all global variables of the session's graph.
    prefix : str
        The path of the checkpoint, without the endings of its files.

    Raises
    ------
    FileError
        It cannot be read, or lacks a variable, or has one of another shape; the first such is named.
    """
    try:
        shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
        for variable in sess.graph.get_collection('variables'):
            name, shape = variable.op.name, variable.shape.as_list()
            if shapes.get(name) != shape:
                raise FileError('cannot restore %s: %s has the shape %s in this model, and %s there'
                                % (prefix, name, shape, shapes.get(name, 'does not stand')))
        saver.restore(sess, prefix)
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('cannot restore %s: %s' % (prefix, str(error).splitlines()[0])) from error


def match(folder, description, kind, names):
    """The description of the model in a folder, which must agree with this one.

    Parameters
    ----------
    folder : str
    description : sidecar.Description
        What the caller's own model is.
    kind : {'words', 'characters'}
    names : sequence of str
        The arguments of the constructor that decide the shapes of the variables.

    Returns
    -------
    sidecar.Description or None
        None for a folder with checkpoints and without a description, such as the book's listing leaves.

    Raises
    ------
    FileError
        Another class, or an argument that differs.
    """
    if not os.path.exists(os.path.join(folder, sidecar.NAME)):
        return None
    found = sidecar.read(folder, description.class_name, kind)
    differs = sidecar.differences(found, description, names)
    if differs:
        raise FileError('the model in %s does not fit this one: %s' % (folder, '; '.join(differs)))
    return found


def check_folder(name, path):
    """The path of a model's folder as a `str`.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    path : object
        What was given: a str, or a path object.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        No path, or one in which TensorFlow would see a pattern: it saves there and does not find what it has saved.
    """
    path = check_path(name, path)
    if set('*?[]') & set(path) or ('\\' in path and os.sep == '/'):
        raise ArgumentValueError('%s must be a path without * ? [ ] and \\, which TensorFlow reads as a pattern, not %s'
                                 % (name, shorten(path)))
    return path


def folder_of(name, value, own):
    """The folder that a method uses: its argument, else the object's own, else the book's ``./model/``.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    value : str, path or None
        What was given.
    own : str or None
        Where the object was loaded from or trained into.
    """
    return check_folder(name, value) if value is not None else own or './model/'


def rebuild(cls, folder, kind, check, **more):
    """The object that a folder describes, with its `vocabulary`; the newest checkpoint must fit the description.

    Parameters
    ----------
    cls : type
        The class of the model.
    folder : str
    kind : {'words', 'characters'}
    check : callable
        Called with the name ``'vocabulary'``, the vocabulary and the object; gives it back checked.
    **more
        Further arguments of the constructor; those that are None are left as the folder has them.

    Raises
    ------
    FileError
        No checkpoint or description, a damaged one, or a description with a wrong argument or vocabulary or of another
        model than the checkpoint's.
    """
    prefix = find(folder)
    found = sidecar.read(folder, cls.__name__, kind)
    reader(prefix, found, 'load')                           # before a graph is built in whatever size was written there
    try:
        model = cls(**{**found.arguments, **{name: value for name, value in more.items() if value is not None}})
        model.vocabulary = check('vocabulary', found.vocabulary, model)
    except (TypeError, ValueError) as error:
        raise FileError('%s: %s' % (os.path.join(folder, sidecar.NAME), error)) from error
    model.ckpt_dir = folder
    return model
