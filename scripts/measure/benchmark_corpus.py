#!/usr/bin/env python3
"""Measure texts larger than a play: the speed and memory of encoding and of training."""

import os
import subprocess
import sys
import tempfile

try:
    from benchmarked import processes
    from rnnbook import cli, datasets
    from rnnbook.base.checks import check_int, check_number
    from rnnbook.errors import ArgumentValueError, RnnbookError
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

HERE = os.path.dirname(os.path.abspath(__file__))
#: Training steps of the process whose memory is measured.
STEPS = 30


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='make_corpus.py writes the texts into a temporary folder, which needs twice '
                        'their size on disk.')
    parser.add_argument('--megabytes', default='10,100,1000', metavar='X,X', help='sizes of the texts')
    parser.add_argument('--steps', type=int, default=20, metavar='N', help='training steps in a turn')
    parser.add_argument('--turns', type=int, default=6, metavar='N', help='turns for each text')
    parser.add_argument('--data-dir', metavar='DIR', help='where to look for Hamlet; default: $RNNBOOK_DATA, else '
                        './data')
    args = parser.parse_args(argv)
    check_int('--steps', args.steps)
    check_int('--turns', args.turns)
    try:
        args.megabytes = [check_number('--megabytes', float(size), above=0) for size in args.megabytes.split(',')]
    except ValueError as error:
        if isinstance(error, RnnbookError):
            raise
        raise ArgumentValueError('--megabytes must be numbers with commas between them, such as 10,100, not %r'
                                 % args.megabytes) from error
    return args


def make(path, megabytes):
    """Write a text of this size."""
    subprocess.run([sys.executable, os.path.join(HERE, 'make_corpus.py'), path, '--megabytes', str(megabytes)],
                   stdout=subprocess.DEVNULL, check=True)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    texts = {'Hamlet': os.path.abspath(datasets.fetch_hamlet(args.data_dir))}
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in args.megabytes:
            name = '%g MB' % megabytes
            texts[name] = os.path.join(folder, name + '.txt')
            make(texts[name], megabytes)
        numbers = {name: os.path.join(folder, name + '.npy') for name in texts}
        encoded = {name: processes.run('large', {'case': 'encode', 'text': path, 'numbers': numbers[name]})
                   for name, path in texts.items()}
        classes = max(found['classes'] for found in encoded.values())
        memory = {name: processes.run('large', {'case': 'train', 'numbers': path, 'classes': classes, 'steps': STEPS})
                  for name, path in numbers.items()}
        seconds = processes.run('large', {'case': 'steps', 'numbers': list(numbers.values()), 'classes': classes,
                                          'steps': args.steps, 'turns': args.turns})['seconds']
    print('| text | characters | encoded, MB a second | its peak memory, MB | memory of training, MB | '
          'a training step, ms | against Hamlet |\n|---|---|---|---|---|---|---|')
    for (name, found), step in zip(encoded.items(), seconds):
        print('| %s | %d | %.1f | %.0f | %.0f | %.1f | %.3f |' % (
            name, found['characters'], found['megabytes_per_second'], found['peak_bytes'] / 1e6,
            memory[name]['own_bytes'] / 1e6, 1000 * step, step / seconds[0]))


if __name__ == '__main__':
    sys.exit(main())
