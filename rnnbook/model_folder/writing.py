"""A model's folder as a run uses it: held against other runs, resumed from, saved into.

Checkpoints are written by `tf.train.Saver` under the book's names, each save under a new one. Beside each lies its
record (see `record`), and beside them all `model.json` (see `sidecar`); together they are all that using the model, or
going on with its training, needs. `saving` makes them, `store` sees to the files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import Any, Dict, List, Sequence

import numpy as np
import tensorflow as tf

from rnnbook.base import files
from rnnbook.errors import DivergenceError, FileError, PeerError
from rnnbook.model_folder import checkpoint_files, description, reading, run_state

__all__ = ['Folder', 'Writer']


class Folder:
    """The folder that a run saves into, held for the block against any other run."""

    #: The settings of a run that may differ where it resumes.
    FREE = ('num_epochs', 'save_every', 'save_minutes', 'max_to_keep', 'log_every', 'patience')
    #: Those that may not, with the values of the runs whose records lack them.
    SINCE = {'keep_best': False, 'decay': 1.0, 'decay_after': 0, 'validation': None}

    def __init__(self, path: str, model: Any, run: Any, plan: Any) -> None:
        self.path = path
        self._model, self._run, self._plan, self._world = model, run, plan, model.world
        self._description = model.description(plan.vocabulary)
        self._settings = {**self.SINCE, **plan.settings, 'num_epochs': plan.num_epochs, **{
            field: getattr(run, field) for field in (*self.FREE, *self.SINCE)
            if hasattr(run, field) and field != 'validation'}}
        self._writer = self._best = self._sess = None
        self._found = self._newest = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Folder:
        if self._world.rank == 0:
            self._open()
        return self

    def _open(self):
        files.make_folder('ckpt_dir', self.path)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(files.lock(os.path.join(self.path, checkpoint_files.LOCK)))
            except FileError as error:
                raise FileError('ckpt_dir %s is in use: %s' % (self.path, error)) from error
            checkpoint_files.recover(self.path)
            self._writer = Writer(self.path, self._model.saver, self._description, self._settings)
            self._found = self._look()
            if self._run.keep_best:
                self._best = self._look_at_best()
            self._stack = stack.pop_all()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._stack.close()
        if self._world.lost(error):
            raise PeerError('process %d of %d ends, since another one has ended; %s'
                            % (self._world.rank, self._world.size, self.left())) from error

    def _look(self):
        """See what the folder holds; gives the record to resume from, or None for a run that starts."""
        before = checkpoint_files.by_age(self.path)
        if not os.path.exists(os.path.join(self.path, description.NAME)):
            if self._run.resume and before:                 # the book's own; they stay where they are
                raise FileError('ckpt_dir %s holds checkpoints without a %s, which cannot be resumed'
                                % (self.path, description.NAME))
            return None
        found = None
        try:
            found = description.read(self.path, self._description.class_name)
            differs = description.differences(found, self._description)
        except FileError as error:
            differs = [str(error)]
        if differs and not self._run.overwrite:
            raise FileError('ckpt_dir %s holds another model (%s); choose another folder, or overwrite it'
                            % (self.path, '; '.join(differs)))
        if differs:
            self._writer.lost = before
            return None
        self._writer.kept = before
        if before and not self._run.resume:
            print('%s holds an earlier run of this model; this one starts anew.' % self.path)
        return self._resumable(found) if before and self._run.resume else None

    def _look_at_best(self):
        """The writer of the folder `best`; what is there of epochs that are not in the history goes."""
        path = os.path.join(self.path, checkpoint_files.BEST)
        files.make_folder('the best model\'s folder', path)
        checkpoint_files.recover(path)
        writer = Writer(path, self._model.saver, self._writer.description, self._settings)
        writer.lost = checkpoint_files.by_age(path)
        if self._found is not None:
            past = [name for name in writer.lost if 0 < _epochs(path, name) <= self._found.progress.epochs]
            if past:
                writer.keep(past[-1:])
        return writer

    def _resumable(self, found):
        """The record of the newest whole checkpoint, which must be of a run with these settings."""
        name, record_ = reading.newest_whole(self.path, self._writer.kept, run_state.check)
        settings = {**self.SINCE, **record_.settings}
        refused = description.changes(settings, self._settings,
                                      sorted((set(settings) | set(self._settings)) - set(self.FREE)))
        if refused:
            raise FileError('ckpt_dir %s holds a run that cannot be resumed with other settings or data (%s)'
                            % (self.path, '; '.join(refused)))
        rows = self._model.global_batch_size
        shapes = [[[rows] + tensor.shape.as_list()[1:] for tensor in layer] for layer in self._model.initial_state]
        state = record_.progress.state
        if state is not None and [[list(array.shape) for array in layer] for layer in state] != shapes:
            raise FileError('%s%s is damaged: its state has another shape'
                            % (os.path.join(self.path, name), run_state.ENDING))
        differs = (description.changes(found.arguments, self._description.arguments, sorted(description.FREE))
                   + description.changes(settings, self._settings, self.FREE))
        if differs:
            print('%s was trained with other settings up to here: %s' % (self.path, '; '.join(differs)))
        if self._description.vocabulary is None:
            self._writer.description = self._description._replace(vocabulary=found.vocabulary)
        self._newest = os.path.join(self.path, name)
        return record_

    def begin(self, sess: Any) -> run_state.Progress:
        """Give the variables of a session the values that the run starts from."""
        self._sess = sess
        sess.run(self._model.init_op)
        progress = run_state.Progress() if self._found is None else self._restore()
        progress = run_state.progress_of(self._world.share(run_state.plain(progress)))
        self._world.broadcast(sess, sess.graph.get_collection('variables'))
        if progress.iteration:
            self._model.step.load(progress.iteration, sess)
            self._tell_model()
        own = self._world.own(self._model.batch_size)
        return dataclasses.replace(progress, state=_each(lambda rows: rows[own], progress.state))

    def _restore(self):
        progress = self._found.progress
        print(('%s is complete, %s.' if self._run.over(progress, self._plan.num_epochs) else 'Resuming from %s, %s.')
              % (self._newest, progress.where()))
        reading.restore(self._sess, self._model.saver, self._newest)
        return progress

    def save(self, progress: run_state.Progress) -> None:
        """Save the session's variables with all that a resuming run needs."""
        progress = dataclasses.replace(progress, state=_each(self._world.gather, progress.state))
        if self._world.rank == 0:
            self._save(self._writer, progress, self._run.max_to_keep)
            self._newest = self._writer.newest
        self._tell_model()
        if self._best is not None and self._best.kept:
            self._best.keep(self._best.kept[-1:])

    def keep_best(self, progress: run_state.Progress) -> None:
        """Save into the folder `best` if the run has one and the epoch that has just ended is the best so far."""
        if self._best is not None and run_state.best(progress.history) is progress.history[-1]:
            saved = self._best.kept[:1]
            self._save(self._best, progress, 0)
            self._best.keep([*saved, self._best.kept[-1]])

    def _save(self, writer, progress, keep):
        rate = self._run.rate(self._model.learning_rate, progress.epochs + (progress.position > 0))
        writer.save(self._sess, progress, self._plan.name(progress), keep, rate, self.left())

    @property
    def vocabulary(self) -> Any:
        """The one that is saved: what the run was given, else what the folder has."""
        return self._writer.description.vocabulary if self._writer else self._plan.vocabulary

    def left(self) -> str:
        """What a run that ends here leaves, in words, for a message."""
        if self._world.rank:
            return 'resuming goes on from the newest whole checkpoint in %s' % self.path
        return ('the newest whole checkpoint is %s' % self._newest if self._newest else
                'this run has saved no checkpoint')

    def _tell_model(self):
        self._model.ckpt_dir, self._model.vocabulary = self.path, self.vocabulary


