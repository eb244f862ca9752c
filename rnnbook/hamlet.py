"""Text as rows of character indices ("Project two - implementing an RNN for character-level language modeling").

The characters of a text are numbered, the text is cut into `batch_size` rows of equal length, and the targets are the
same characters shifted by one. Importing this module needs NumPy only.

Shapes: N rows (`batch_size`), T characters in a window (`num_steps`), n windows.
"""

from typing import Dict, Iterator, Mapping, Optional, Tuple

import numpy as np

from rnnbook.base.checks import (ArrayLike, StrPath, as_array, check_choice, check_encoding, check_int, check_numbers,
                                 check_str, counted, shorten)
from rnnbook.base.files import check_path
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.preprocessing.text_array import encode_file, load_encoded, text_files
from rnnbook.preprocessing.text_blocks import read_blocks

__all__ = ['FIRST_LINES', 'LAST_LINE', 'hamlet_body', 'load_text', 'char_vocabulary', 'encode', 'decode',
           'encode_starter', 'check_known', 'check_char2int', 'encode_file', 'load_encoded', 'text_files',
           'reshape_data', 'create_batch_generator']


FIRST_LINES = 'The Tragedie of Hamlet\n\nActus Primus'
LAST_LINE = 'FINIS. The tragedie of HAMLET, Prince of Denmarke.'


def load_text(path: StrPath, *, encoding: Optional[str] = None) -> str:
    r"""Read a text to train on.

    Parameters
    ----------
    path : str or path
        A text file, packed (gzip, bz2, xz, a zip of one file) or not. ``\r\n`` and ``\r`` become ``\n``, and a byte
        order mark is dropped. Of Project Gutenberg's etext 2265, *Hamlet*, only the play is kept: the chapter cuts off
        its header with ``text[15858:]``; here it may have any length.
    encoding : str, optional
        Such as ``'cp1252'``. Default: UTF-16 if the file begins with its byte order mark, else UTF-8.

    Returns
    -------
    str

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        No path, or an unknown encoding.
    FileError
        Missing, a folder, a pipe, empty, damaged, or not in this encoding.
    """
    path, encoding = check_path('path', path), check_encoding('encoding', encoding)
    text = ''.join(read_blocks(path, encoding))
    if not text:
        raise FileError('%s is empty; there is no text to read' % path)
    return hamlet_body(text) or text


def hamlet_body(text: str) -> Optional[str]:
    r"""The play in a copy of Project Gutenberg's etext 2265, without what stands before and after it.

    Parameters
    ----------
    text : str
        The whole file. Line ends may be ``\r\n``; they are folded to ``\n``.

    Returns
    -------
    str or None
        From "The Tragedie of Hamlet / Actus Primus" through "FINIS. The tragedie of HAMLET, Prince of Denmarke.";
        `None` if either is missing.
    """
    # Book: cuts with text[15858:], right for one old header only; its file happens to end with the play's last line.
    text = text.replace('\r\n', '\n')
    start = text.find(FIRST_LINES)
    end = text.find(LAST_LINE, start)
    return text[start:end + len(LAST_LINE)] if 0 <= start < end else None


def char_vocabulary(text: str) -> Tuple[Dict[str, int], Dict[int, str]]:
    """Number the distinct characters of a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    char2int : dict of str to int
        Numbered from 0 in the order of their code points.
    int2char : dict of int to str

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not a `str`, or empty.
    """
    if not check_str('text', text):
        raise ArgumentValueError('text must have at least one character, not none')
    # Book: the order of `set(text)` differs between processes, so a saved model would read other characters.
    int2char = dict(enumerate(sorted(set(text))))
    return {char: number for number, char in int2char.items()}, int2char


def encode(text: str, char2int: Mapping[str, int], unknown: str = 'error') -> np.ndarray:
    """Replace every character by its number.

    Parameters
    ----------
    text : str
    char2int : dict of str to int
    unknown : {'error', 'skip'}, default 'error'
        What to do with characters without a number; ``'skip'`` leaves them out.

    Returns
    -------
    numpy.ndarray of int32, shape (len(text),)
        Shorter by the characters that were left out.

    Raises
    ------
    ArgumentTypeError
        `text` is not a `str`, or `char2int` is not such a dict (but `int2char`, say).
    ArgumentValueError
        Characters without a number, all of which are named, or a negative number.
    """
    check_str('text', text)
    if not isinstance(char2int, Mapping) or not all(isinstance(char, str) for char in char2int):
        raise ArgumentTypeError('char2int must be a dict of character to number, not %s' % shorten(char2int))
    for char, number in char2int.items():
        check_int('char2int[%s]' % shorten(char), number, 0)
    if check_choice('unknown', unknown, ('error', 'skip')) == 'skip':
        text = ''.join(filter(char2int.__contains__, text))
    elif text:
        check_known('text', text, char2int)
    return np.fromiter((char2int[char] for char in text), dtype=np.int32, count=len(text))


def decode(numbers: ArrayLike, char2int: Mapping[str, int]) -> str:
    """Turn numbers back into text.

    Parameters
    ----------
    numbers : array_like of int, shape (length,)
    char2int : dict of str to int
        As `char_vocabulary` makes it.

    Returns
    -------
    str

    Raises
    ------
    ArgumentValueError
        A number without a character, named with its position.
    """
    int2char = {number: char for char, number in char2int.items()}
    numbers = np.asarray(numbers).tolist()
    try:
        return ''.join(map(int2char.__getitem__, numbers))
    except KeyError as error:
        raise ArgumentValueError('numbers has %s at position %d, which is not in the vocabulary of %d'
                                 % (shorten(error.args[0]), numbers.index(error.args[0]), len(char2int))) from None


