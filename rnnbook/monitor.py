"""What a training run tells: the book's printed lines."""

from __future__ import annotations

__all__ = ['Printer']


class Printer:
    """Prints a training line in the book's form.

    Parameters
    ----------
    form : str
        With places for the epoch, the number of epochs, the iteration and the loss, in this order.
    num_epochs : int
    """

    def __init__(self, form: str, num_epochs: int) -> None:
        self._form, self._num_epochs = form, num_epochs

    def __call__(self, epoch: int, iteration: int, loss: float) -> None:
        """Print the line of one iteration."""
        print(self._form % (epoch, self._num_epochs, iteration, loss), flush=True)
