#!/usr/bin/env python3
"""Write a text with a trained character model."""

import sys

import rnnbook
from rnnbook import cli, errors
from rnnbook.base.checks import check_int


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    parser.add_argument('--ckpt-dir', default='./model-%d/' % rnnbook.charrnn.BOOK_RUN['num_epochs'], metavar='DIR',
                        help='the folder of the model')
    parser.add_argument('--checkpoint', metavar='NAME', help='a checkpoint in the folder; None is the newest')
    parser.add_argument('--length', type=int, default=500, metavar='N', dest='output_length',
                        help='characters to write after the starter, and one more as in the chapter')
    parser.add_argument('--starter', default='The ', metavar='TEXT', dest='starter_seq',
                        help='what the text begins with')
    parser.add_argument('--unknown', choices=('error', 'skip'), default='error',
                        help='what becomes of characters of the starter that the model has not seen')
    parser.add_argument('--top-n', type=_number_or_word, default=5, metavar='N',
                        help='draw from the N likeliest characters; all takes every one')
    parser.add_argument('--temperature', type=float, default=1.0, metavar='X',
                        help='below 1 for safer texts, above for wilder ones')
    parser.add_argument('--stop', metavar='TEXT', help='end after the first such text that is written')
    parser.add_argument('--seed', type=int, metavar='N', help='of the draws; None gives another text each time')
    parser.add_argument('--num-samples', type=int, metavar='N', help='write so many texts, a line of their number '
                        'before each; None writes one and no such line')
    parser.add_argument('--stream', action='store_true', help='print characters as they come')
    cli.add_device_flag(parser)
    return parser.parse_args(argv)


def _number_or_word(text):
    try:
        return int(text)
    except ValueError:
        return text                                         # for `sample` to judge


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    if args.stream and args.num_samples is not None:
        raise errors.ArgumentValueError('give --num-samples or --stream, not both')
    seed = args.seed if args.seed is None else check_int('--seed', args.seed, 0, 2 ** 32 - 1)
    rnn = rnnbook.CharRNN.load(args.ckpt_dir, device=args.device)
    how = dict(top_n=args.top_n, temperature=args.temperature, checkpoint=args.checkpoint, stop=args.stop, seed=seed,
               unknown=args.unknown)
    if args.stream:
        for char in rnn.sample_stream(args.output_length, args.ckpt_dir, args.starter_seq, **how):
            print(char, end='', flush=True)
        print()
    elif args.num_samples is None:
        print(rnn.sample(args.output_length, args.ckpt_dir, args.starter_seq, **how))
    else:
        texts = rnn.sample(args.output_length, args.ckpt_dir, args.starter_seq, num_samples=args.num_samples, **how)
        for number, text in enumerate(texts, 1):
            print('--- %d of %d\n%s' % (number, len(texts), text))


if __name__ == '__main__':
    sys.exit(main())
