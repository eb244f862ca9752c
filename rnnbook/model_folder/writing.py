"""A model's folder as a run uses it: locked, compared with the run, resumed from, and saved into.

Checkpoints are written by `tf.train.Saver` under the book's names, each save under a new one. Each has its record (see
`run_state`), and all share `model.json` (see `description`): that is all that using the model, or resuming its
training, needs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from rnnbook.base.checks import shorten
from rnnbook.base.files import lock, make_folder
from rnnbook.errors import ArgumentValueError, DivergenceError, FileError, PeerError
from rnnbook.model_folder import checkpoint_files, reading
from rnnbook.model_folder.description import (FREE, MODEL_JSON, Description, changes, differences, read_description,
                                              write_description)
from rnnbook.model_folder.graphs import Trainable
from rnnbook.model_folder.run_state import (ENDING, RunState, best_row, check_record, map_state, read_record,
                                            write_record)
from rnnbook.network.devices import tf

__all__ = ['Folder', 'Request', 'Writer']


class Request(NamedTuple):
    """What a run asks of the folder that it saves into."""

    settings: Dict[str, object]                             # written into each record
    vocabulary: Optional[Dict[str, int]]
    resume: bool = False
    overwrite: bool = False
    keep_best: bool = False
    max_to_keep: int = 5
    init_from: Optional[str] = None


class Folder:
    """The folder that a run saves into, locked for the block against any other run."""

    #: The settings of a run that may differ where it resumes.
    FREE = ('num_epochs', 'save_every', 'save_minutes', 'max_to_keep', 'log_every', 'patience')
    #: The settings that older records lack, with the values that their runs had.
    SINCE = {'keep_best': False, 'decay': 1.0, 'decay_after': 0, 'validation': None, 'init_from': None}

    def __init__(self, path: str, model: Trainable, request: Request) -> None:
        self.path, self._model, self._request = path, model, request
        self._description = model.description(request.vocabulary)
        self._settings = {**self.SINCE, **request.settings, 'init_from': request.init_from}
        self._state = RunState()
        #: The path of the newest checkpoint of this run: at first, of the one that it resumes from.
        self.newest: Optional[str] = None
        self._source: Optional[Tuple[str, Dict[str, np.ndarray]]] = None        # the weights to start from, and whose
        self._best: Optional[Writer] = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Folder:
        if self._model.world.rank == 0:
            self._open()
        return self

    def _open(self):
        request = self._request
        if not (request.resume and os.path.isdir(self.path)):
            self._read_source()                             # first, so that a wrong one leaves no folder
        make_folder('ckpt_dir', self.path)
        checkpoint_files.refuse_links(self.path)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(lock(os.path.join(self.path, checkpoint_files.LOCK)))
            except FileError as error:
                raise FileError('ckpt_dir %s is in use: %s' % (self.path, error)) from error
            checkpoint_files.recover(self.path)
            found, before = self._look()
            if found and before and request.resume:
                self._resume(found)
            elif self._source is None:
                self._read_source()
            self._writer = self._make_writer(self.path, before if found else [], before)
            if request.keep_best:
                self._best = self._look_at_best()
            self._stack = stack.pop_all()

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        self._stack.close()
        world = self._model.world
        if world.lost(error):
            raise PeerError('process %d of %d ends, since another one has ended; %s'
                            % (world.rank, world.size, self.left())) from error

    def _make_writer(self, path, kept, there):
        return Writer(path, self._model.saver, self._description, self._settings, kept, there)

    def _read_source(self):
        """Read the weights to start from: those of `init_from`, or of the folder that the model was loaded from."""
        folder = self._request.init_from or (self._model.ckpt_dir if self._model.loaded else None)
        if folder is None:
            return
        if not os.path.isfile(os.path.join(folder, MODEL_JSON)):
            raise FileError('init_from %s holds no model: there is no %s in it' % (folder, MODEL_JSON))
        found = read_description(folder, self._description.class_name)
        self._description = self._description._replace(
            vocabulary=_common(folder, found.vocabulary, self._description.vocabulary))
        reading.check_fits(folder, found, self._description, self._model.SHAPING)
        self._source = reading.read_weights(folder, None, found, 'start from')
        self._settings['init_from'] = folder

    def _look(self):
        """The description in the folder if it is of this model, and the checkpoints that saving may replace."""
        before = checkpoint_files.by_age(self.path)
        if not os.path.exists(os.path.join(self.path, MODEL_JSON)):
            if self._request.resume and before:             # the book's own; they stay where they are
                raise FileError('ckpt_dir %s holds checkpoints without a %s, which cannot be resumed'
                                % (self.path, MODEL_JSON))
            ours = any(os.path.exists(os.path.join(self.path, name + ENDING)) for name in before)
            if ours and not self._request.overwrite:
                raise FileError('ckpt_dir %s holds checkpoints without a %s; choose another folder, or overwrite it'
                                % (self.path, MODEL_JSON))
            return None, before if ours else []
        try:
            found = read_description(self.path, self._description.class_name)
            differs = differences(found, self._description)
        except FileError as error:
            differs = [str(error)]
        if not differs:
            if before and not self._request.resume:
                print('%s holds an earlier run of this model, which this one replaces; to continue it, stop this '
                      'run and add --resume (resume=True).' % self.path)
            return found, before
        if not self._request.overwrite:
            raise FileError('ckpt_dir %s holds another model (%s); choose another folder, or overwrite it'
                            % (self.path, '; '.join(differs)))
        print('%s holds another model (%s), which this run overwrites.' % (self.path, '; '.join(differs)))
        return None, before

    def _look_at_best(self):
        """The writer of the folder `best`, from which epochs that are not in the history are removed."""
        path = os.path.join(self.path, checkpoint_files.BEST)
        make_folder('the best model\'s folder', path)
        checkpoint_files.refuse_links(path)
        checkpoint_files.recover(path)
        there = checkpoint_files.by_age(path)
        past = [name for name in there if 0 < _epochs(path, name) <= self._state.epochs]
        writer = self._make_writer(path, past[-1:], there)
        if past:
            writer.keep(past[-1:])
        return writer

    def _resume(self, found):
        """Go on from the newest whole checkpoint, which must be of a run with these settings."""
        prefix, record = reading.newest_whole(self.path, check_record)
        reading.check_owner(prefix, record, found)
        settings = {**self.SINCE, **record.settings}
        if self._settings['init_from'] is None:             # a run goes on without the folder that it started from
            self._settings['init_from'] = settings['init_from']
        refused = changes(settings, self._settings, sorted({*settings, *self._settings} - {*self.FREE}))
        if refused:
            raise FileError('ckpt_dir %s holds a run that cannot be resumed with other settings or data (%s)'
                            % (self.path, '; '.join(refused)))
        rows = self._model.global_batch_size
        shapes = map_state(lambda tensor: (rows, *tensor.shape.as_list()[1:]), self._model.initial_state)
        if record.state.carried and map_state(np.shape, record.state.carried) != shapes:
            raise FileError('%s%s is damaged: its state has another shape' % (prefix, ENDING))
        differs = (changes(found.arguments, self._description.arguments, sorted(FREE))
                   + changes(settings, self._settings, self.FREE))
        if differs:
            print('%s was trained with other settings up to here: %s' % (self.path, '; '.join(differs)))
        if self._description.vocabulary is None:
            self._description = self._description._replace(vocabulary=found.vocabulary)
        self.newest, self._state, self._source = prefix, record.state, None

    def begin(self, sess: tf.compat.v1.Session) -> RunState:
        """Give the variables of a session the values that the run starts from."""
        self._sess, world = sess, self._model.world
        sess.run(self._model.init_op)
        if self.newest is not None:
            reading.restore(sess, *os.path.split(self.newest))
        elif self._source is not None:
            source, weights = self._source
            reading.assign(sess, weights)
            print('Starting from the weights of %s.' % source)
        elif world.rank == 0 and self._model.ckpt_dir is not None:
            print('Starting from fresh weights; to go on with those in %s, pass init_from or resume.'
                  % self._model.ckpt_dir)
        state = RunState.from_json(world.share(self._state.to_json()))
        world.broadcast(sess, sess.graph.get_collection('variables'))
        if state.iteration:
            self._model.step.load(state.iteration, sess)
            self._tell_model()
        own = world.own(self._model.batch_size)
        return dataclasses.replace(state, carried=map_state(lambda rows: rows[own], state.carried))

    def save(self, state: RunState, name: str, rate: float) -> None:
        """Save the session's variables under a name, with all that a resuming run needs."""
        state = dataclasses.replace(state, carried=map_state(self._model.world.gather, state.carried))
        if self._model.world.rank == 0:
            self._writer.save(self._sess, state, name, self._request.max_to_keep, rate, self.left())
            self.newest = self._writer.newest
        self._tell_model()
        if self._best is not None and self._best.kept:
            self._best.keep(self._best.kept[-1:])

    def keep_best(self, state: RunState, name: str, rate: float) -> None:
        """Save into the folder `best` if the run has one and the epoch that has just ended is the best so far."""
        if self._best is not None and best_row(state.history) is state.history[-1]:
            saved = self._best.kept[:1]
            self._best.save(self._sess, state, name, 0, rate, self.left())
            self._best.keep([*saved, self._best.kept[-1]])

    @property
    def vocabulary(self) -> Optional[Dict[str, int]]:
        """The vocabulary that is saved: the one that the run was given, or else that of the folder."""
        return self._description.vocabulary

    def left(self) -> str:
        """What a run that ends here leaves, in words, for a message."""
        if self._model.world.rank:
            return 'resuming goes on from the newest whole checkpoint in %s' % self.path
        return ('the newest whole checkpoint is %s' % self.newest if self.newest else
                'this run has saved no checkpoint')

    def _tell_model(self):
        self._model.ckpt_dir, self._model.vocabulary = self.path, self.vocabulary