def _each(change, state):
    """A carried state with each array changed; None where it is None, at the start of an epoch."""
    return state and tuple(tuple(change(array) for array in layer) for layer in state)


def _epochs(folder, name):
    """The epochs that a checkpoint's run had completed, 0 where its record cannot be read."""
    with contextlib.suppress(FileError):
        return run_state.read(os.path.join(folder, name)).progress.epochs
    return 0


class Writer:
    """Saves the variables of a session into a folder, with all that using the model or resuming its run needs."""

    def __init__(self, path: str, saver: Any, description: description.Description, settings: Dict[str, Any]) -> None:
        self.path, self._saver, self.description, self._settings = path, saver, description, settings
        self.kept, self.lost, self._number = [], [], checkpoint_files.last_number(path)

    @property
    def newest(self) -> str:
        """The path of the newest checkpoint, without the endings of its files."""
        return os.path.join(self.path, self.kept[-1])

    def save(self, sess: Any, progress: run_state.Progress, name: str, keep: int, rate: float, left: str) -> None:
        """Save the variables of a session."""
        name = self._free(name)
        kept = (self.kept + [name])[-keep:]                                 # all of them where it is 0
        try:
            with checkpoint_files.staging(self.path) as staging:
                prefix = os.path.join(staging, name)
                self._saver.save(sess, prefix, write_state=False)
                for variable, value in reading.variables(prefix):                   # the Saver compares its checksums
                    if not np.isfinite(value).all():
                        raise DivergenceError('variable %s is not finite %s, and is not saved; learning rate %g; %s'
                                              % (variable, progress.where(), rate, left))
                description.write(staging, self.description)
                checkpoint_files.write_list(staging, kept)
                run_state.write(prefix, self._number + 1, progress, self._settings)
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise FileError('cannot save %s: %s; %s'
                            % (os.path.join(self.path, name), reading.reason(error), left)) from error
        gone = [other for other in self.kept + self.lost if other not in kept]
        self.kept, self.lost, self._number = kept, [], self._number + 1
        self._remove(gone)

    def keep(self, names: Sequence[str]) -> None:
        """Keep these checkpoints only, the newest last, and remove the others."""
        gone = [other for other in self.kept + self.lost if other not in names]
        self.kept, self.lost = list(names), []
        if gone:
            checkpoint_files.write_list(self.path, names)
            self._remove(gone)

    def _remove(self, names: List[str]) -> None:
        for name in names:
            try:
                checkpoint_files.remove(self.path, name)
            except OSError:                                 # open elsewhere, on Windows: at the next save then
                self.lost.append(name)

    def _free(self, name):
        """The name, with a number behind it if a checkpoint has it or had it in its list."""
        taken, free, number = set(checkpoint_files.by_age(self.path)), name, 1
        while free in taken:
            number += 1
            free = '%s-%d' % (name, number)
        return free