def encode_starter(starter_seq: str, char2int: Mapping[str, int], unknown: str = 'error') -> np.ndarray:
    """The numbers of the starter's characters, at least one.

    Parameters
    ----------
    starter_seq : str
    char2int : dict of str to int
    unknown : {'error', 'skip'}, default 'error'
        What to do with characters that have no number; ``'skip'`` leaves them out.

    Returns
    -------
    numpy.ndarray of int32, shape (len(starter_seq),)
        Shorter if characters were left out.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not a `str`, empty, or with unknown characters, all of which are named; with ``'skip'``, no known character;
        or a wrong `unknown`.
    """
    skips = check_choice('unknown', unknown, ('error', 'skip')) == 'skip'
    if not skips or set(char2int).isdisjoint(check_str('starter_seq', starter_seq)):
        check_known('starter_seq', starter_seq, char2int)
    return encode(starter_seq, char2int, unknown)


def check_known(name: str, text: str, char2int: Mapping[str, int]) -> str:
    """The text, if it has at least one character and each of them has a number.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    text : str
    char2int : dict of str to int

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not a `str`, empty, or with unknown characters, all of which are named.
    """
    if not check_str(name, text):
        raise ArgumentValueError('%s must have at least one character, not none' % name)
    unknown = sorted(set(text) - set(char2int))
    if unknown:
        raise ArgumentValueError('%s has %s, which the vocabulary lacks; it has the %d characters %s' % (
            name, ', '.join(map(repr, unknown)), len(char2int), shorten(''.join(sorted(char2int)), 200)))
    return text


def check_char2int(name: str, vocabulary: Optional[Mapping[str, int]], num_classes: int) -> Optional[Dict[str, int]]:
    """The vocabulary, checked, as a dict of str to int; None stays None.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    vocabulary : dict of str to int, or None
    num_classes : int
        Each number from 0 to `num_classes - 1` must belong to one character.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
    """
    if vocabulary is None:
        return None
    char2int = check_numbers(name, vocabulary, 'character', 0, num_classes - 1)
    if sorted(char2int.values()) != list(range(num_classes)):
        raise ArgumentValueError('%s must have one character for each number from 0 to num_classes - 1 = %d; it has %s'
                                 % (name, num_classes - 1, counted(len(char2int), 'character')))
    return char2int


def reshape_data(sequence: ArrayLike, batch_size: int, num_steps: int) -> Tuple[np.ndarray, np.ndarray]:
    """Cut a text into rows, and the same text shifted by one character into rows of targets.

    Parameters
    ----------
    sequence : array_like of int, shape (length,)
        The numbers of the characters, of any integer type. An array is not copied, and one of `encode_file` is not
        read into memory.
    batch_size : int
        N, the number of rows.
    num_steps : int
        T, the number of characters in a window.

    Returns
    -------
    x, y : numpy.ndarray, shape (N, n * T)
        n is the number of whole mini-batches of N x T characters, one fewer if no character is left for the last
        target. `y` is `x` shifted by one character.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A size below 1, a sequence that is not one-dimensional or not of integers, or one that is shorter than one
        batch with its last target: ``batch_size * num_steps + 1`` characters.
    """
    batch_size = check_int('batch_size', batch_size)
    num_steps = check_int('num_steps', num_steps)
    sequence = as_array('sequence', sequence)
    if sequence.ndim != 1:
        raise ArgumentValueError('sequence must have one dimension, not the shape %s' % (sequence.shape,))
    if sequence.size and sequence.dtype.kind not in 'iu':
        raise ArgumentTypeError('sequence must hold integers, not %s' % sequence.dtype)
    window = batch_size * num_steps
    num_batches = (len(sequence) - 1) // window             # one character is left for the last target
    if num_batches < 1:
        raise ArgumentValueError('sequence must have at least batch_size * num_steps + 1 = %d characters for one batch,'
                                 ' not %d' % (window + 1, len(sequence)))
    length = num_batches * window
    return (sequence[:length].reshape(batch_size, -1),              # (N, n * T)
            sequence[1:length + 1].reshape(batch_size, -1))         # (N, n * T)


def create_batch_generator(data_x: ArrayLike, data_y: ArrayLike,
                           num_steps: int) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Yield the columns from left to right in whole windows of `num_steps`.

    Parameters
    ----------
    data_x, data_y : numpy.ndarray, shape (N, columns)
        As `reshape_data` gives them.
    num_steps : int
        T, the number of columns in a window.

    Yields
    ------
    x, y : numpy.ndarray, shape (N, T)
        Views of the arrays, in their type: of a memory-mapped array, only the window is read.
    """
    num_steps = check_int('num_steps', num_steps)
    data_x, data_y = as_array('data_x', data_x), as_array('data_y', data_y)
    if data_x.shape != data_y.shape or data_x.ndim != 2:
        raise ArgumentValueError('data_x and data_y must have one shape (rows, columns), not %s and %s'
                                 % (data_x.shape, data_y.shape))
    windows = (slice(start, start + num_steps) for start in range(0, data_x.shape[1] - num_steps + 1, num_steps))
    return ((data_x[:, window], data_y[:, window]) for window in windows)


def __getattr__(name):
    if name == 'get_top_char':                              # version 0.1.0 had it here, and old imports go on working
        import rnnbook
        return rnnbook.get_top_char
    raise AttributeError('module %r has no attribute %r' % (__name__, name))
