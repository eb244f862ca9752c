#!/usr/bin/env python3
"""Train the review model of the chapter, and print its accuracy on the test half."""

import sys

import numpy as np

import rnnbook
from rnnbook import cli, datasets, imdb


def arguments(argv):
    """Parse the command line."""
    run = rnnbook.sentiment.BOOK_RUN
    parser = cli.parser(__doc__ + ' The defaults are the run that the chapter prints.')
    data = parser.add_argument_group('data')
    data.add_argument('--csv', metavar='FILE', help='reviews of your own: a UTF-8 CSV with the columns review and '
                      'sentiment (0 or 1); its first half trains, the rest tests')
    data.add_argument('--data-dir', metavar='DIR', help='where the IMDb reviews are looked for; None is $RNNBOOK_DATA, '
                      'else ./data')
    data.add_argument('--limit', type=int, metavar='N', help='take the first N reviews of each half only')
    model = cli.add_model_flags(parser, rnnbook.SentimentRNN, run)
    fields = cli.add_run_flags(parser, run['num_epochs'], './model/', save_every=10, log_every=20)
    parser.add_argument('--keep-prob', type=float, default=0.5, metavar='X',
                        help='the probability that dropout keeps an output while training')
    args = parser.parse_args(argv)
    return args, cli.chosen(args, model), cli.chosen(args, fields)


def halves(csv, limit):
    """The texts and labels to train and to test on."""
    x_train, y_train, x_test, y_test = imdb.split_halves(*imdb.load_reviews(csv))
    if limit is not None:
        limit = rnnbook.errors.check_int('--limit', limit)
        x_train, y_train, x_test, y_test = x_train[:limit], y_train[:limit], x_test[:limit], y_test[:limit]
    return x_train, y_train, x_test, y_test


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args, model, run = arguments(argv)
    cli.check_flags(lambda: rnnbook.SentimentRNN(n_words=1, **model), args.epochs, run)
    csv = args.csv or datasets.fetch_imdb(args.data_dir)
    x_train, y_train, x_test, y_test = halves(csv, args.limit)
    print('Data: %s, %d reviews to train and %d to test' % (datasets.describe(csv), len(x_train), len(x_test)))

    mapped, word_to_int = imdb.index_reviews(x_train + x_test)
    sequences = imdb.fixed_length(mapped, model['seq_len'])
    rnn = rnnbook.SentimentRNN(n_words=len(word_to_int) + 1, **model)
    with cli.StopOnSignal() as stop:
        rnn.train(sequences[:len(x_train)], y_train, args.epochs, ckpt_dir=args.ckpt_dir, keep_prob=args.keep_prob,
                  vocabulary=word_to_int, stop=stop, **run)
    print('Model saved in %s' % rnn.ckpt_dir)
    if stop():
        return stop.status
    predictions = rnn.predict(sequences[len(x_train):])
    print('Test Acc.: %.3f on %d reviews of %s' % (np.mean(predictions == y_test), len(y_test), datasets.describe(csv)))


if __name__ == '__main__':
    sys.exit(main())
