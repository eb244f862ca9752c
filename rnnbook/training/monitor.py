"""What a training run reports: printed lines or a bar, `history.csv` with a row for each epoch, and TensorBoard."""

from __future__ import annotations

import csv
import io
import os
import time
from typing import Iterable, Iterator, Optional

from rnnbook.base.bar import on_terminal, show_bar
from rnnbook.base.files import write_text
from rnnbook.model_folder.checkpoint_files import BEST, HISTORY
from rnnbook.model_folder.run_state import COLUMNS, RunState, best_row
from rnnbook.training.plan import Feed, Plan, Step
from rnnbook.training.run import Run
from rnnbook.training.tensorboard import Events

__all__ = ['Monitor', 'time_left']


class Monitor:
    """Reports the course of a training, and writes its history file."""

    def __init__(self, run: Run, plan: Plan, folder: str, events: Optional[Events] = None,
                 tells: bool = True) -> None:
        self._tells = tells
        self._run, self._plan, self._events = run, plan, events
        self._path, self._best_path = os.path.join(folder, HISTORY), os.path.join(folder, BEST)
        self._bar = tells and not run.quiet and not run.lines and on_terminal()
        self._lines = tells and not run.quiet and not self._bar
        self._began, self._done = time.monotonic(), 0

    def watch(self, feeds: Iterable[Feed], done: RunState) -> Iterator[Feed]:
        """Go through the remaining batches of an epoch, with a bar if there is to be one."""
        title = 'Epoch %d/%d' % (done.epochs + 1, self._plan.num_epochs)
        return show_bar(feeds, self._plan.batches - done.position, title) if self._bar else iter(feeds)

    def step(self, done: RunState, step: Step) -> None:
        """Report an iteration, if it is one of every `log_every`."""
        self._done += 1
        if done.iteration % self._run.log_every:
            return
        if self._lines:
            print(self._plan.line % (done.epochs + 1, self._plan.num_epochs, done.iteration, step.loss), flush=True)
        if self._events is not None:
            self._events.step(done.iteration, step._asdict())

    def epoch(self, done: RunState) -> None:
        """Report the epoch that has just ended, and write the history."""
        self.write_history(done)
        row = done.history[-1]
        if self._bar or (self._lines and best_row(done.history)):
            print('Epoch %d/%d: %s' % (row['epoch'], self._plan.num_epochs,
                                       '; '.join(self._parts(row, done.epochs))), flush=True)
        if self._events is not None:
            self._events.epoch(done.iteration, {name: value for name, value in row.items()
                                                if name not in ('epoch', 'iteration', 'seconds')})

    def _parts(self, row, epochs):
        yield _words(row, 'training', '')
        if best_row([row]):
            yield _words(row, 'validation', 'val_')
        yield '%s %s a second' % (format(row[self._plan.speed], ',.0f'), self._plan.unit)
        if epochs < self._plan.num_epochs and self._done:
            seconds = (time.monotonic() - self._began) / self._done
            yield time_left(seconds * self._plan.batches * (self._plan.num_epochs - epochs))

    def end(self, done: RunState) -> None:
        """Name the best epoch, once the run is over."""
        best = best_row(done.history)
        if best is None or self._run.quiet or not self._tells or not self._run.over(done, self._plan.num_epochs):
            return
        if done.epochs < self._plan.num_epochs:
            print('Stopped after epoch %d: no validation was better than that of epoch %d'
                  % (done.epochs, best['epoch']))
        figure = ('accuracy %.3f' % best['val_accuracy'] if 'val_accuracy' in best else
                  '%.4f bits per character' % best['val_bits_per_char'])
        print('Best: epoch %d, validation %s%s' % (best['epoch'], figure, '; saved in %s' % self._best_path
                                                   if self._run.keep_best else ''), flush=True)

    def write_history(self, done: RunState) -> None:
        """Write the history, whole or not at all."""
        if not self._tells:
            return
        there = dict.fromkeys(column for row in done.history for column in row)
        columns = sorted(there, key=lambda column: (*COLUMNS, column).index(column))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator='\n')
        writer.writeheader()
        writer.writerows(done.history)
        write_text(self._path, text.getvalue())


def _words(row, kind, prefix):
    """The figures of a row of the history whose columns begin with a prefix, in words."""
    if prefix + 'bits_per_char' in row:
        return '%s loss %.4f, %.4f bits per character' % (kind, row[prefix + 'loss'], row[prefix + 'bits_per_char'])
    accuracy = row.get(prefix + 'accuracy')
    return '%s loss %.5f' % (kind, row[prefix + 'loss']) + ('' if accuracy is None else ', accuracy %.3f' % accuracy)


def time_left(seconds: float) -> str:
    """The remaining time in words."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return '%d seconds left' % round(seconds)
    return '%d minutes left' % minutes if minutes < 90 else '%.1f hours left' % (seconds / 3600)
