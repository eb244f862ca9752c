#!/usr/bin/env python3
"""Measure what counting reaches without a network: linear models on reviews, Kneser-Ney and PPM on characters."""

import bz2
import functools
import lzma
import math
import os
import sys
import time
import zlib
from collections import Counter

try:
    import numpy as np

    from rnnbook import cli, datasets, hamlet
    from rnnbook.base.checks import counted
    from rnnbook.errors import ArgumentValueError
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

MIN_DF = 2
# The words of TF-IDF are those of scikit-learn: two or more letters or digits, in lower case. Those that are weighted
# may be shorter, and punctuation marks count.
TFIDF = {'sublinear_tf': True, 'min_df': MIN_DF}
BINARY = {'binary': True, 'min_df': MIN_DF, 'token_pattern': r'\w+|[^\w\s]', 'dtype': np.float32}
# Name, longest n-gram, whether n-grams are weighted, and the values of C to choose from.
LINEAR = [
    ('TF-IDF of words', 1, False, (10,)),
    ('TF-IDF of words and bigrams', 2, False, (10,)),
    ('NB-weighted words and bigrams', 2, True, (0.03, 0.1, 0.3, 1)),
    ('NB-weighted words, bigrams and trigrams', 3, True, (0.03, 0.1, 0.3, 1)),
]
ORDERS = range(2, 11)                                       # the characters of an n-gram; and PPM's
PPM_MEMORY = 2 ** 26                                        # bytes; Hamlet needs less, and more changes nothing


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    parts = parser.add_subparsers(dest='what', required=True, metavar='reviews|characters')
    for run, text in ((reviews, 'linear models of words and n-grams'), (characters, 'Kneser-Ney and compressors')):
        part = parts.add_parser(run.__name__, help=text, description=run.__doc__,
                                formatter_class=parser.formatter_class)
        part.set_defaults(run=run)
        if run is reviews:
            cli.add_review_flags(part)
        else:
            part.add_argument('--text', metavar='FILE', help='your own text; default: Hamlet')
            part.add_argument('--data-dir', metavar='DIR',
                              help='where to look for Hamlet; default: $RNNBOOK_DATA, else ./data')
    return parser.parse_args(argv)


def say(text):
    """Print what is being done, on standard error."""
    print(text, file=sys.stderr, flush=True)


# --------------------------------------------------------------------------------------------------------- reviews


def log_count_ratios(rows, labels):
    """The weight of each n-gram: the logarithm of how much likelier it is in positive reviews than in negative ones.

    Wang & Manning, Baselines and bigrams: simple, good sentiment and topic classification (2012), section 2.1.
    """
    p, q = (1 + np.asarray(rows[labels == label].sum(axis=0)).ravel() for label in (1, 0))
    return np.log(p / p.sum()) - np.log(q / q.sum())


