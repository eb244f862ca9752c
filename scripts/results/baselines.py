#!/usr/bin/env python3
"""Test what a reader would try first instead of a network: linear models of TF-IDF, on the chapter's split."""

import os
import sys
import time

try:
    import numpy as np

    from rnnbook import cli
    from rnnbook.base.checks import counted
    from rnnbook.errors import ArgumentValueError
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

# The words that one model counts are those of scikit-learn: two or more letters or digits, in lower case.
BASELINES = [
    ('TF-IDF of words, logistic regression', (1, 1)),
    ('TF-IDF of words and bigrams, logistic regression', (1, 2)),
]
MIN_DF = 2
C = 10


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    cli.add_review_flags(parser)
    return parser.parse_args(argv)


def say(text):
    """Print what is being done, on standard error."""
    print(text, file=sys.stderr, flush=True)


def accuracy(x_train, y_train, x_test, y_test, ngrams):
    """The accuracy on the test half of a model that has seen nothing but the training half, vocabulary included."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    vectorizer = TfidfVectorizer(ngram_range=ngrams, sublinear_tf=True, min_df=MIN_DF)
    model = LogisticRegression(C=C, solver='liblinear', random_state=0)
    say('  counting in %d reviews' % len(x_train))
    try:
        rows = vectorizer.fit_transform(x_train)
        say('  fitting %d weights' % rows.shape[1])
        model.fit(rows, y_train)
    except ValueError as error:                             # no word twice, or one label only
        raise ArgumentValueError('the reviews to train on are too few: %s' % error) from error
    say('  testing on %d reviews' % len(x_test))
    return np.mean(model.predict(vectorizer.transform(x_test)) == y_test)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    version = cli.require('sklearn', 'scikit-learn', 'baselines', 'scripts/results/baselines.py').__version__
    say('reading the reviews')
    data, *halves = cli.review_halves(args)
    print('Data: %s, %s to train and %d to test' % (data, counted(len(halves[0]), 'review'), len(halves[2])),
          flush=True)
    for name, ngrams in BASELINES:
        say(name)
        begin = time.perf_counter()
        reached = accuracy(*halves, ngrams)
        print('%s (sublinear_tf, min_df %d, C %g, liblinear; scikit-learn %s): test accuracy %.4f on %d reviews of %s, '
              '%.1f seconds' % (name, MIN_DF, C, version, reached, len(halves[2]), data, time.perf_counter() - begin),
              flush=True)


if __name__ == '__main__':
    sys.exit(main())
