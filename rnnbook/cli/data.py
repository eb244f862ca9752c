"""The data that the flags of a script ask for."""

import argparse
import hashlib
import os
import re
import sys
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from rnnbook import datasets, hamlet, imdb
from rnnbook.base.checks import check_int
from rnnbook.base.files import OURS
from rnnbook.errors import ArgumentValueError

__all__ = ['review_halves', 'indexed_halves', 'check_vocabulary', 'say_unknown', 'character_numbers']

#: From how many bytes on a text is read in blocks and stays on disk.
LARGE_TEXT = 2 ** 26


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


def character_numbers(path: str) -> Tuple[str, np.ndarray, Dict[str, int]]:
    """A text to train on as numbers of characters; a large one stays on disk."""
    if hamlet.text_files(path) == [path] and not (os.path.isfile(path) and os.path.getsize(path) >= LARGE_TEXT):
        text = hamlet.load_text(path)
        char2int, _ = hamlet.char_vocabulary(text)
        return datasets.describe(path), hamlet.encode(text, char2int), char2int
    where = os.path.abspath(path)
    name = '%s-%s.npy' % (re.sub(r'\W+', '-', os.path.basename(where)).strip('-') or 'text',
                          hashlib.sha256(os.fsencode(where)).hexdigest()[:8])
    return (path, *hamlet.encode_file(path, os.path.join(OURS, 'encoded', name)))
