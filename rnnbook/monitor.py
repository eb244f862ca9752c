"""What a training run tells: the book's printed lines, and `history.csv`, a line for each epoch."""

from __future__ import annotations

import csv
import io
import os

from rnnbook.files import write_text
from rnnbook.record import Progress
from rnnbook.store import HISTORY

__all__ = ['Monitor', 'Silent']


class Monitor:
    """Prints the training lines in the book's form, and keeps a folder's history file.

    Parameters
    ----------
    form : str
        With places for the epoch, the number of epochs, the iteration and the loss, in this order.
    num_epochs : int
    folder : str
    """

    def __init__(self, form: str, num_epochs: int, folder: str) -> None:
        self._form, self._num_epochs, self._path = form, num_epochs, os.path.join(folder, HISTORY)

    def step(self, progress: Progress, loss: float) -> None:
        """Print the line of one iteration.

        Parameters
        ----------
        progress : record.Progress
        loss : float
        """
        print(self._form % (progress.epochs + 1, self._num_epochs, progress.iteration, loss), flush=True)

    def epoch(self, progress: Progress) -> None:
        """Write the history, whole or not at all.

        Parameters
        ----------
        progress : record.Progress

        Raises
        ------
        FileError
        """
        columns = list(dict.fromkeys(column for row in progress.history for column in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator='\n')
        writer.writeheader()
        writer.writerows(progress.history)
        write_text(self._path, text.getvalue())


class Silent:
    """Tells nothing: what other processes than rank 0 have in the place of a `Monitor`."""

    def step(self, progress: Progress, loss: float) -> None:
        """Print nothing.

        Parameters
        ----------
        progress : record.Progress
        loss : float
        """

    def epoch(self, progress: Progress) -> None:
        """Write nothing.

        Parameters
        ----------
        progress : record.Progress
        """
