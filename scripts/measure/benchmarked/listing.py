#!/usr/bin/env python3
"""The side of the chapter's listing in `scripts/benchmark.py`: plain TensorFlow and plain Python, nothing of ours.

The same calls in the same order and with the same defaults as the chapter's, written anew: `dynamic_rnn` with its
default of 32 parallel iterations, a session without settings, the state fed and fetched by `feed_dict`. Only the lines
that print and the progress bars are left out. TensorFlow is imported where it is needed, so that the memory of the
preprocessing is its own.
"""

import collections
import string

import clock
import numpy as np

Model = collections.namedtuple('Model', 'g initial_state final_state saver init_op')
SEED = 123


def tensorflow():
    """TensorFlow, without its chatter."""
    from rnnbook.network.devices import tf
    return tf


# ---------------------------------------------------------------------------------------------------------- graphs

def _recurrent(tf, inputs, batch_size, lstm_size, num_layers, keep_prob):
    """Outputs, zero state and final state of the chapter's layers."""
    cells = tf.contrib.rnn.MultiRNNCell([
        tf.contrib.rnn.DropoutWrapper(tf.contrib.rnn.BasicLSTMCell(lstm_size), output_keep_prob=keep_prob)
        for _ in range(num_layers)])
    zero = cells.zero_state(batch_size, tf.float32)
    outputs, final = tf.nn.dynamic_rnn(cells, inputs, initial_state=zero)
    return outputs, zero, final


def review_model(n_words, seq_len, lstm_size, num_layers, batch_size, learning_rate, embed_size):
    """The graph of the reviews."""
    tf = tensorflow()
    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.set_random_seed(SEED)
        x = tf.compat.v1.placeholder(tf.int32, (batch_size, seq_len), name='tf_x')
        y = tf.compat.v1.placeholder(tf.float32, (batch_size,), name='tf_y')
        keep_prob = tf.compat.v1.placeholder(tf.float32, name='tf_keepprob')
        table = tf.Variable(tf.random.uniform((n_words, embed_size), -1, 1), name='embedding')
        outputs, zero, final = _recurrent(tf, tf.nn.embedding_lookup(table, x), batch_size, lstm_size, num_layers,
                                          keep_prob)
        logits = tf.squeeze(tf.compat.v1.layers.dense(outputs[:, -1], 1, name='logits'))
        tf.cast(tf.round(tf.nn.sigmoid(logits, name='probabilities')), tf.int32, name='labels')
        cost = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits), name='cost')
        tf.compat.v1.train.AdamOptimizer(learning_rate).minimize(cost, name='train_op')
        return Model(graph, zero, final, tf.compat.v1.train.Saver(), tf.compat.v1.global_variables_initializer())


def char_model(num_classes, batch_size, num_steps, lstm_size, num_layers, learning_rate, grad_clip):
    """The graph of the characters; for sampling, with 1 for `batch_size` and `num_steps`."""
    tf = tensorflow()
    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.set_random_seed(SEED)
        x = tf.compat.v1.placeholder(tf.int32, (batch_size, num_steps), name='tf_x')
        y = tf.compat.v1.placeholder(tf.int32, (batch_size, num_steps), name='tf_y')
        keep_prob = tf.compat.v1.placeholder(tf.float32, name='tf_keepprob')
        one_hot, following = tf.one_hot(x, num_classes), tf.one_hot(y, num_classes)
        outputs, zero, final = _recurrent(tf, one_hot, batch_size, lstm_size, num_layers, keep_prob)
        logits = tf.compat.v1.layers.dense(tf.reshape(outputs, (-1, lstm_size)), num_classes, name='logits')
        tf.nn.softmax(logits, name='probabilities')
        cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(
            logits=logits, labels=tf.reshape(following, (-1, num_classes))), name='cost')
        variables = tf.compat.v1.trainable_variables()
        gradients, _ = tf.clip_by_global_norm(tf.gradients(cost, variables), grad_clip)
        tf.compat.v1.train.AdamOptimizer(learning_rate).apply_gradients(zip(gradients, variables), name='train_op')
        return Model(graph, zero, final, tf.compat.v1.train.Saver(), tf.compat.v1.global_variables_initializer())


# -------------------------------------------------------------------------------------------------------- training

def training(model, epoch, keep_prob):
    """Train without end, a step each time; the loss of each.

    Parameters
    ----------
    model : Model
    epoch : callable
        Gives the pairs of x and y of one epoch.
    keep_prob : float
    """
    with tensorflow().compat.v1.Session(graph=model.g) as sess:
        sess.run(model.init_op)
        while True:
            state = sess.run(model.initial_state)
            for x, y in epoch():
                loss, _, state = sess.run(
                    ['cost:0', 'train_op', model.final_state],
                    feed_dict={'tf_x:0': x, 'tf_y:0': y, 'tf_keepprob:0': keep_prob, model.initial_state: state})
                yield loss


