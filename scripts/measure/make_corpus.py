#!/usr/bin/env python3
"""Write a made-up text of any size from a seed, to measure time and memory with, not to read."""

import os
import sys

try:
    import numpy as np

    from rnnbook import cli
    from rnnbook.base import files
    from rnnbook.base.bar import show_bar
    from rnnbook.base.checks import check_int, check_number
    from rnnbook.errors import ArgumentValueError
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

SYLLABLES = ('ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu za \u00e9 an en in on un ar er or '
             'st th sh ch \u00e4 \u00f1o').split()
#: The number of different words, and of words written at a time.
WORDS = 20000
BLOCK = 2 ** 17


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='The same size and seed give the same bytes, on any machine.')
    parser.add_argument('out', metavar='FILE', help='the file to write, UTF-8')
    parser.add_argument('--megabytes', type=float, default=1.0, metavar='X', help='its size, in millions of bytes')
    parser.add_argument('--seed', type=int, default=123, metavar='N', help='seed of the random numbers')
    return parser.parse_args(argv)


def make_words(draw):
    """The words, each followed by a space, or by punctuation, or by the end of a line."""
    words = []
    for _ in range(WORDS):
        word = ''.join(SYLLABLES[number] for number in draw.randint(len(SYLLABLES), size=draw.randint(1, 5)))
        end = draw.random_sample()
        if end < 0.1:
            word = word.capitalize()
        words.append((word + (', ' if end > 0.95 else '.\n' if end > 0.88 else ' ')).encode('utf-8'))
    return words


def blocks(size, seed):
    """The text in blocks of bytes, `size` in total; line ends take the place of a character that does not fit."""
    draw = np.random.RandomState(seed)
    words = make_words(draw)
    left = size
    while left:
        # Zipf's law: the frequency of the nth word is proportional to 1 / n.
        numbers = np.floor(WORDS ** draw.random_sample(BLOCK)).astype(np.int64) - 1
        block = b''.join(map(words.__getitem__, numbers.tolist()))
        if len(block) > left:
            whole = block[:left].decode('utf-8', 'ignore').encode('utf-8')
            block = whole + b'\n' * (left - len(whole))
        left -= len(block)
        yield block


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    check_int('--seed', args.seed, 0, 2 ** 32 - 1)
    size = int(check_number('--megabytes', args.megabytes, above=0) * 10 ** 6)
    if not size:
        raise ArgumentValueError('--megabytes must be at least a millionth, not %g' % args.megabytes)
    with files.atomic_path(args.out) as temporary, files.file_errors('cannot write %s' % args.out), \
            open(temporary, 'wb') as file:
        for block in show_bar(blocks(size, args.seed), size // 800000 + 1, 'Writing ' + args.out):
            file.write(block)
    print('%s: %d bytes' % (args.out, size))


if __name__ == '__main__':
    sys.exit(main())
