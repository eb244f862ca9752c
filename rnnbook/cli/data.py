"""The data that the flags of a script ask for."""

import argparse
import contextlib
import glob
import hashlib
import os
import sys
import warnings
from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np

from rnnbook import datasets, hamlet, imdb
from rnnbook.base.checks import check_int, counted, shorten
from rnnbook.base.files import OURS, check_path, read_json
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.model_folder.checkpoint_files import check_folder
from rnnbook.model_folder.description import MODEL_JSON as MODEL, read_description
from rnnbook.preprocessing.review_rows import read_rows

#: A text of this many bytes is read in blocks and stays on disk.
LARGE_TEXT = 2 ** 26
#: A guess at how many times larger a packed text is once it is unpacked.
PACKED, UNPACKED = ('.gz', '.bz2', '.xz', '.zip'), 8


def review_layout(args: argparse.Namespace) -> Dict[str, object]:
    """The fields of `imdb.CsvLayout` that the flags give, checked; all but `shuffle_rows` need ``--csv``."""
    defaults = vars(imdb.CsvLayout())
    given = {name: getattr(args, name) for name in defaults if hasattr(args, name)}
    for name, value in given.items():
        if args.csv is None and value != defaults[name] and name != 'shuffle_rows':
            raise ArgumentValueError('%s needs --csv' % name)
    return vars(imdb.CsvLayout(**given))


def _source(args):
    """The path of the reviews, their layout, and how many of each half are used; the flags are checked first."""
    layout, limit = review_layout(args), None if args.limit is None else check_int('--limit', args.limit)
    return datasets.fetch_imdb(args.data_dir) if args.csv is None else check_path('--csv', args.csv), layout, limit


def review_halves(args: argparse.Namespace) -> Tuple[str, List[str], np.ndarray, List[str], np.ndarray]:
    """The reviews that the flags of `add_review_flags` ask for, in the chapter's split."""
    csv, layout, end = _source(args)
    x_train, y_train, x_test, y_test = imdb.split_halves(*imdb.load_reviews(csv, **layout))
    return datasets.describe(csv), x_train[:end], y_train[:end], x_test[:end], y_test[:end]


def indexed_halves(args: argparse.Namespace, sequence_length: int, settings: Mapping[str, object]) -> Tuple[
        str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, imdb.Vocabulary]:
    """The reviews that the flags ask for as rows of word numbers, in the chapter's split; prints what they are."""
    csv, layout, limit = _source(args)
    found = read_rows(csv, sequence_length, limit=limit, cache=not args.no_cache, **layout, **settings,
                      vocabulary=source_vocabulary(args, 'SentimentRNN'))
    if found.labels.min() == found.labels.max():
        raise FileError('%s: all rows%s have the same label; a model needs both'
                        % (csv, '' if limit is None else ' that --limit leaves'))
    name, halves = datasets.describe(csv), imdb.split_halves(found.sequences, found.labels)
    _check_halves(csv, halves[1].mean(), halves[3].mean())
    print('Data: %s, %s to train and %d to test' % (name, counted(len(halves[0]), 'review'), len(halves[2])))
    print('Labels: %s' % ', '.join('%r is %d (%s)' % (label, meaning, counted(rows, 'row'))
                                   for label, meaning, rows in found.label_counts))
    print('Words: %d in the vocabulary, %.1f in a review on average' % (len(found.vocabulary), found.mean_words))
    if found.mean_words < 2:
        warnings.warn('%s has %.1f words a review; words end at white space and punctuation, so text without spaces '
                      '(Chinese, Japanese, Thai) must be split into words first' % (csv, found.mean_words))
    return (name, *halves, found.vocabulary)


def _check_halves(csv, first, second):
    """Refuse a half with one label, and warn of halves that differ in their share of positive reviews: a sorted file.
    """
    advice = 'is the file sorted? shuffle_rows 0 (or another seed) shuffles it before it is split into halves'
    for name, share in (('first half, which trains,', first), ('second half, which tests,', second)):
        if share in (0, 1):
            raise FileError('%s: all rows of the %s have the label %d; %s' % (csv, name, share, advice))
    if abs(first - second) > 0.2:
        warnings.warn('%s: %.0f%% of the first half and %.0f%% of the second half are positive; %s'
                      % (csv, 100 * first, 100 * second, advice))


