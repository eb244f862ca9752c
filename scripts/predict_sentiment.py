#!/usr/bin/env python3
"""Classify reviews with a trained model: label, probability of the label 1, and the text, one review a line."""

from __future__ import print_function      # so that Python 2 gets to the line below

import csv
import json
import os
import re
import sys

try:
    import types

    import numpy as np

    import rnnbook
    from rnnbook import cli, imdb
    from rnnbook.base.files import check_path
    from rnnbook.errors import ArgumentValueError, FileError
    from rnnbook.preprocessing.review_csv import ReviewFile
    from rnnbook.preprocessing.text_blocks import decode, read_blocks
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

FIELDS = ('label', 'probability', 'unknown_words', 'text')


MAX_CHARACTERS = 2 ** 30


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='Words that the model has not seen are left out; unknown_words counts them (of '
                        'several models, the first).')
    parser.add_argument('texts', nargs='*', metavar='TEXT', help='a review; without any, standard input is read')
    parser.add_argument('--text', action='append', metavar='TEXT',
                        help='a review; may be given several times')
    parser.add_argument('--file', metavar='FILE', help='a text file with one review a line')
    parser.add_argument('--csv', metavar='FILE', help='a table with a column of reviews, as train_sentiment.py reads '
                        'it; its rows are printed with the columns label and probability added')
    cli.add_flags(parser, imdb.CsvLayout, {}, skip=('label_column', 'positive', 'shuffle_rows'))
    parser.add_argument('--ckpt-dir', action='append', metavar='DIR', help='the folder of the model, ./model/ if none '
                        'is given; several give the mean of their probabilities')
    parser.add_argument('--checkpoint', metavar='NAME', help='a checkpoint in the folder; default: the newest')
    parser.add_argument('--format', choices=('text', 'csv', 'json'), help='how reviews are printed that come from no '
                        'table: text, the default; csv, with a header; json, one object a line')
    cli.add_device_flag(parser)
    args = parser.parse_args(argv)
    given = [name for name in ('texts', 'text', 'file', 'csv') if getattr(args, name) not in (None, [])]
    if len(given) > 1 and given != ['texts', 'text']:
        raise ArgumentValueError('give only one of TEXT, --file and --csv')
    if args.csv is not None and args.format is not None:
        raise ArgumentValueError('give --format or --csv, which keeps the form of its file, not both')
    if '' in args.texts + (args.text or []):
        raise ArgumentValueError('--text must be a review, not empty')
    return args


def read_texts(args):
    """The reviews of the command line, of a file or of standard input."""
    if args.texts or args.text:
        return args.texts + (args.text or [])
    if args.file is not None:
        path = check_path('--file', args.file)
        if re.search(r'\.[ct]sv(\.\w+)?$', path.lower()):
            raise ArgumentValueError('--file reads one review a line, and %s is a table; give it with --csv' % path)
        return split_lines(path, read_blocks(path, args.encoding, fold=False))
    if sys.stdin is None:
        raise ArgumentValueError('no review is given, and standard input is closed')
    if sys.stdin.isatty():
        print('reviews from standard input, one a line; Ctrl-D ends', file=sys.stderr)
    return split_lines('standard input', decode('standard input', sys.stdin.buffer, args.encoding, fold=False))


def split_lines(name, blocks):
    r"""One review a line; only `\n` and `\r\n` end one."""
    found, characters = [], 0
    for text in blocks:
        characters += len(text)
        if '\0' in text:
            raise FileError('%s has a NUL character; it is no text' % name)
        if characters > MAX_CHARACTERS:
            raise FileError('%s has more than %d characters, the most that is read at once' % (name, MAX_CHARACTERS))
        found.append(text)
    lines = ''.join(found).replace('\r\n', '\n').split('\n')
    return lines[:-1] if not lines[-1] else lines


def table_writer(separator):
    r"""A writer of tables to standard output. It puts `\r` in quotes, too, as the end of a line."""
    out = types.SimpleNamespace(write=lambda line: sys.stdout.write(line[:-2] + '\n'))
    return csv.writer(out, delimiter=separator, lineterminator='\r\n')


def write(rows, form):
    """Print the rows, each with the values of `FIELDS`."""
    if form == 'csv':
        table_writer(',').writerows([FIELDS] + rows)
        return
    for row in rows:
        print(json.dumps(dict(zip(FIELDS, row))) if form == 'json' else '%d %.4f %s' % (row[0], row[1], row[3]))


def write_table(file, frames, labels, probabilities):
    """Print the rows of a table with two more columns."""
    writer, found = table_writer(file.separator), zip(labels, probabilities)
    if not file.layout.no_header:
        taken = [name.strip().lower() for name in file.header]
        writer.writerow(file.header + ['predicted_' * (name in taken) + name for name in FIELDS[:2]])
    for frame in frames:
        writer.writerows(row + list(next(found)) for row in frame.values.tolist())


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    if args.csv is not None:
        file = ReviewFile(check_path('--csv', args.csv), imdb.CsvLayout(**cli.review_layout(args)), labelled=False)
        frames = list(file.frames())
        texts = [text for frame in frames for text in frame.iloc[:, file.columns[0]]]
    else:
        texts = read_texts(args)
    for folder in args.ckpt_dir or ['./model/']:
        cli.check_model_folder(folder, 'SentimentRNN')
    models = [rnnbook.SentimentRNN.load(folder, device=args.device) for folder in args.ckpt_dir or ['./model/']]
    found = [rnn.predict_text(texts, checkpoint=args.checkpoint, return_unknown=True) for rnn in models]
    probabilities = np.mean([given for given, _ in found], axis=0)
    unknown, labels = found[0][1], probabilities.round().astype(int).tolist()
    probabilities = [round(float(p), 6) for p in probabilities]
    if args.csv is not None:
        write_table(file, frames, labels, probabilities)
    else:
        write(list(zip(labels, probabilities, unknown.tolist(), texts)), args.format)
    cli.say_unknown(unknown, models[0].vocabulary)


if __name__ == '__main__':
    sys.exit(main())
