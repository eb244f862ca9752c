"""The chapter's progress bars (pyprind), shown where somebody can see them: on a terminal and in a notebook."""

import sys
import time
from typing import Iterable, Iterator, TypeVar

T = TypeVar('T')


def _terminal(stream):
    """Whether a stream is a terminal; what a notebook has put in its place may lack the method."""
    return hasattr(stream, 'isatty') and stream.isatty()


def _stream():
    """Standard error where somebody would see a bar, else None."""
    return sys.stderr if _terminal(sys.stderr) or 'ipykernel' in sys.modules else None


def on_terminal() -> bool:
    """Whether lines and bars go to one terminal, where they would get into each other's way."""
    return _terminal(sys.stdout) and _terminal(sys.stderr)


def show_bar(items: Iterable[T], total: int, title: str, patience: float = 2.0) -> Iterator[T]:
    """Go through the items under a progress bar on standard error."""
    stream, bar, begin = _stream(), None, time.monotonic()
    for done, item in enumerate(items):
        if bar is None and stream is not None and time.monotonic() - begin >= patience:
            try:
                import pyprind                              # here, since using a model with NumPy alone needs none
            except ImportError:
                stream = None
            else:
                bar = pyprind.ProgBar(max(1, total), title=title, stream=stream)
                bar.update(iterations=done, force_flush=True)
        try:
            yield item
        except GeneratorExit:                               # left before the end, and what is printed next has no line
            if bar is not None:
                stream.write('\n')
            raise
        if bar is not None:
            bar.update()
