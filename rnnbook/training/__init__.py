"""One training run: its settings, the loop, validation, and what it reports."""

from rnnbook.training.run import Run

__all__ = ['Run']
