"""A model on disk: its description, its checkpoints, and the state of its run."""

__all__ = []
