#!/usr/bin/env python3
"""Write a text with a trained character model."""

from __future__ import print_function      # so that Python 2 gets to the line below

import os
import re
import sys

try:
    import rnnbook
    from rnnbook import cli, errors
    from rnnbook.base.checks import check_int
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    parser.add_argument('--ckpt-dir', default='./model-%d/' % rnnbook.charrnn.BOOK_RUN['num_epochs'], metavar='DIR',
                        help='the folder of the model')
    parser.add_argument('--checkpoint', metavar='NAME', help='a checkpoint in the folder; default: the newest')
    parser.add_argument('--length', type=int, default=500, metavar='N', dest='output_length',
                        help='characters to write after the starter, and one more as in the chapter')
    parser.add_argument('--starter', metavar='TEXT', dest='starter_seq', help='the beginning of the text; default: '
                        '"The ", or one character of the vocabulary if the model does not know these')
    parser.add_argument('--unknown', choices=('error', 'skip'), default='error',
                        help='what to do with characters of the starter that the model does not know')
    parser.add_argument('--top-n', type=_number_or_word, default=5, metavar='N',
                        help='draw from the N likeliest characters, or from all; 1 always takes the likeliest')
    parser.add_argument('--temperature', type=float, default=1.0, metavar='X',
                        help='above 0; below 1 for safer texts, above 1 for wilder ones')
    parser.add_argument('--stop', type=_unescaped, metavar='TEXT', help=r'end the text after the first occurrence of '
                        r'TEXT, in which \n is a new line, \t a tab and \\ a backslash')
    parser.add_argument('--seed', type=int, metavar='N',
                        help='seed of the random numbers; default: a different text each time')
    parser.add_argument('--num-samples', type=int, metavar='N', help='write N texts, each after a line with its '
                        'number; default: one text without such a line')
    parser.add_argument('--stream', action='store_true', help='print each character as soon as it is drawn')
    cli.add_device_flag(parser)
    return parser.parse_args(argv)


def _number_or_word(text):
    try:
        return int(text)
    except ValueError:
        return text                                         # for `sample` to judge


def _unescaped(text):
    return re.sub(r'\\([nt\\])', lambda match: {'n': '\n', 't': '\t'}.get(match.group(1), '\\'), text)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    if args.stream and args.num_samples is not None:
        raise errors.ArgumentValueError('give --num-samples or --stream, not both')
    if args.temperature == 0:
        raise errors.ArgumentValueError('--temperature must be above 0, not 0; --top-n 1 always takes the likeliest '
                                        'character')
    seed = args.seed if args.seed is None else check_int('--seed', args.seed, 0, 2 ** 32 - 1)
    cli.check_model_folder(args.ckpt_dir, 'CharRNN')
    rnn = rnnbook.CharRNN.load(args.ckpt_dir, device=args.device)
    starter = cli.default_starter(rnn.vocabulary) if args.starter_seq is None else args.starter_seq
    how = dict(top_n=args.top_n, temperature=args.temperature, checkpoint=args.checkpoint, stop=args.stop, seed=seed,
               unknown=args.unknown)
    if args.stream:
        for char in rnn.sample_stream(args.output_length, args.ckpt_dir, starter, **how):
            print(char, end='', flush=True)
        print()
    elif args.num_samples is None:
        print(rnn.sample(args.output_length, args.ckpt_dir, starter, **how))
    else:
        texts = rnn.sample(args.output_length, args.ckpt_dir, starter, num_samples=args.num_samples, **how)
        for number, text in enumerate(texts, 1):
            print('--- %d of %d\n%s' % (number, len(texts), text))


if __name__ == '__main__':
    sys.exit(main())
