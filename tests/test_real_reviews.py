"""The golden figures of the 50,000 real reviews, in one file, so that one worker makes and reads them, once."""

import hashlib
import json
import os

import numpy as np
import pytest

import models
from rnnbook import datasets, imdb
from rnnbook.base import files
from rnnbook.datasets import aclimdb
from rnnbook.preprocessing import review_csv
from rnnbook.sentiment import SentimentRNN

with open(os.path.join(os.path.dirname(__file__), 'golden.json')) as file:
    GOLDEN = json.load(file)
FIGURES, RUN = GOLDEN['imdb'], GOLDEN['sentiment_chapter']


@pytest.fixture(scope='module')
def indexed(_imdb_csv, tmp_path_factory):
    """What `load_indexed` gives for the real reviews, from the CSV and then from the cache; how often it read them."""
    if _imdb_csv is None:
        return None
    parsed, texts = [], review_csv.ReviewFile.texts
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp('indexed'))
        patch.setattr(review_csv.ReviewFile, 'texts', lambda self, limit: parsed.append(1) or texts(self, limit))
        return [imdb.load_indexed(_imdb_csv, progress=False) for _ in range(2)], len(parsed)


def check_rows(sequences, labels):
    assert (sequences.shape, sequences.dtype) == ((FIGURES['rows'], 200), np.int32)
    assert sequences[0, :12].tolist() == FIGURES['first_row_first_12']
    assert (sequences == 0).sum() == FIGURES['zeros']
    assert hashlib.sha256(sequences.tobytes()).hexdigest() == FIGURES['sequences_int32_sha256']
    assert labels.sum() == FIGURES['rows'] // 2


def test_the_csv_is_the_chapters(imdb_csv):
    assert files.sha256(imdb_csv) == FIGURES['movie_data_csv_sha256'] == datasets.IMDB.sha256
    assert os.path.getsize(imdb_csv) == datasets.IMDB_BYTES
    rows = aclimdb.csv_rows(imdb_csv)
    assert len(rows) == FIGURES['rows'] == aclimdb.ROWS
    assert aclimdb.rows_sha256(rows) == datasets.IMDB_ROWS_SHA256
    assert datasets.describe(imdb_csv) == 'the 50,000 IMDb reviews (movie_data.csv)'


def test_the_rows_are_the_listings_from_the_csv_and_from_the_cache(imdb_csv, indexed):
    found, parsed = indexed
    assert parsed == 1
    for sequences, labels, vocabulary in found:
        check_rows(sequences, labels)
        assert (len(vocabulary), vocabulary.n_words) == (FIGURES['unique_words'], FIGURES['n_words'])
    x_train, y_train, x_test, y_test = imdb.split_halves(sequences, labels)
    assert len(x_train) == len(y_train) == FIGURES['train_rows']
    assert len(x_test) == len(y_test) == FIGURES['rows'] - FIGURES['train_rows']


@pytest.mark.slow
def test_the_rows_are_the_listings_in_the_chapters_steps(imdb_csv):
    texts, labels = imdb.load_reviews(imdb_csv)
    assert (len(texts), labels.sum()) == (FIGURES['rows'], FIGURES['rows'] // 2)

    mapped, word_to_int = imdb.index_reviews(texts, progress=False)
    assert len(word_to_int) == FIGURES['unique_words']
    assert max(word_to_int.values()) + 1 == FIGURES['n_words']
    sequences = imdb.fixed_length(mapped, 200)
    check_rows(sequences, labels)

    some = texts[:2000]                                     # the three steps, whose equality is held on few above
    counts = imdb.count_words(some, progress=False)
    in_steps = imdb.make_word_to_int(counts)
    assert imdb.index_reviews(some, progress=False) == (imdb.map_reviews(some, in_steps, progress=False), in_steps)
    assert imdb.encode(texts[:50], word_to_int).tolist() == sequences[:50].tolist()


@pytest.mark.parametrize('engine', ['book', pytest.param('fused', marks=pytest.mark.slow)])
def test_twelve_losses_are_the_listings(engine, imdb_csv, indexed):
    sequences, labels, _ = indexed[0][0]
    model = SentimentRNN(**RUN['constructor'], engine=engine)
    batches = models.feeds(model, sequences[:1200], labels[:1200], keep_prob=1.0)
    np.testing.assert_allclose(models.losses(model, batches, 12), RUN['losses'], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_the_split_of_the_authors_is_made_of_the_csv(imdb_csv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = datasets.fetch_imdb_own_split(os.path.dirname(imdb_csv))
    assert datasets.describe(path) == 'the 50,000 IMDb reviews in the split of Maas et al. (movie_data_own_split.csv)'
    before, after = (aclimdb.csv_rows(csv) for csv in (imdb_csv, path))
    assert sorted(before) == sorted(after) and before != after
    assert sum(int(label) for _, label in after[:25000]) == 12500
    assert datasets.fetch_imdb_own_split() == path          # as it was made
