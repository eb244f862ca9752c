"""One training run: its settings, the loop, validation, and what it reports."""

from rnnbook.training.loop import Run

__all__ = ['Run']
