"""Text as rows of character indices ("Project two - implementing an RNN for character-level language modeling").

The characters of a text are numbered; the text is cut into `batch_size` equal stretches, one a row; and the targets are
the same characters one further on. NumPy is all that importing this module needs.

Shapes: N stretches (rows, `batch_size`), T characters a window (`num_steps`), n windows.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

import numpy as np

from rnnbook.base.checks import ArrayLike, StrPath, as_array, check_choice, check_int, check_str, check_unicode, shorten
from rnnbook.base.files import check_path, read_text
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.preprocessing.text_array import encode_file, load_encoded, text_files

__all__ = ['FIRST_LINES', 'LAST_LINE', 'hamlet_body', 'load_text', 'char_vocabulary', 'encode', 'decode',
           'encode_starter', 'check_known', 'check_char2int', 'encode_file', 'load_encoded', 'text_files',
           'reshape_data', 'create_batch_generator']


FIRST_LINES = 'The Tragedie of Hamlet\n\nActus Primus'
LAST_LINE = 'FINIS. The tragedie of HAMLET, Prince of Denmarke.'


def load_text(path: StrPath) -> str:
    r"""Read a text to train on.

    Parameters
    ----------
    path : str or path
        Any UTF-8 file. ``\r\n`` is folded to ``\n``. Of Project Gutenberg's etext 2265, *Hamlet*, the play is kept:
        the header that the chapter cuts off with ``text[15858:]`` goes, whatever its length.

    Returns
    -------
    str

    Raises
    ------
    FileError
        Missing, a folder, empty, or not UTF-8.
    """
    path = check_path('path', path)
    text = read_text(path)
    if not text:
        raise FileError('%s is empty; there is no text to read' % path)
    # Book: a fixed offset of 15,858 characters, right for one old header only.
    return hamlet_body(text) or text


def hamlet_body(text: str) -> Optional[str]:
    r"""The play in a copy of Project Gutenberg's etext 2265, without what was put before and after it.

    Parameters
    ----------
    text : str
        The whole file. Line ends may be ``\r\n``; they are folded to ``\n``.

    Returns
    -------
    str or None
        From "The Tragedie of Hamlet / Actus Primus" through "FINIS. The tragedie of HAMLET, Prince of Denmarke.";
        `None` where one of the two is missing.
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
        In the order of the characters' code points, numbered from 0.
    int2char : dict of int to str

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not a `str`, or empty.
    """
    if not check_str('text', text):
        raise ArgumentValueError('text must have at least one character, not none')
    # Book: `set(text)` comes in another order in every process, so that a saved model reads other characters.
    chars = sorted(set(text))
    int2char = dict(enumerate(chars))
    return {char: number for number, char in int2char.items()}, int2char


def encode(text: str, char2int: Mapping[str, int]) -> np.ndarray:
    """Replace every character by its number.

    Parameters
    ----------
    text : str
    char2int : dict of str to int

    Returns
    -------
    numpy.ndarray of int32, shape (len(text),)

    Raises
    ------
    ArgumentTypeError
        `text` is not a `str`, or `char2int` is something else (`int2char`, say).
    ArgumentValueError
        A character that has no number, with its position, or one below 0.
    """
    check_str('text', text)
    if not isinstance(char2int, Mapping) or not all(isinstance(char, str) for char in char2int):
        raise ArgumentTypeError('char2int must be a dict of character to number, not %s' % shorten(char2int))
    for char, number in char2int.items():
        check_int('char2int[%s]' % shorten(char), number, 0)
    try:
        return np.fromiter((char2int[char] for char in text), dtype=np.int32, count=len(text))
    except KeyError as error:
        char = error.args[0]
        raise ArgumentValueError('text has the character %s at position %d, which is not in the vocabulary of %d: %s'
                                 % (ascii(char), text.index(char), len(char2int),
                                    shorten(''.join(sorted(char2int)), 200))) from None


def decode(numbers: ArrayLike, char2int: Mapping[str, int]) -> str:
    """The text that numbers stand for.

    Parameters
    ----------
    numbers : array_like of int, shape (length,)
    char2int : dict of str to int
        A number for each character, as `char_vocabulary` makes it.

    Returns
    -------
    str

    Raises
    ------
    ArgumentValueError
        A number that no character has, with its position.
    """
    int2char = {number: char for char, number in char2int.items()}
    numbers = np.asarray(numbers).tolist()
    try:
        return ''.join(map(int2char.__getitem__, numbers))
    except KeyError as error:
        raise ArgumentValueError('numbers has %s at position %d, which is not in the vocabulary of %d'
                                 % (shorten(error.args[0]), numbers.index(error.args[0]), len(char2int))) from None


def encode_starter(starter_seq: str, char2int: Mapping[str, int], unknown: str = 'error') -> np.ndarray:
    """The numbers of the characters that a sampled text begins with; of these there must be at least one.

    Parameters
    ----------
    starter_seq : str
    char2int : dict of str to int
    unknown : {'error', 'skip'}, default 'error'
        What becomes of characters that have no number: ``'skip'`` leaves them out.

    Returns
    -------
    numpy.ndarray of int32, shape (len(starter_seq),)
        Shorter by what was left out.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not a `str`, empty, or with characters that have no number, all of which are named; nothing but such where they
        are skipped; `unknown` is neither of the two.
    """
    check_choice('unknown', unknown, ('error', 'skip'))
    known = ''.join(char for char in check_str('starter_seq', starter_seq) if char in char2int)
    return encode(known if known and unknown == 'skip' else check_known('starter_seq', starter_seq, char2int), char2int)


def check_known(name: str, text: Any, char2int: Mapping[str, int]) -> str:
    """The text, if it has at least one character and all of them have numbers.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    text : str
    char2int : dict of str to int

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not a `str`, empty, or with characters that have no number; all of them are named.
    """
    if not check_str(name, text):
        raise ArgumentValueError('%s must have at least one character, not none' % name)
    unknown = sorted(set(text) - set(char2int))
    if unknown:
        raise ArgumentValueError('%s has %s, which the model has not seen; it knows the %d characters %s'
                                 % (name, ', '.join(map(ascii, unknown)), len(char2int),
                                    shorten(''.join(sorted(char2int)), 200)))
    return text


def check_char2int(name: str, vocabulary: Any, num_classes: int) -> Optional[Dict[str, int]]:
    """The vocabulary as a dict of str to int, or None if it is None.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    vocabulary : dict of str to int, or None
    num_classes : int
        The characters have the numbers from 0 to `num_classes - 1`, one each.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
    """
    if vocabulary is None:
        return None
    if not isinstance(vocabulary, Mapping):
        raise ArgumentTypeError('%s must be a dict of character to number, not %s' % (name, shorten(vocabulary)))
    for char, number in vocabulary.items():
        if not isinstance(char, str) or len(char) != 1:
            raise ArgumentTypeError('%s must have single characters for keys, not %s' % (name, shorten(char)))
        check_unicode(name, char)
        check_int('%s[%s]' % (name, ascii(char)), number, 0, num_classes - 1)
    if sorted(vocabulary.values()) != list(range(num_classes)):
        raise ArgumentValueError('%s must have one character for each number from 0 to num_classes - 1 = %d; it has %d '
                                 'characters' % (name, num_classes - 1, len(vocabulary)))
    return {char: int(number) for char, number in vocabulary.items()}


def reshape_data(sequence: ArrayLike, batch_size: int, num_steps: int) -> Tuple[np.ndarray, np.ndarray]:
    """Cut a text into rows, and the same text one character later into the rows of targets.

    Parameters
    ----------
    sequence : array_like of int, shape (length,)
        The numbers of the characters, of any integer type. An array is not copied, nor is one of `encode_file` read.
    batch_size : int
        N, the rows.
    num_steps : int
        T, the characters of a window.

    Returns
    -------
    x, y : numpy.ndarray, shape (N, n * T)
        n is the number of whole mini-batches of N x T characters, one fewer if no character is left to be the last
        target. `y` is `x` shifted by one character.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A size below 1, a sequence that is not one-dimensional and of integers, or one that is shorter than one batch
        and its last target: ``batch_size * num_steps + 1`` characters.
    """
    batch_size = check_int('batch_size', batch_size)
    num_steps = check_int('num_steps', num_steps)
    sequence = as_array('sequence', sequence)
    if sequence.ndim != 1:
        raise ArgumentValueError('sequence must have one dimension, not the shape %s' % (sequence.shape,))
    if sequence.size and sequence.dtype.kind not in 'iu':
        raise ArgumentTypeError('sequence must hold integers, not %s' % sequence.dtype)
    window = batch_size * num_steps
    num_batches = (len(sequence) - 1) // window             # one character is kept for the last target
    if num_batches < 1:
        raise ArgumentValueError('sequence must have at least batch_size * num_steps + 1 = %d characters for one batch,'
                                 ' not %d' % (window + 1, len(sequence)))
    length = num_batches * window
    return (sequence[:length].reshape(batch_size, -1),              # (N, n * T)
            sequence[1:length + 1].reshape(batch_size, -1))         # (N, n * T)


def create_batch_generator(data_x: ArrayLike, data_y: ArrayLike,
                           num_steps: int) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Go through the columns in whole windows of `num_steps`, from left to right.

    Parameters
    ----------
    data_x, data_y : numpy.ndarray, shape (N, columns)
        As `reshape_data` gives them.
    num_steps : int
        T, the columns of a window.

    Yields
    ------
    x, y : numpy.ndarray, shape (N, T)
        Views of the arrays, in their type: of a memory-mapped array, no more is read than the window.
    """
    num_steps = check_int('num_steps', num_steps)
    data_x, data_y = as_array('data_x', data_x), as_array('data_y', data_y)
    if data_x.shape != data_y.shape or data_x.ndim != 2:
        raise ArgumentValueError('data_x and data_y must have one shape (rows, columns), not %s and %s'
                                 % (data_x.shape, data_y.shape))
    return _windows(data_x, data_y, num_steps)


def _windows(data_x, data_y, num_steps):
    for start in range(0, data_x.shape[1] - num_steps + 1, num_steps):
        stop = start + num_steps
        yield data_x[:, start:stop], data_y[:, start:stop]


def __getattr__(name):
    if name == 'get_top_char':                              # its place is the door, since it was drawn here before
        import rnnbook
        return rnnbook.get_top_char
    raise AttributeError('module %r has no attribute %r' % (__name__, name))