def review_step(job):
    """Training steps on reviews."""
    with np.load(job['data'], allow_pickle=False) as data:
        x, y = data['x'], data['y']
    size = job['model']['batch_size']

    def epoch():
        for start in range(0, len(x) - size + 1, size):
            yield x[start:start + size], y[start:start + size]

    return 1, training(review_model(**job['model']), epoch, job['keep_prob'])


def char_step(job):
    """Training steps on characters."""
    with np.load(job['data'], allow_pickle=False) as data:
        x, y = data['x'], data['y']
    width = job['model']['num_steps']

    def epoch():
        for start in range(0, x.shape[1] - width + 1, width):
            yield x[:, start:start + width], y[:, start:start + width]

    return 1, training(char_model(**job['model']), epoch, job['keep_prob'])


# -------------------------------------------------------------------------------------- prediction and sampling

def predicting(sess, model, x, size):
    """The labels of each whole batch in turn."""
    state = sess.run(model.initial_state)
    for start in range(0, len(x) - size + 1, size):
        labels, state = sess.run(
            ['labels:0', model.final_state],
            feed_dict={'tf_x:0': x[start:start + size], 'tf_keepprob:0': 1.0, model.initial_state: state})
        yield labels


def _rows(job):
    with np.load(job['data'], allow_pickle=False) as data:
        return data['x'][:job['rows']]


def review_predict(job):
    """Batches of reviews, the graph built and the weights restored before."""
    model, x, size = review_model(**job['model']), _rows(job), job['model']['batch_size']

    def work():
        with tensorflow().compat.v1.Session(graph=model.g) as sess:
            model.saver.restore(sess, job['checkpoint'])
            while True:
                yield from predicting(sess, model, x, size)

    return size, work()


def review_predict_call(job):
    """The whole of `predict`: session, restoring, all rows."""
    model, x, size = review_model(**job['model']), _rows(job), job['model']['batch_size']

    def work():
        while True:
            with tensorflow().compat.v1.Session(graph=model.g) as sess:
                model.saver.restore(sess, job['checkpoint'])
                yield np.concatenate(list(predicting(sess, model, x, size)))

    return len(x), work()


def draw(probas, size, top_n=5):
    """One of the `top_n` likeliest numbers."""
    p = np.squeeze(probas)
    p[np.argsort(p)[:-top_n]] = 0.0
    return np.random.choice(size, 1, p=p / np.sum(p))[0]


def sample(model, checkpoint, length, starter, chars):
    """The whole of `sample`: session, restoring, one run of the session for each character."""
    number = {char: i for i, char in enumerate(chars)}
    with tensorflow().compat.v1.Session(graph=model.g) as sess:
        model.saver.restore(sess, checkpoint)
        state, x, text = sess.run(model.initial_state), np.zeros((1, 1)), list(starter)

        def following(char):
            x[0, 0] = number[char]
            return sess.run(['probabilities:0', model.final_state],
                            feed_dict={'tf_x:0': x, 'tf_keepprob:0': 1.0, model.initial_state: state})

        for char in starter:
            probas, state = following(char)
        text.append(chars[draw(probas, len(chars))])
        for _ in range(length):
            probas, state = following(text[-1])
            text.append(chars[draw(probas, len(chars))])
    return ''.join(text)


def sampling(job):
    """Calls of `sample`."""
    model = char_model(**dict(job['model'], batch_size=1, num_steps=1))

    def work():
        while True:
            yield sample(model, job['checkpoint'], job['characters'], job['starter'], job['chars'])

    return job['characters'], work()


# --------------------------------------------------------------------------------------------------- preprocessing

def words_to_rows(reviews, length):
    """The two cells of the chapter: counting and numbering, then rows of one length.

    The chapter writes each separated review back into its data frame, which takes longer; a list does here.
    """
    counts, texts = collections.Counter(), []
    for review in reviews:
        text = ''.join([' ' + c + ' ' if c in string.punctuation else c for c in review]).lower()
        texts.append(text)
        counts.update(text.split())
    word_to_int = {word: number for number, word in enumerate(sorted(counts, key=counts.get, reverse=True), 1)}
    mapped = [[word_to_int[word] for word in text.split()] for text in texts]

    rows = np.zeros((len(mapped), length), dtype=int)
    for i, numbers in enumerate(mapped):
        rows[i, -len(numbers):] = np.array(numbers)[-length:]
    return rows, word_to_int


def preprocess(job):
    """From the CSV to the rows."""
    import pandas

    def work():
        while True:
            yield words_to_rows(pandas.read_csv(job['csv'], encoding='utf-8')['review'], job['sequence_length'])

    return 1, work()


CASES = {'review-step': review_step, 'char-step': char_step, 'review-predict': review_predict,
         'review-predict-call': review_predict_call, 'sample': sampling, 'preprocess': preprocess}

if __name__ == '__main__':
    clock.turns(CASES)
