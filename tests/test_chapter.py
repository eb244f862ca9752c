"""The chapter's cells, as calls of the library in the chapter's order and with its names.

They depart from print only where the README's table says so: the vocabulary is handed to `train`, and
`rnnbook.imdb` and `rnnbook.hamlet` stand before the functions of their project, two of which share a name.
"""

import os

import numpy as np
import pandas as pd
import pytest

import models
from rnnbook import CharRNN, SentimentRNN
from rnnbook.hamlet import char_vocabulary, encode, load_text, reshape_data
from rnnbook.imdb import count_words, fixed_length, make_word_to_int, map_reviews


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with a `movie_data.csv` and a text of our own."""
    monkeypatch.chdir(tmp_path)
    reviews = ['What a fine film, fine indeed!', 'Dull. I left early...', 'Fine cast; fine music', 'So dull'] * 50
    pd.DataFrame({'review': reviews, 'sentiment': [1, 0, 1, 0] * 50}).to_csv('movie_data.csv', index=False)
    with open('play.txt', 'w', encoding='utf-8') as f:
        f.write(models.TEXT)


def test_project_one(place, capsys):
    df = pd.read_csv('movie_data.csv', encoding='utf-8')

    counts = count_words(df['review'])
    word_to_int = make_word_to_int(counts)
    mapped_reviews = map_reviews(df['review'], word_to_int)

    sequence_length = 8
    sequences = fixed_length(mapped_reviews, sequence_length)

    X_train = sequences[:100, :]
    y_train = df.loc[:99, 'sentiment'].values
    X_test = sequences[100:, :]
    y_test = df.loc[100:, 'sentiment'].values

    np.random.seed(123)
    n_words = max(list(word_to_int.values())) + 1
    assert n_words == len(counts) + 1

    rnn = SentimentRNN(n_words=n_words, seq_len=sequence_length, embed_size=16, lstm_size=8, num_layers=1,
                       batch_size=10, learning_rate=0.01)
    rnn.train(X_train, y_train, num_epochs=10, vocabulary=word_to_int)
    assert 'Epoch: 2/10 Iteration: 20 | Train loss: 0.' in capsys.readouterr().out
    assert os.path.isfile('model/sentiment-9.ckpt.index')

    preds = rnn.predict(X_test)
    y_true = y_test[:len(preds)]
    assert np.sum(preds == y_true) / len(y_true) == 1.0     # four texts, each a hundred times: learned by heart

    proba = rnn.predict(X_test, return_proba=True)
    assert proba.shape == (100,) and np.array_equal(proba > 0.5, preds == 1)


def test_project_two(place, capsys):
    text = load_text('play.txt')
    char2int, int2char = char_vocabulary(text)
    chars = sorted(char2int)
    text_ints = encode(text, char2int)

    batch_size = 4
    num_steps = 10
    train_x, train_y = reshape_data(text_ints, batch_size, num_steps)
    assert ''.join(int2char[i] for i in train_x[0, :10]) == text[:10]
    assert ''.join(int2char[i] for i in train_y[0, :10]) == text[1:11]

    rnn = CharRNN(num_classes=len(chars), batch_size=batch_size, num_steps=num_steps)
    rnn.train(train_x, train_y, num_epochs=2, ckpt_dir='./model-2/', vocabulary=char2int)
    assert 'Epoch 1/2 Iteration 10| Training loss: 2.' in capsys.readouterr().out

    del rnn

    np.random.seed(123)
    rnn = CharRNN(len(chars), sampling=True)
    sampled = rnn.sample(ckpt_dir='./model-2/', output_length=50, starter_seq='the ')
    assert len(sampled) == len('the ') + 1 + 50 and set(sampled) <= set(chars)
