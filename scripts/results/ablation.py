#!/usr/bin/env python3
"""Print what single settings of the review model bring, with several seeds: each alone beside the chapter's, or, with
--preset best, what is lost where each alone is the chapter's again."""

import csv
import os
import re
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np

    from rnnbook import cli
    from rnnbook.base.bar import show_bar
    from rnnbook.base.checks import check_int
    from rnnbook.errors import ArgumentValueError, RnnbookError
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
#: What each row adds to the first one of its preset.
SETTINGS = {
    'book': {
        "the chapter's model": [],
        'rows shuffled': ['--shuffle'],
        'vocabulary': ['--min-count', '5', '--unknown', '--drop-markup', '--training-half'],
        'embed_init 0.05': ['--embed-init', '0.05'],
        'embed_keep_prob 0.5': ['--embed-keep-prob', '0.5'],
        'span_keep_prob 0.5': ['--span-keep-prob', '0.5'],
        'grad_clip 5': ['--grad-clip', '5'],
        'lazy_adam': ['--optimizer', 'lazy_adam'],
        'decay 0.5': ['--decay', '0.5'],
        'pooling mean': ['--pooling', 'mean'],
        'pooling max': ['--pooling', 'max'],
        'pooling meanmax': ['--pooling', 'meanmax'],
        'bidirectional': ['--bidirectional'],
        'seq_len 400': ['--seq-len', '400'],
    },
    'best': {
        'the preset': [],
        'rows in order': ['--shuffle', 'no'],
        "the chapter's vocabulary": ['--min-count', '1', '--unknown', 'no', '--drop-markup', 'no', '--training-half',
                                     'no'],
        'embed_init 1': ['--embed-init', '1'],
        'embed_keep_prob 1': ['--embed-keep-prob', '1'],
        'span_keep_prob 1': ['--span-keep-prob', '1'],
        'grad_clip 1e9': ['--grad-clip', '1e9'],
        'adam': ['--optimizer', 'adam'],
        'decay 1': ['--decay', '1'],
        'pooling last': ['--pooling', 'last'],
        'pooling mean': ['--pooling', 'mean'],
        'pooling max': ['--pooling', 'max'],
        'one direction': ['--bidirectional', 'no'],
        'seq_len 200': ['--seq-len', '200'],
    },
}
#: What all rows of a preset have.
COMMON = {'book': ['--engine', 'fused', '--epochs', '4'], 'best': ['--preset', 'best']}
EPILOG = 'Rows to choose from: ' + '; '.join(
    'with --preset %s, %s' % (preset, ', '.join('%s (%s)' % (name, ' '.join(flags) or 'no flag')
                                                for name, flags in rows.items())) for preset, rows in SETTINGS.items())


class RunFailed(RnnbookError, RuntimeError):
    """A training ended with an error."""


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog=EPILOG)
    parser.add_argument('--preset', choices=list(SETTINGS), default='book', help='the run that the rows start from')
    cli.add_review_flags(parser)
    parser.add_argument('--epochs', type=int, metavar='N', help='passes over nine tenths of the training half; the '
                        "tenth chooses among them; None is 4, or with --preset best the preset's own")
    parser.add_argument('--seeds', default='1,2,3', metavar='N,N', help='of the runs of each row')
    parser.add_argument('--rows', metavar='NAME,NAME', help='take these rows only; None is all')
    args = parser.parse_args(argv)
    if not re.match(r'\d+(,\d+)*$', args.seeds):
        raise ArgumentValueError('--seeds must be numbers with commas between them, such as 1,2,3, not %r' % args.seeds)
    if args.epochs is not None:
        check_int('--epochs', args.epochs)
    return args


def chosen(preset, rows):
    """The rows that were asked for: name to flags."""
    there = SETTINGS[preset]
    names = list(there) if rows is None else rows.split(',')
    for name in names:
        if name not in there:
            raise ArgumentValueError('--rows must be among %s with --preset %s, not %r'
                                     % (', '.join(there), preset, name))
    return {name: there[name] for name in names}


def train(flags, seed, args):
    """The validation accuracy, the test accuracy and the seconds of one run."""
    more = [text for name in ('csv', 'data_dir', 'limit', 'epochs') if getattr(args, name) is not None
            for text in ('--' + name.replace('_', '-'), str(getattr(args, name)))]
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, 'model')
        command = [sys.executable, os.path.join(SCRIPTS, 'train_sentiment.py'),
                   *COMMON[args.preset], '--seed', str(seed),
                   '--validation', '0.1', '--keep-best', '--save-every', '0', '--quiet', '--ckpt-dir', folder, *flags,
                   *more]
        begin = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        seconds = time.monotonic() - begin
        if done.returncode:
            raise RunFailed('%s ended with %d: %s' % (' '.join(command), done.returncode, done.stderr.strip()[-300:]))
        with open(os.path.join(folder, 'history.csv'), newline='') as file:
            validation = max(float(row['val_accuracy']) for row in csv.DictReader(file))
    return [validation, float(re.search(r'Test Acc\.: (\d\.\d+)', done.stdout).group(1)), seconds]


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    rows, seeds = chosen(args.preset, args.rows), [int(seed) for seed in args.seeds.split(',')]
    runs = [(name, seed) for name in rows for seed in seeds]
    found = {}
    print('| setting | validation | test, mean | test, range | seconds a run |\n|---|---|---|---|---|', flush=True)
    for name, seed in show_bar(runs, len(runs), 'Training'):
        found.setdefault(name, []).append(train(rows[name], seed, args))
        if seed == seeds[-1]:
            validation, test, seconds = np.array(found[name]).T
            print('| %s | %.3f | %.3f | %.3f to %.3f | %.0f |' % (name, validation.mean(), test.mean(), test.min(),
                                                                  test.max(), seconds.mean()), flush=True)


if __name__ == '__main__':
    sys.exit(main())