def _common(folder, found, given):
    """The vocabulary of the model that a run starts from, which is also that of the run."""
    if given is None or found is None or given == found:
        return found if given is None else given
    lacks = [word for word in given if word not in found]
    raise ArgumentValueError('vocabulary must be that of %s, whose weights the run starts from%s; encode the data with '
                             'the vocabulary of that model' % (folder, lacks and ', which lacks %s' % shorten(
                                 ' '.join(lacks) if len(lacks[0]) > 1 else ''.join(lacks), 200) or ''))


def _epochs(folder, name):
    """The epochs that a checkpoint's run had completed, 0 where its record cannot be read."""
    with contextlib.suppress(FileError):
        return read_record(os.path.join(folder, name)).state.epochs
    return 0


class Writer:
    """Saves the variables of a session into a folder, with all that using the model or resuming its run needs."""

    def __init__(self, path: str, saver: tf.compat.v1.train.Saver, description: Description,
                 settings: Dict[str, object], kept: List[str], there: List[str]) -> None:
        self.path, self._saver, self._description, self._settings = path, saver, description, settings
        #: The names of the checkpoints to keep, and of all that are in the folder and not somebody else's.
        self.kept, self._there = kept, list(there)
        self._number = checkpoint_files.last_number(path)

    @property
    def newest(self) -> str:
        """The path of the newest checkpoint, without the endings of its files."""
        return os.path.join(self.path, self.kept[-1])

    def save(self, sess: tf.compat.v1.Session, state: RunState, name: str, keep: int, rate: float, left: str) -> None:
        """Save the variables of a session, and keep this many checkpoints, or all of them where it is 0."""
        name = self._free(name)
        kept = (self.kept + [name])[-keep:]
        try:
            with checkpoint_files.staging(self.path) as staging:
                prefix = os.path.join(staging, name)
                self._saver.save(sess, prefix, write_state=False)
                for variable, value in reading.tensors(prefix):                     # the Saver compares its checksums
                    if not np.isfinite(value).all():
                        raise DivergenceError('variable %s is not finite %s, and is not saved; learning rate %g; %s'
                                              % (variable, state.where(), rate, left))
                write_description(staging, self._description)
                checkpoint_files.write_list(staging, kept)
                write_record(prefix, self._number + 1, state, self._settings, self._description.digests())
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise FileError('cannot save %s: %s; %s'
                            % (os.path.join(self.path, name), reading.reason(error), left)) from error
        self.kept, self._there, self._number = kept, [*self._there, name], self._number + 1
        self._remove_others()

    def keep(self, names: Sequence[str]) -> None:
        """Keep these checkpoints only, the newest last, and remove the others."""
        self.kept = list(names)
        if set(self._there) - set(names):
            checkpoint_files.write_list(self.path, names)
            self._remove_others()

    def _remove_others(self):
        for name in [name for name in self._there if name not in self.kept]:
            with contextlib.suppress(OSError):              # open elsewhere, on Windows: at the next save then
                checkpoint_files.remove(self.path, name)
                self._there.remove(name)

    def _free(self, name):
        """The name, followed by a number if a checkpoint has it or the list names it."""
        taken, free, number = set(checkpoint_files.by_age(self.path)), name, 1
        while free in taken:
            number += 1
            free = '%s-%d' % (name, number)
        return free
