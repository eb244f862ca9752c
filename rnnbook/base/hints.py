"""Names that the type hints of the public interface share. Python and NumPy 1.18 have none for these."""

import os
from typing import Any, Union

__all__ = ['ArrayLike', 'StrPath']

#: Whatever `numpy.asarray` takes.
ArrayLike = Any
#: Whatever `os.fspath` makes a `str` of.
StrPath = Union[str, os.PathLike]
