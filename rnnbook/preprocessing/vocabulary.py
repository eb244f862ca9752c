"""A vocabulary of words with its settings: which words are kept, how text is cleaned, what happens to unknown words.

The book's vocabulary is a dict of word to number. A `Vocabulary` is such a dict that also knows how its texts were
cleaned, so that new texts are cleaned alike; a plain dict counts as one with the book's settings.
"""

import dataclasses
import re
from string import punctuation
from typing import Dict, Iterable, List, Mapping, Optional, Tuple, Union

from rnnbook.base.checks import check_bool, check_fields, check_int, check_numbers, check_str, counted, shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError

_SPACED = [(mark, ' %s ' % mark) for mark in punctuation]
#: An HTML tag.
TAG = re.compile(r'</?[a-zA-Z][^<>]*>')
#: Whether markup is dropped, by the names that `model.json` has for ways of cleaning text.
CLEANING = {'separate_punctuation': False, 'drop_markup, separate_punctuation': True}


def separate_punctuation(text: str) -> str:
    """Put a space on either side of each character of `string.punctuation`, and change to lower case.

    Splitting the result at white space gives the chapter's words; applying it twice makes no difference to them.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Raises
    ------
    ArgumentTypeError
        Not a `str`.
    """
    check_str('text', text)
    for mark, spaced in _SPACED:                            # several times as fast as str.translate
        if mark in text:
            text = text.replace(mark, spaced)
    return text.lower()


def drop_markup(text: str) -> str:
    """Replace every HTML tag, such as ``<br />``, by a space: from ``<`` or ``</`` and a letter to the next ``>``.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Raises
    ------
    ArgumentTypeError
        Not a `str`.
    """
    return TAG.sub(' ', text) if '<' in check_str('text', text) else text


