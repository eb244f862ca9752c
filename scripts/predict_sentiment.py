#!/usr/bin/env python3
"""Classify reviews with a trained model: label, probability of the label 1, and the text, one review a line."""

import csv
import json
import sys

import numpy as np

import rnnbook
from rnnbook import cli
from rnnbook.base import files
from rnnbook.errors import ArgumentValueError

FIELDS = ('label', 'probability', 'unknown_words', 'text')


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='Words that the model has not seen are left out; unknown_words counts them (of '
                        'several models, the first).')
    parser.add_argument('texts', nargs='*', metavar='TEXT', help='a review; none at all reads standard input')
    parser.add_argument('--text', action='append', default=[], metavar='TEXT',
                        help='a review; may be given several times')
    parser.add_argument('--file', metavar='FILE', help='a UTF-8 file with one review a line')
    parser.add_argument('--ckpt-dir', action='append', metavar='DIR', help='the folder of the model, ./model/ where '
                        'none is given; several give the mean of their probabilities')
    parser.add_argument('--checkpoint', metavar='NAME', help='a checkpoint in the folder; None is the newest')
    parser.add_argument('--format', choices=('text', 'csv', 'json'), default='text',
                        help='csv has a header; json is an object a line')
    cli.add_device_flag(parser)
    return parser.parse_args(argv)


def read_texts(args):
    """The reviews, from wherever they are to come from."""
    texts = args.texts + args.text
    if texts and args.file:
        raise ArgumentValueError('give TEXT or --file, not both')
    if texts:
        return texts
    if args.file:
        return files.read_text(args.file).splitlines()
    if sys.stdin.isatty():
        print('reviews from standard input, one a line; Ctrl-D ends', file=sys.stderr)
    return sys.stdin.read().splitlines()


def write(rows, form):
    """Print the rows, each with the values of `FIELDS`."""
    if form == 'csv':
        writer = csv.writer(sys.stdout, lineterminator='\n')
        writer.writerows([FIELDS] + rows)
    for row in rows:
        if form == 'json':
            print(json.dumps(dict(zip(FIELDS, row))))
        elif form == 'text':
            print('%d %.4f %s' % (row[0], row[1], row[3]))


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    texts = read_texts(args)
    for folder in args.ckpt_dir or ['./model/']:
        cli.check_model_folder(folder, 'SentimentRNN')
    models = [rnnbook.SentimentRNN.load(folder, device=args.device) for folder in args.ckpt_dir or ['./model/']]
    found = [rnn.predict_text(texts, checkpoint=args.checkpoint, return_unknown=True) for rnn in models]
    probabilities = np.mean([given for given, _ in found], axis=0)
    unknown, labels = found[0][1], probabilities.round().astype(int).tolist()
    write(list(zip(labels, [round(float(p), 6) for p in probabilities], unknown.tolist(), texts)), args.format)
    cli.say_unknown(unknown, models[0].vocabulary)


if __name__ == '__main__':
    sys.exit(main())