def accuracies(x_train, y_train, x_test, y_test, longest, weighted, constants):
    """For each C, the accuracy on the test part of a model that has seen nothing but the training part."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    vectorizer = (CountVectorizer(ngram_range=(1, longest), **BINARY) if weighted else
                  TfidfVectorizer(ngram_range=(1, longest), **TFIDF))
    say('  counting in %d reviews' % len(x_train))
    try:
        train, test = vectorizer.fit_transform(x_train), vectorizer.transform(x_test)
        if weighted:
            ratios = log_count_ratios(train, y_train)
            train, test = train.multiply(ratios).tocsr(), test.multiply(ratios).tocsr()
        found = []
        for constant in constants:
            say('  fitting %d weights, C %g' % (train.shape[1], constant))
            model = LogisticRegression(C=constant, solver='liblinear', random_state=0).fit(train, y_train)
            found.append(np.mean(model.predict(test) == y_test))
    except ValueError as error:                             # no word twice, or one label only
        raise ArgumentValueError('the reviews to train on are too few: %s' % error) from error
    return found


def reviews(args):
    """Print the test accuracy of linear models of n-grams."""
    version = cli.require('sklearn', 'scikit-learn', 'baselines', 'scripts/results/baselines.py reviews').__version__
    say('reading the reviews')
    data, x_train, y_train, x_test, y_test = cli.review_halves(args)
    print('Data: %s, %s to train and %d to test' % (data, counted(len(x_train), 'review'), len(x_test)), flush=True)
    cut = len(x_train) - max(1, len(x_train) // 10)
    for name, longest, weighted, constants in LINEAR:
        say(name)
        C, chosen = constants[0], ''
        if len(constants) > 1:
            found = accuracies(x_train[:cut], y_train[:cut], x_train[cut:], y_train[cut:], longest, weighted, constants)
            C, chosen = constants[np.argmax(found)], ' by %.4f on the last tenth of the training half' % max(found)
        begin = time.process_time()
        reached, = accuracies(x_train, y_train, x_test, y_test, longest, weighted, [C])
        print('%s, logistic regression (%s, min_df %d, C %g%s, liblinear; scikit-learn %s): test accuracy %.4f on %d '
              'reviews of %s, %.1f seconds of CPU'
              % (name, 'binary' if weighted else 'sublinear_tf', MIN_DF, C, chosen, version, reached, len(x_test), data,
                 time.process_time() - begin), flush=True)


# ------------------------------------------------------------------------------------------------------- characters


class KneserNey:
    """Interpolated Kneser-Ney with three discounts for each length of n-gram.

    For a character c after the history h, with h' the history without its first character:

        P(c | h) = (n(hc) - D(n(hc)) + [the sum of D(n(hx)) over all x] P(c | h')) / n(h)

    n(hc) counts occurrences if hc has `order` characters; if it has fewer, the different characters seen before it.
    n(h) is the sum of n(hc) over c, and D(0) is 0. P(c | h') for the empty h is 1 / size, the size of the vocabulary.
    Kneser & Ney, Improved backing-off for m-gram language modeling (1995); Chen & Goodman, An empirical study of
    smoothing techniques for language modeling (1999), section 3.
    """

    def __init__(self, order, size):
        self.order, self.size = order, size
        self.counts = {}                                    # n(hc) by hc
        self.histories = {}                                 # by h: n(h); how many hx count 1, 2, and 3 or more
        self.discounts = None                               # by length: D(0), D(1), D(2), and D of 3 or more

    def suffixes(self, history):
        """The ends of the history, the empty one last, that have less than `order` characters."""
        return (history[start:] for start in range(max(0, len(history) - self.order + 1), len(history) + 1))

    def learn(self, history, char):
        """Count a character after its history."""
        for suffix in self.suffixes(history):
            count = self.counts.get(suffix + char, 0)
            self.counts[suffix + char] = count + 1
            seen = self.histories.setdefault(suffix, [0, 0, 0, 0])
            seen[0] += 1
            if count < 3:
                seen[count + 1] += 1
                seen[count] -= count > 0
            if count:                                       # what stands before the shorter n-gram has been counted
                break

    def estimate(self):
        """Set the discounts from how many n-grams count 1, 2, 3 and 4 (Chen & Goodman 1999, equation 26)."""
        self.discounts = []
        for length in range(1, self.order + 1):
            n = Counter(count for ngram, count in self.counts.items() if len(ngram) == length)
            y = n[1] / max(n[1] + 2 * n[2], 1)
            estimates = [k - (k + 1) * y * n[k + 1] / max(n[k], 1) for k in (1, 2, 3)]
            self.discounts.append([0] + [min(max(d, 0.1), k) for k, d in enumerate(estimates, 1)])  # for short texts

    def probability(self, history, char):
        """P(char | history)."""
        probability = 1 / self.size
        for suffix in reversed(list(self.suffixes(history))):
            if suffix not in self.histories:
                break
            total, *seen = self.histories[suffix]
            count = self.counts.get(suffix + char, 0)
            discounts = self.discounts[len(suffix)]
            left = sum(discount * number for discount, number in zip(discounts[1:], seen))
            probability = (count - discounts[min(count, 3)] + left * probability) / total
        return probability

    def bits(self, text, start, learns):
        """Bits per character of a text from `start` on, measured as `CharRNN.evaluate` does: all but the first there.

        A model that learns while it reads counts each character after predicting it, and knows what stands before
        `start`.
        """
        nats = 0
        for place in range(start, len(text)):
            history = text[max(place - self.order + 1, 0 if learns else start):place]
            if place > start:
                nats -= math.log(self.probability(history, text[place]))
            if learns:
                self.learn(history, text[place])
        return nats / (len(text) - start - 1) / math.log(2)


def kneser_ney_bits(text, start, order, size):
    """Bits per character from `start` on of a model trained on what stands before: as it is, and learning on."""
    model = KneserNey(order, size)
    for place in range(start):
        model.learn(text[max(place - order + 1, 0):place], text[place])
    model.estimate()
    return model.bits(text, start, False), model.bits(text, start, True)


def compressed_bits(compress, text, start):
    """Bits per character from `start` on by what they add to the size of the compressed text; without the first."""
    sizes = [len(compress(part.encode())) for part in (text[:start + 1], text)]
    return 8 * (sizes[1] - sizes[0]) / (len(text) - start - 1)


def characters(args):
    """Print bits per character: on the tenth before the last, which chooses the orders, and on the last tenth."""
    ppmd = cli.require('pyppmd', 'pyppmd', 'baselines', 'scripts/results/baselines.py characters')
    path = datasets.fetch_hamlet(args.data_dir) if args.text is None else args.text
    text = hamlet.load_text(path)
    tenth, size = len(text) // 10, len(set(text))
    if tenth < 2:
        raise ArgumentValueError('--text must have at least 20 characters, not %d' % len(text))
    print('Data: %s, %d characters, %d of them distinct' % (datasets.describe(path), len(text), size), flush=True)
    before, last = (text[:-tenth], len(text) - 2 * tenth), (text, len(text) - tenth)

    def row(name, bits, begin):
        print('%s: %.4f bits per character on the tenth before the last, %.4f on the last tenth, %.1f seconds of CPU'
              % (name, *bits, time.process_time() - begin), flush=True)

    found = {}
    for order in ORDERS:
        say('Kneser-Ney, order %d' % order)
        found[order] = kneser_ney_bits(*before, order, size)
    order, begin = min(found, key=found.get), time.process_time()
    for name, *bits in zip(('', ', learning while reading'), found[order], kneser_ney_bits(*last, order, size)):
        row('Kneser-Ney, order %d%s' % (order, name), bits, begin)

    def ppm(order):
        return functools.partial(ppmd.compress, max_order=order, mem_size=PPM_MEMORY)

    order = min(ORDERS, key=lambda order: compressed_bits(ppm(order), *before))
    for name, compress in (('PPMd (pyppmd %s), order %d' % (ppmd.__version__, order), ppm(order)),
                           ('lzma', functools.partial(lzma.compress, preset=9 | lzma.PRESET_EXTREME)),
                           ('bz2', bz2.compress), ('zlib', functools.partial(zlib.compress, level=9))):
        begin = time.process_time()
        row(name + ', learning while reading', [compressed_bits(compress, *part) for part in (before, last)], begin)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    args.run(args)


if __name__ == '__main__':
    sys.exit(main())
