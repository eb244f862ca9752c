"""A model's folder: checkpoints written by `tf.train.Saver` under the book's names, each save under a new one.

Beside each lies its record (see `record`), and beside them all `model.json` (see `sidecar`); together they are all that
using the model, or going on with its training, needs. `store` sees to the files.
"""

import contextlib
import dataclasses
import hashlib
import os
import warnings

import numpy as np
import tensorflow as tf

from rnnbook import files, record, sidecar, store, weights
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, DivergenceError, FileError, PeerError, shorten
from rnnbook.files import check_path

__all__ = ['Folder', 'check_folder', 'folder_of', 'names', 'find', 'reader', 'restore', 'fingerprint', 'match',
           'rebuild']

names = store.names


class Folder:
    """The folder that a run saves into, held for the block against any other run.

    Of several processes that train together, only rank 0 looks into it and writes; it tells the others what it found.
    The carried state in a record has the rows of all of them, as one process would have it, so that any number of
    processes with the same rows in all can resume.

    Parameters
    ----------
    path : str
        Made if it is not there.
    model : SentimentRNN or CharRNN
        What is saved; it learns where it was saved, with which vocabulary.
    vocabulary : dict of str to int, or None
    run : training.Run
    settings : dict
        What else the run was told, by name: `num_epochs`, which may differ where a run resumes, and what may not.
    name : callable
        Gives the book's name of a checkpoint from a `record.Progress`.

    Raises
    ------
    FileError
        It cannot be made or written to, another run holds it, it holds another model, or it holds what the run was
        asked to resume and cannot.
    """

    #: The settings of a run that may differ where it resumes.
    FREE = ('num_epochs', 'save_every', 'save_minutes', 'max_to_keep', 'log_every')

    def __init__(self, path, model, vocabulary, run, settings, name):
        self.path = path
        self._model, self._run, self._name, self._world = model, run, name, model.world
        self._stack, self._found = contextlib.ExitStack(), None
        self._description = sidecar.Description(type(model).__name__, model.arguments(), vocabulary)
        self._settings = dict(settings, **{field: getattr(run, field) for field in self.FREE if hasattr(run, field)})
        self._kept, self._lost, self._number, self._newest = [], [], 0, None

    def __enter__(self):
        if self._world.rank == 0:
            self._open()
        return self

    def _open(self):
        try:
            os.makedirs(self.path, exist_ok=True)
        except OSError as error:
            raise FileError('ckpt_dir %s cannot be made: %s' % (self.path, error.strerror)) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise FileError('ckpt_dir %s cannot be written to' % self.path)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(files.lock(os.path.join(self.path, store.LOCK)))
            except FileError as error:
                raise FileError('ckpt_dir %s is in use: %s' % (self.path, error)) from error
            store.recover(self.path)
            self._found = self._look()
            self._stack = stack.pop_all()

    def __exit__(self, kind, error, trace):
        self._stack.close()
        if self._world.lost(error):
            raise PeerError('process %d of %d ends, since another one has ended; %s'
                            % (self._world.rank, self._world.size, self.left())) from error

    def _look(self):
        """See what the folder holds; gives the record to resume from, or None for a run that starts."""
        before, self._number = store.by_age(self.path), store.last_number(self.path)
        if not os.path.exists(os.path.join(self.path, sidecar.NAME)):
            if self._run.resume and before:                 # the book's own; they stay where they are
                raise FileError('ckpt_dir %s holds checkpoints without a %s, which cannot be resumed'
                                % (self.path, sidecar.NAME))
            return None
        found = None
        try:
            found = sidecar.read(self.path, self._description.class_name, self._kind)
            differs = sidecar.differences(found, self._description)
        except FileError as error:
            differs = [str(error)]
        if differs and not self._run.overwrite:
            raise FileError('ckpt_dir %s holds another model (%s); choose another folder, or overwrite it'
                            % (self.path, '; '.join(differs)))
        if differs:
            self._lost = before
            return None
        self._kept = before
        if before and not self._run.resume:
            print('%s holds an earlier run of this model; this one starts anew.' % self.path)
        return self._resumable(found) if before and self._run.resume else None

    @property
    def _kind(self):
        return sidecar.KINDS[self._description.class_name]

    def _resumable(self, found):
        """The record of the newest whole checkpoint, which must be of a run with these settings."""
        name, record_ = _newest_whole(self.path, self._kept, record.check)
        refused = sidecar.changes(record_.settings, self._settings,
                                  sorted((set(record_.settings) | set(self._settings)) - set(self.FREE)))
        if refused:
            raise FileError('ckpt_dir %s holds a run that cannot be resumed with other settings or data (%s)'
                            % (self.path, '; '.join(refused)))
        rows = self._model.global_batch_size
        shapes = [[[rows] + tensor.shape.as_list()[1:] for tensor in layer] for layer in self._model.initial_state]
        state = record_.progress.state
        if state is not None and [[list(array.shape) for array in layer] for layer in state] != shapes:
            raise FileError('%s%s is damaged: its state has another shape'
                            % (os.path.join(self.path, name), record.ENDING))
        differs = (sidecar.changes(found.arguments, self._description.arguments, sorted(sidecar.FREE))
                   + sidecar.changes(record_.settings, self._settings, self.FREE))
        if differs:
            print('%s was trained with other settings up to here: %s' % (self.path, '; '.join(differs)))
        if self._description.vocabulary is None:
            self._description = self._description._replace(vocabulary=found.vocabulary)
        self._newest = name
        return record_

    def begin(self, sess):
        """Give the variables of a session the values that the run starts from.

        Parameters
        ----------
        sess : tf.Session
            Used by `save` from then on.

        Returns
        -------
        record.Progress
            How far the run is.
        """
        self._sess = sess
        sess.run(self._model.init_op)
        progress = self._world.share(record.Progress() if self._found is None else self._restore())
        self._world.broadcast(sess, sess.graph.get_collection('variables'))
        if progress.iteration:
            self._model.step.load(progress.iteration, sess)
            self._tell_model()
        own = self._world.own(self._model.batch_size)
        return dataclasses.replace(progress, state=_each(lambda rows: rows[own], progress.state))

    def _restore(self):
        progress, done = self._found.progress, self._found.progress.epochs >= self._settings['num_epochs']
        prefix = os.path.join(self.path, self._newest)
        print('%s is complete, %s.' % (prefix, progress.where()) if done else
              'Resuming from %s, %s.' % (prefix, progress.where()))
        restore(self._sess, self._model.saver, prefix)
        return progress

    def save(self, progress):
        """Save the session's variables with all that a resuming run needs.

        Parameters
        ----------
        progress : record.Progress

        Raises
        ------
        FileError
            It could not be written, and what was there before is as it was.
        DivergenceError
            A variable is NaN or infinite; nothing is saved.
        PeerError
            Another process that trains with this one has ended.
        """
        progress = dataclasses.replace(progress, state=_each(self._world.gather, progress.state))
        if self._world.rank == 0:
            self._write(progress)
        self._tell_model()

    def _write(self, progress):
        name = self._free_name(self._name(progress))
        kept = (self._kept + [name])[-self._run.max_to_keep:]           # all of them where it is 0
        try:
            with store.staging(self.path) as staging:
                prefix = os.path.join(staging, name)
                self._model.saver.save(self._sess, prefix, write_state=False)
                self._check_finite(prefix, progress)
                sidecar.write(staging, self._description, self._kind)
                store.write_list(staging, kept)
                record.write(prefix, self._number + 1, progress, self._settings)
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise FileError('cannot save %s: %s; %s'
                            % (os.path.join(self.path, name), _reason(error), self.left())) from error
        gone = [other for other in self._kept + self._lost if other not in kept]
        self._kept, self._lost, self._newest, self._number = kept, [], name, self._number + 1
        for other in gone:
            try:
                store.remove(self.path, other)
            except OSError:                                 # open elsewhere, on Windows: at the next save then
                self._lost.append(other)

    def left(self):
        """What a run that ends here leaves, in words, for a message."""
        if self._world.rank:
            return 'resuming goes on from the newest whole checkpoint in %s' % self.path
        return ('the newest whole checkpoint is %s' % os.path.join(self.path, self._newest) if self._newest else
                'this run has saved no checkpoint')

    def _tell_model(self):
        self._model.ckpt_dir, self._model.vocabulary = self.path, self._description.vocabulary

    def _free_name(self, name):
        """The name, with a number behind it if a checkpoint has it or had it in its list."""
        taken, free, number = set(store.by_age(self.path)), name, 1
        while free in taken:
            number += 1
            free = '%s-%d' % (name, number)
        return free

    def _check_finite(self, prefix, progress):
        """Read every variable back, which has the Saver compare its checksums."""
        for name, value in _variables(prefix):
            if not np.isfinite(value).all():
                raise DivergenceError('variable %s is not finite %s, and is not saved; learning rate %g; %s'
                                      % (name, progress.where(), self._model.learning_rate, self.left()))


