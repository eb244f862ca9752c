"""The errors of this package.

An error about an argument names the argument as the signature spells it, the rule, the value that was given and, where
the rule is a list, the choices. All of them are `RnnbookError`, so that a script can tell a user's mistake, which is
one line, from a mistake of ours, which is a traceback.
"""

__all__ = ['RnnbookError', 'ArgumentValueError', 'ArgumentTypeError', 'FileError', 'RequirementError',
           'DivergenceError', 'OutOfMemoryError', 'PeerError']


class RnnbookError(Exception):
    """What every error of this package is."""


class ArgumentValueError(RnnbookError, ValueError):
    """An argument, or a row of a data file, has the right type and a value that breaks a rule."""


class ArgumentTypeError(RnnbookError, TypeError):
    """An argument has a type that cannot be used."""


class FileError(RnnbookError, OSError):
    """A file or folder is missing, cannot be read or written, or does not hold what it should."""


class DivergenceError(RnnbookError, ArithmeticError):
    """A training has left the finite numbers."""


class OutOfMemoryError(RnnbookError, MemoryError):
    """There is not enough memory for the sizes of a model, its batches or its texts."""


class PeerError(RnnbookError, ConnectionError):
    """Another of the processes that train one model has ended."""


class RequirementError(RnnbookError, ImportError):
    """A package that this part of rnnbook needs is not there, or not in the version that it needs."""
