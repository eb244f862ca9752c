"""The golden figures: what the book's listing computes, its initial weights and its first losses included."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import hamlet
from rnnbook.charrnn import CharRNN, get_top_char
from rnnbook.network.lstm import ENGINES
from rnnbook.sentiment import BOOK_RUN, SentimentRNN

with open(os.path.join(os.path.dirname(__file__), 'golden.json')) as file:
    GOLDEN = json.load(file)
CHAR, REVIEWS = GOLDEN['char_default'], GOLDEN['sentiment_chapter']


@pytest.fixture(scope='module')
def char_models():
    return {engine: CharRNN(**CHAR['constructor'], engine=engine) for engine in ENGINES}


def check_initial_weights(model, golden):
    with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
        sess.run(model.init_op)
        for name, (shape, abs_sum) in golden['abs_sum'].items():
            value = sess.run(name)
            assert list(value.shape) == shape
            assert np.abs(value.astype(np.float64)).sum() == pytest.approx(abs_sum, rel=1e-5, abs=0)
        trainable = [variable.name for variable in model.g.get_collection('trainable_variables')]
        assert sorted(trainable) == sorted(golden['abs_sum'])


@pytest.mark.parametrize('engine', ENGINES)
def test_initial_weights_of_the_character_model_are_the_listings(engine, char_models):
    check_initial_weights(char_models[engine], CHAR)


@pytest.mark.parametrize('engine', ENGINES)
def test_initial_weights_of_the_review_model_are_the_listings(engine):
    check_initial_weights(SentimentRNN(**REVIEWS['constructor'], engine=engine), REVIEWS)


def test_one_more_op_before_the_initialisers_would_be_noticed():
    class Shifted(CharRNN):
        def _build_listing(self):
            tf.constant(0.0)
            super()._build_listing()

    with pytest.raises(AssertionError):
        check_initial_weights(Shifted(**CHAR['constructor']), CHAR)


def test_checkpoints_hold_exactly_the_listings_variables(tmp_path):
    models.char().train(*models.characters(), num_epochs=1, ckpt_dir=tmp_path / 'char')
    assert sorted(models.variables(tmp_path / 'char')) == sorted(CHAR['variables_in_checkpoint'])
    models.sentiment().train(*models.reviews(), num_epochs=1, ckpt_dir=tmp_path / 'reviews')
    assert sorted(models.variables(tmp_path / 'reviews')) == sorted(REVIEWS['variables_in_checkpoint'])


@pytest.mark.parametrize('engine', ['book', pytest.param('fused', marks=pytest.mark.slow)])
def test_fifty_losses_of_the_character_model_are_the_listings(engine, char_models, hamlet_path):
    text = hamlet.load_text(hamlet_path)
    x, y = hamlet.reshape_data(hamlet.encode(text, hamlet.char_vocabulary(text)[0]), 64, 100)
    batches = models.feeds(char_models[engine], x, y, keep_prob=1.0)
    assert len(batches) == 25
    losses = models.losses(char_models[engine], batches, 50, epoch=25)
    np.testing.assert_allclose(losses, CHAR['losses'], rtol=0, atol=1e-4)


def test_get_top_char_draws_what_the_listing_draws():
    probas = np.random.RandomState(7).dirichlet(np.ones(65) * 0.3, size=30).astype('float32')
    np.random.seed(123)
    assert [get_top_char(p[None], 65) for p in probas] == GOLDEN['get_top_char']['ids']


def test_the_named_run_is_the_one_that_the_chapter_prints():
    assert {**BOOK_RUN, **REVIEWS['constructor']} == {**REVIEWS['constructor'], **BOOK_RUN}
    assert BOOK_RUN['num_epochs'] == 40