def source_vocabulary(args: argparse.Namespace, class_name: str) -> Optional[Dict[str, int]]:
    """The vocabulary of the model that ``--init-from`` names, which must be of this class; a resumed run has it too."""
    if getattr(args, 'init_from', None) is None:            # other scripts have no such flag
        return None
    resumes = args.resume and os.path.isfile(os.path.join(args.ckpt_dir, MODEL))
    found = read_description(args.ckpt_dir if resumes else args.init_from, class_name).vocabulary
    if found is None:
        raise ArgumentValueError('--init-from %s was trained without a vocabulary, so that the data cannot be numbered'
                                 % args.init_from)
    return found


def recode(numbers: np.ndarray, char2int: Mapping[str, int], known: Mapping[str, int], unknown: str) -> np.ndarray:
    """The numbers that another vocabulary has for a text; characters that it lacks are an error, or are skipped."""
    lacks = ''.join(char for char in char2int if char not in known)
    if lacks and unknown == 'error':
        raise ArgumentValueError('the text has characters that the model of --init-from has not seen, %s; --unknown '
                                 'skip leaves them out' % shorten(lacks, 200))
    table = np.array([known.get(char, -1) for char in sorted(char2int, key=char2int.get)], dtype=np.int32)
    numbers = table[numbers]
    return numbers[numbers >= 0]


def check_vocabulary(folder: str, vocabulary: Optional[imdb.Vocabulary]) -> None:
    """Check that the review model of a folder has a vocabulary, without which it cannot read texts."""
    if vocabulary is None:
        raise ArgumentValueError('%s was trained without a vocabulary, so it cannot read texts; '
                                 'train(..., vocabulary=word_to_int) saves it' % folder)


def say_unknown(unknown: np.ndarray, vocabulary: imdb.Vocabulary) -> None:
    """Say on standard error how many words the vocabulary lacks, if any, and what happened to them."""
    if unknown.any():
        print('%s: %s that the model has not seen' % ('Left out' if vocabulary.unknown is None else 'Read as unknown',
                                                      counted(unknown.sum(), 'word')), file=sys.stderr)


def character_numbers(path: str, encoding: Optional[str] = None) -> Tuple[str, np.ndarray, Dict[str, int]]:
    """A text to train on: its name, its characters as numbers, and the number of each character."""
    path = check_path('--text', path)
    if os.path.isfile(path) and os.path.getsize(path) * (UNPACKED if path.endswith(PACKED) else 1) < LARGE_TEXT:
        text = hamlet.load_text(path, encoding=encoding)
        char2int, _ = hamlet.char_vocabulary(text)
        name, numbers = datasets.describe(path), hamlet.encode(text, char2int)
    else:                                                   # a large text, a folder or a pattern is encoded on disk
        file = hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:16] + '.npy'
        numbers, char2int = hamlet.encode_file(path, os.path.join(OURS, 'encoded', file), encoding=encoding)
        name = path
    if '\0' in char2int:
        warnings.warn('%s holds NUL characters; if it is UTF-16 without a byte order mark, give --encoding utf-16-le '
                      'or utf-16-be' % path)
    return name, numbers, char2int


def default_starter(char2int: Optional[Mapping[str, int]]) -> str:
    """What a sample begins with by default: the chapter's 'The ', or else one character that the model knows."""
    if not char2int or set('The ') <= set(char2int):
        return 'The '
    return next(filter(str.isalnum, sorted(char2int)), min(char2int))


def model_folders(class_name: Optional[str] = None, pattern: str = '*', **arguments: int) -> List[str]:
    """The folders that match a pattern and hold a model of this class that was made with these arguments."""
    found = []
    for path in sorted(glob.glob(os.path.join(pattern, MODEL))):
        with contextlib.suppress(FileError, AttributeError, KeyError, TypeError):       # not a description of ours
            model = read_json(path)
            if class_name in (None, model['class']) and arguments.items() <= {
                    name: model['arguments'].get(name) for name in arguments}.items():
                found.append(os.path.join('.', os.path.relpath(os.path.dirname(path)), ''))
    return found


def check_model_folder(ckpt_dir: str, class_name: Optional[str] = None) -> None:
    """Refuse a model's folder that is missing or empty, and list the ones that exist."""
    check_folder('ckpt_dir', ckpt_dir)
    if not os.path.isdir(ckpt_dir) or not os.listdir(ckpt_dir):
        there = ', '.join(model_folders(class_name))
        raise FileError('ckpt_dir %s is no folder with a model; %s'
                        % (ckpt_dir, 'models are in %s' % there if there else 'train saves into it'))
