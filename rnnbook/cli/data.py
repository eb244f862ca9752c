"""The data that the flags of a script ask for."""

import argparse
import contextlib
import glob
import hashlib
import os
import re
import sys
import warnings
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from rnnbook import datasets, hamlet, imdb
from rnnbook.base.checks import check_int
from rnnbook.base.files import OURS, check_path, check_regular, read_json
from rnnbook.errors import ArgumentValueError, FileError

__all__ = ['review_halves', 'indexed_halves', 'check_vocabulary', 'say_unknown', 'character_numbers',
           'default_starter', 'model_folders', 'check_model_folder']

#: A text of this many bytes is read in blocks and stays on disk.
LARGE_TEXT = 2 ** 26
#: How many times larger a packed text gets, at a guess.
PACKED, UNPACKED = ('.gz', '.bz2', '.xz', '.zip'), 8
MODEL = 'model.json'


def review_halves(args: argparse.Namespace) -> Tuple[str, List[str], np.ndarray, List[str], np.ndarray]:
    """The reviews that the flags of `add_review_flags` ask for, in the chapter's split."""
    end = _limit(args)
    csv = args.csv or datasets.fetch_imdb(args.data_dir)
    x_train, y_train, x_test, y_test = imdb.split_halves(*imdb.load_reviews(csv))
    return datasets.describe(csv), x_train[:end], y_train[:end], x_test[:end], y_test[:end]


def indexed_halves(args: argparse.Namespace, sequence_length: int, settings: Dict[str, Any]) -> Tuple[
        str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, imdb.Vocabulary]:
    """The reviews that the flags ask for as rows of word numbers, in the chapter's split."""
    limit = _limit(args)
    csv = args.csv or datasets.fetch_imdb(args.data_dir)
    x, y, vocabulary = imdb.load_indexed(csv, sequence_length, limit=limit, cache=not args.no_cache, **settings)
    return (datasets.describe(csv), *imdb.split_halves(x, y), vocabulary)


def _limit(args):
    return None if args.limit is None else check_int('--limit', args.limit)


def check_vocabulary(folder: str, vocabulary: Optional[imdb.Vocabulary]) -> None:
    """Check that the review model of a folder has a vocabulary, without which it cannot read texts."""
    if vocabulary is None:
        raise ArgumentValueError('%s was trained without a vocabulary, so that texts cannot be read; '
                                 'train(..., vocabulary=word_to_int) saves it' % folder)


def say_unknown(unknown: np.ndarray, vocabulary: imdb.Vocabulary) -> None:
    """Say on standard error how many words the vocabulary lacks, if any, and what became of them."""
    if unknown.any():
        print('%d words that the model has not seen %s' % (unknown.sum(), 'were left out' if vocabulary.unknown is None
                                                           else 'count as unknown'), file=sys.stderr)


def character_numbers(path: str, encoding: Optional[str] = None) -> Tuple[str, np.ndarray, Dict[str, int]]:
    """A text to train on: its name, its characters as numbers, and the number of each character."""
    found = _character_numbers(path, encoding)
    if '\0' in found[2]:
        warnings.warn('%s holds NUL characters; if it is UTF-16 without a byte order mark, give --encoding utf-16-le '
                      'or utf-16-be' % path)
    return found


def _character_numbers(path, encoding):
    """The same; a large text, a folder or a pattern is encoded on disk."""
    path = check_path('--text', path)
    if not os.path.isdir(path):
        check_regular('--text', path)
    if os.path.isfile(path) and os.path.getsize(path) * (UNPACKED if path.endswith(PACKED) else 1) < LARGE_TEXT:
        text = hamlet.load_text(path, encoding=encoding)
        char2int, _ = hamlet.char_vocabulary(text)
        return datasets.describe(path), hamlet.encode(text, char2int), char2int
    where = os.path.abspath(path)
    name = '%s-%s.npy' % (re.sub(r'\W+', '-', os.path.basename(where)).strip('-') or 'text',
                          hashlib.sha256(os.fsencode(where)).hexdigest()[:8])
    return (path, *hamlet.encode_file(path, os.path.join(OURS, 'encoded', name), encoding=encoding))


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
    """Refuse a model's folder that is not there or empty, and name those that are there."""
    if not os.path.isdir(check_path('ckpt_dir', ckpt_dir)) or not os.listdir(ckpt_dir):
        there = ', '.join(model_folders(class_name))
        raise FileError('ckpt_dir %s %s; %s' % (
            ckpt_dir, 'is empty' if os.path.isdir(ckpt_dir) else 'is not there',
            'models are in %s' % there if there else 'train saves into it'))