def words_of(text: str, drop_tags: bool = False) -> List[str]:
    """The words of a text."""
    return separate_punctuation(drop_markup(text) if drop_tags else text).split()


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a vocabulary is made from reviews, and how it cleans text. The defaults are the book's.

    Parameters
    ----------
    min_count : int, default 1
        Leave out words that occur less often.
    max_words : int, optional
        Keep only the most frequent words, this many. Default: all.
    unknown : bool, default False
        Give all words that the vocabulary lacks one number, which follows that of its last word, instead of leaving
        them out.
    drop_markup : bool, default False
        Drop HTML tags, such as ``<br />``, before punctuation is separated.
    training_half : bool, default False
        Take words only from the first half of the reviews, which trains.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A setting of the wrong type or out of range.
    """

    min_count: int = 1
    max_words: Optional[int] = None
    unknown: bool = False
    drop_markup: bool = False
    training_half: bool = False

    def __post_init__(self) -> None:
        check_int('min_count', self.min_count)
        if self.max_words is not None:
            check_int('max_words', self.max_words)
        for name in ('unknown', 'drop_markup', 'training_half'):
            check_bool(name, getattr(self, name))

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> 'Settings':
        """The settings from the keywords that a user gave.

        Parameters
        ----------
        settings : dict of str to object

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            An unknown setting, or a wrong value.
        """
        check_fields('a vocabulary', cls, settings)
        return cls(**settings)


class Vocabulary(dict):
    """A dict of word to number, as the book's `word_to_int`, with the settings that it was made with.

    It equals another one with the same numbers that cleans text alike; a plain dict counts as one with the book's
    settings.

    Parameters
    ----------
    ids : dict of str to int, or iterable of pairs
    settings : Settings, optional
        Default: the book's.

    Attributes
    ----------
    settings : Settings
    unknown : int or None
        The number that stands for words it lacks; None if they are left out.
    n_words : int
        The largest number plus 1, the argument of `SentimentRNN` with this name.
    """

    __hash__ = None

    def __init__(self, ids: Union[Mapping[str, int], Iterable[Tuple[str, int]]] = (),
                 settings: Optional[Settings] = None) -> None:
        super().__init__(ids)
        self.settings = settings or Settings()

    @classmethod
    def of(cls, name: str, vocabulary: object) -> 'Vocabulary':
        """The vocabulary as a `Vocabulary`; a plain dict gets the book's settings.

        Parameters
        ----------
        name : str
            The argument as its signature spells it.
        vocabulary : Vocabulary or dict of str to int

        Raises
        ------
        ArgumentTypeError
            Neither.
        """
        check_dict(name, vocabulary)
        return vocabulary if isinstance(vocabulary, cls) else cls(vocabulary)

    @property
    def unknown(self) -> Optional[int]:
        """The number that stands for words it lacks, or None."""
        return self._end() if self.settings.unknown else None

    @property
    def n_words(self) -> int:
        """The largest number plus 1."""
        return self._end() + self.settings.unknown

    def _end(self):
        """The number after the largest one of a word."""
        return max(self.values(), default=0) + 1

    def _changed(self):
        """The settings that are not the book's."""
        return {name: value for name, value in vars(self.settings).items() if value != getattr(Settings, name)}

    def __repr__(self) -> str:
        return 'Vocabulary(%s)' % ', '.join([counted(len(self), 'word')] + ['%s=%r' % each
                                                                            for each in self._changed().items()])

    def __eq__(self, other):
        if not isinstance(other, dict):
            return NotImplemented
        ours, theirs = self.settings, getattr(other, 'settings', Settings())
        alike = (ours.drop_markup, ours.unknown) == (theirs.drop_markup, theirs.unknown)
        return alike and dict.__eq__(self, other)

    def __ne__(self, other):
        return not self == other

    def treatment(self) -> Dict[str, object]:
        """What `model.json` holds besides the numbers: a dict that JSON can hold.

        The book's settings need only ``cleaning`` and ``unknown``; each other setting has an entry of its own.
        """
        cleaning = next(name for name, drops in CLEANING.items() if drops == self.settings.drop_markup)
        more = {name: value for name, value in self._changed().items() if name not in ('unknown', 'drop_markup')}
        return dict(cleaning=cleaning, unknown=self.unknown, **more)

    @classmethod
    def read(cls, ids: Mapping[str, int], treatment: Mapping[str, object]) -> 'Vocabulary':
        """The vocabulary with these numbers and the settings that `treatment` has described.

        Parameters
        ----------
        ids : dict of str to int
        treatment : dict

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            An entry that this version does not know, or a wrong value.
        """
        settings = dict(treatment)
        cleaning, unknown = (settings.pop(name, name) for name in ('cleaning', 'unknown'))
        if not isinstance(cleaning, str) or cleaning not in CLEANING:
            raise ArgumentValueError('cleaning must be one of %s' % ', '.join(map(repr, CLEANING)))
        if 'drop_markup' in settings:
            raise ArgumentTypeError('there is no drop_markup beside cleaning')
        settings.update(drop_markup=CLEANING[cleaning], unknown=unknown is not None)
        found = cls(ids, Settings.of(settings))
        if type(unknown) is bool or unknown != found.unknown:
            raise ArgumentValueError('unknown must be null or %d, the number after the last word\'s' % found._end())
        return found


def check_dict(name: str, value: object, meaning: str = 'number') -> None:
    """Refuse anything but a dict of word to number, or to whatever `meaning` says."""
    if not isinstance(value, Mapping):
        raise ArgumentTypeError('%s must be a dict of word to %s, not %s' % (name, meaning, shorten(value)))


def check_word_to_int(name: str, vocabulary: object, n_words: int) -> Optional[Vocabulary]:
    """The vocabulary as a `Vocabulary`, or None if it is None.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    vocabulary : dict of str to int, or None
    n_words : int
        Each word, and the one for unknown words if there is one, must have a number of its own from 1 to this minus 1.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
    """
    if vocabulary is None:
        return None
    numbers, words = check_numbers(name, vocabulary, 'word', 1, n_words - 1), {}
    for word, number in numbers.items():
        if words.setdefault(number, word) != word:
            raise ArgumentValueError('%s must have a number of its own for each word, not %d for both %s and %s'
                                     % (name, number, shorten(words[number]), shorten(word)))
    vocabulary = Vocabulary(numbers, Vocabulary.of(name, vocabulary).settings)
    if vocabulary.n_words > n_words:
        raise ArgumentValueError('%s must fit n_words = %d: it has the number %d for unknown words'
                                 % (name, n_words, vocabulary.unknown))
    return vocabulary