def _each(change, state):
    """A carried state with each array changed; None where it is None, at the start of an epoch."""
    return state and tuple(tuple(change(array) for array in layer) for layer in state)


def _newest_whole(folder, candidates, check):
    """The name of the newest checkpoint that passes the check, and what the check gives; those that fail are named."""
    bad = []
    for name in reversed(candidates):
        try:
            result = check(os.path.join(folder, name))
        except FileError as error:
            bad.append(str(error))
            continue
        for reason in bad:
            warnings.warn('%s; using %s instead' % (reason, name), stacklevel=4)
        return name, result
    raise FileError('ckpt_dir %s holds no checkpoint%s' % (folder, ' that is whole: ' + '; '.join(bad) if bad else ''))


def _check(prefix):
    """Raise FileError unless a checkpoint is whole: by its record, or where it has none by the Saver's checksums."""
    if os.path.exists(prefix + record.ENDING):
        record.check(prefix, reread=False)                  # the Saver compares checksums of its own when it restores
        return
    if not os.path.isfile(prefix + '.index'):
        raise FileError('%s.index is missing' % prefix)
    try:
        for _ in _variables(prefix):
            pass
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('%s is damaged: %s' % (prefix, _reason(error))) from error


def _variables(prefix):
    """Names and values of a checkpoint's variables, sorted by name; every checksum of the Saver is compared."""
    reader = tf.train.load_checkpoint(prefix)
    for name in sorted(reader.get_variable_to_shape_map()):
        yield name, reader.get_tensor(name)


