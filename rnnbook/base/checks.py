"""Checks of arguments, which name the argument, the rule and the value, and the type hints that signatures share."""

import codecs
import dataclasses
import functools
import math
import numbers
import operator
import os
import re
import sys
from typing import Any, Dict, Mapping, Optional, Sequence, Union

import numpy as np

from rnnbook.errors import ArgumentTypeError, ArgumentValueError

#: Whatever `numpy.asarray` takes.
ArrayLike = Any
#: Whatever `os.fspath` turns into a `str`.
StrPath = Union[str, os.PathLike]
#: TensorFlow counts rows, steps and units with 32 bits.
INT32_MAX = 2 ** 31 - 1
#: The most layers of a network: more would take hours to build.
MAX_LAYERS = 100


def shorten(value: object, width: int = 60) -> str:
    """The `repr` of a value for a message: on one line, cut to `width`."""
    if isinstance(value, (str, bytes)):
        value = value[:width + 1]                           # not the repr of a long text only to cut it
    text = re.sub(r'\s*\n\s*', ' ', repr(value))           # an array's has several lines
    return text if len(text) <= width else text[:width - 3] + '...'


def counted(number: int, noun: str, plural: Optional[str] = None) -> str:
    """A number with its noun: '1 word', '2 words'; `plural` is for irregular ones."""
    return '%d %s' % (number, noun if number == 1 else plural or noun + 's')


def check_int(name: str, value: object, minimum: int = 1, maximum: int = INT32_MAX) -> int:
    """The value as an `int`."""
    full = 'must be an integer from %d to %d' % (minimum, maximum)
    rule = full if maximum != INT32_MAX else 'must be an integer of at least %d' % minimum
    try:
        number = operator.index(None if isinstance(value, (bool, np.bool_)) else value)
    except TypeError:
        raise ArgumentTypeError('%s %s, not %s' % (name, rule, shorten(value))) from None
    if not minimum <= number <= maximum:
        raise ArgumentValueError('%s %s, not %s' % (name, rule if number < minimum else full, shorten(number)))
    return number


def check_size(names: str, *sizes: int) -> None:
    """Refuse sizes whose tensor would have 2 ** 31 numbers (8 GiB as float32) or more."""
    if functools.reduce(operator.mul, sizes) > INT32_MAX:
        raise ArgumentValueError('%s must be below 2 ** 31, the most numbers that a tensor may hold, not %s'
                                 % (names, ' * '.join(map(str, sizes))))


def check_number(name: str, value: object, above: Optional[float] = None, minimum: Optional[float] = None,
                 maximum: Optional[float] = None) -> float:
    """The value as a finite `float`."""
    bounds = [(text % bound, fits, bound) for text, fits, bound in (
        ('above %g', operator.gt, above), ('of at least %g', operator.ge, minimum),
        ('of at most %g', operator.le, maximum)) if bound is not None]
    rule = ' '.join(['must be a finite number', ' and '.join(text for text, _, _ in bounds)]).rstrip()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise ArgumentTypeError('%s %s, not %s' % (name, rule, shorten(value)))
    number = float(value) if abs(value) <= sys.float_info.max else math.inf      # NaN, too, and a huge int
    if not math.isfinite(number) or not all(fits(number, bound) for _, fits, bound in bounds):
        raise ArgumentValueError('%s %s, not %s' % (name, rule, shorten(value)))
    return number


def check_rate(name: str, value: object, maximum: Optional[float] = None) -> float:
    """The value as a `float` above 0 that is still above 0, and finite, as float32."""
    number, held = check_number(name, value, above=0, maximum=maximum), np.finfo(np.float32)
    if not held.tiny <= number <= held.max:
        raise ArgumentValueError('%s must be a number that float32 holds, from %.8g to %.8g, not %s'
                                 % (name, held.tiny, held.max, shorten(value)))
    return number


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """The value, if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentValueError('%s must be one of %s, not %s' % (name, ', '.join(map(repr, choices)), shorten(value)))
    return value


def check_bool(name: str, value: object) -> bool:
    """The value as a `bool`, if it is one or NumPy's."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentTypeError('%s must be True or False, not %s' % (name, shorten(value)))
    return bool(value)


