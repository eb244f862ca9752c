"""Small models and data for the tests of the two classes, and the losses of a run.

To build a graph takes longer than to train it here, and a model trains again from its first weights as often as it is
told to, so that a process builds each model once. What a test keeps, changes or compares with another is made anew.
"""

import numpy as np
import tensorflow as tf

from rnnbook import hamlet, imdb
from rnnbook.charrnn import CharRNN
from rnnbook.sentiment import SentimentRNN
from rnnbook.training.loop import CarriedState

WORDS = {'good': 1, 'bad': 2, 'film': 3, 'a': 4, '!': 5}
TEXT = 'the cat sat on the mat, and the dog sat on the cat; ' * 8
CHAR2INT, INT2CHAR = hamlet.char_vocabulary(TEXT)
_built = {}


def _model(make, arguments, anew):
    """A model made with these arguments: a new one, or else one that may have been trained, and has no folder."""
    if anew:
        return make(**arguments)
    key = (make,) + tuple((name, type(value), repr(value)) for name, value in sorted(arguments.items()))
    if key not in _built:
        _built[key] = make(**arguments)
    rnn = _built[key]
    rnn.ckpt_dir = rnn.vocabulary = None
    return rnn


def sentiment(anew=False, **changes):
    """A review model that trains in a fraction of a second."""
    return _model(SentimentRNN, {**dict(n_words=6, seq_len=4, lstm_size=3, batch_size=5, embed_size=2,
                                        learning_rate=0.01), **changes}, anew)


def reviews(rows=15):
    """Rows of word numbers and labels."""
    random = np.random.RandomState(0)
    return random.randint(0, 6, size=(rows, 4)).astype(np.int32), random.randint(0, 2, size=rows)


def char(anew=False, **changes):
    """A character model that trains in a fraction of a second."""
    return _model(CharRNN, {**dict(num_classes=len(CHAR2INT), batch_size=4, num_steps=10, lstm_size=6), **changes},
                  anew)


def characters():
    """The rows of `TEXT` for `char`."""
    return hamlet.reshape_data(hamlet.encode(TEXT, CHAR2INT), 4, 10)


def feeds(model, x, y, keep_prob):
    """The feeds of one epoch."""
    batches = (imdb.create_batch_generator(x, y, model.batch_size) if isinstance(model, SentimentRNN)
               else hamlet.create_batch_generator(x, y, model.num_steps))
    return [{'tf_x:0': batch_x, 'tf_y:0': batch_y, 'tf_keepprob:0': keep_prob} for batch_x, batch_y in batches]


def losses(model, batches, steps, epoch=None):
    """The cost of the first training steps from fresh weights, the state zero every `epoch` steps."""
    costs = []
    with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
        sess.run(model.init_op)
        state = CarriedState(sess, model)
        for step in range(steps):
            if epoch and step % epoch == 0:
                state.reset()
            costs.append(state.run(['cost:0', 'train_op'], batches[step % len(batches)])[0])
    return np.array(costs)


def variables(folder, checkpoint=None):
    """Every variable of a checkpoint by its name."""
    reader = tf.train.load_checkpoint(str(folder if checkpoint is None else folder / checkpoint))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
