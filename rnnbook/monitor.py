"""What a training run tells: the book's printed lines."""

__all__ = ['Printer']


class Printer:
    """Prints a training line in the book's form.

    Parameters
    ----------
    form : str
        With places for the epoch, the number of epochs, the iteration and the loss, in this order.
    num_epochs : int
    """

    def __init__(self, form, num_epochs):
        self._form, self._num_epochs = form, num_epochs

    def __call__(self, epoch, iteration, loss):
        """Print the line of one iteration."""
        print(self._form % (epoch, self._num_epochs, iteration, loss), flush=True)