def check_fields(what: str, cls: type, given: Mapping[str, object]) -> None:
    """Refuse keywords that are not settings of a dataclass."""
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    for name in given:
        if name not in names:
            raise ArgumentTypeError('%s has no setting %s; its settings are %s'
                                    % (what, shorten(name), ', '.join(names)))


def check_str(name: str, value: object) -> str:
    """The value, if it is a `str`."""
    if not isinstance(value, str):
        raise ArgumentTypeError('%s must be a str, not %s' % (name, shorten(value)))
    return value


def check_encoding(name: str, value: Optional[str]) -> Optional[str]:
    """The value, if it is None or the name of a text encoding that Python knows."""
    try:
        if value is None or codecs.lookup(check_str(name, value))._is_text_encoding:
            return value
    except (LookupError, ValueError):                       # an unknown name; NUL, half of a surrogate pair
        pass
    raise ArgumentValueError('%s must name a text encoding such as utf-8 or cp1252, not %s' % (name, shorten(value)))


def check_numbers(name: str, vocabulary: object, key: str, minimum: int, maximum: int) -> Dict[str, int]:
    """The numbers of a vocabulary as a dict of str to int; `key` says whether it is one of words or of characters."""
    if not isinstance(vocabulary, Mapping):
        raise ArgumentTypeError('%s must be a dict of %s to number, not %s' % (name, key, shorten(vocabulary)))
    found = {}
    for text, number in vocabulary.items():
        if not isinstance(text, str) or (key == 'character' and len(text) != 1):
            raise ArgumentTypeError('%s must have %ss for keys, not %s' % (name, key, shorten(text)))
        if re.search('[\ud800-\udfff]', text):              # half of a surrogate pair
            raise ArgumentValueError('%s must have keys that UTF-8 can hold, not %s' % (name, shorten(text)))
        found[text] = check_int('%s[%s]' % (name, shorten(text)), number, minimum, maximum)
    return found


def check_length(name: str, values: object) -> int:
    """The number of rows of an array or another sequence that can be sliced."""
    try:
        if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, '__getitem__'):
            raise TypeError
        return len(values)
    except TypeError:                                       # an array of 0 dimensions can be indexed but has no length
        raise ArgumentTypeError('%s must be an array or a list of rows, not %s' % (name, shorten(values))) from None


def as_array(name: str, values: ArrayLike) -> np.ndarray:
    """The values as an array of any shape and type."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError, NotImplementedError):
        raise ArgumentTypeError('%s must be an array, or rows of equal length, not %s'
                                % (name, shorten(values))) from None


def check_ids(name: str, values: ArrayLike, end: int, end_name: str, columns: Optional[int] = None, *,
              copy: bool = True) -> np.ndarray:
    """The values as an int32 matrix of ids."""
    array = as_array(name, values)
    if array.ndim != 2 or array.shape[1] == 0 or (columns is not None and array.shape[1] != columns):
        raise ArgumentValueError('%s must have the shape (rows, %s), not %s'
                                 % (name, columns or 'columns', array.shape))
    if array.dtype.kind not in 'iu':
        raise ArgumentTypeError('%s must hold integers, not %s' % (name, array.dtype))
    if array.size and (array.min() < 0 or array.max() >= end):
        row, column = np.argwhere((array < 0) | (array >= end))[0]
        raise ArgumentValueError('%s must hold ids from 0 to %d (%s - 1), not %d as in row %d, column %d'
                                 % (name, end - 1, end_name, array[row, column], row, column))
    return array.astype(np.int32, copy=False) if copy else array


def row_lengths(x: np.ndarray) -> np.ndarray:
    """The words of each row: its columns from the first word number on, at least one; zeros pad it on the left."""
    first = (x > 0).argmax(axis=1)
    return np.where(x[np.arange(len(x)), first] > 0, x.shape[1] - first, 1)
