"""What the graphs are made of: recurrent layers in two engines, optimizers, sampling, devices."""

__all__ = []