def _reason(error):
    """The first line of an error."""
    return shorten(str(error).splitlines()[0], 200).strip('\'"') if str(error) else type(error).__name__


def fingerprint(folder, checkpoint=None):
    """The sha256 over all variables of a checkpoint: their names, types, shapes and values, sorted by name.

    Parameters
    ----------
    folder : str
    checkpoint : str, optional
        Its name in the folder. Default: the newest.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FileError
        See `find`.
    """
    digest = hashlib.sha256()
    for name, value in _variables(find(folder, checkpoint)):
        digest.update(name.encode('utf-8') + record.fingerprint(value).encode('ascii'))
    return digest.hexdigest()


def find(folder, checkpoint=None):
    """The path of a whole checkpoint, without the endings of its files.

    Parameters
    ----------
    folder : str
    checkpoint : str, optional
        Its name in the folder, such as ``'sentiment-9.ckpt'``. Default: the newest that is whole.

    Raises
    ------
    ArgumentValueError
        No checkpoint of that name; the ones that are there are named.
    FileError
        No folder, no checkpoint in it, or none that is whole.

    Warns
    -----
    UserWarning
        A newer one is damaged; it is named.
    """
    there = store.names(folder)
    if checkpoint is None:
        return os.path.join(folder, _newest_whole(folder, store.by_age(folder), _check)[0])
    if checkpoint not in there:
        raise ArgumentValueError('checkpoint must be one of those in %s (%s), not %r'
                                 % (folder, ', '.join(there) or 'none', checkpoint))
    prefix = os.path.join(folder, checkpoint)
    _check(prefix)
    return prefix


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
