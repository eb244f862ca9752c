#!/usr/bin/env python3
"""Write a text with a trained character model."""

import sys

import numpy as np

import rnnbook
from rnnbook import cli, errors


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    parser.add_argument('--ckpt-dir', default='./model-%d/' % rnnbook.charrnn.BOOK_RUN['num_epochs'], metavar='DIR',
                        help='the folder of the model')
    parser.add_argument('--checkpoint', metavar='NAME', help='a checkpoint in the folder; None is the newest')
    parser.add_argument('--length', type=int, default=500, metavar='N',
                        help='characters to write after the starter, and one more as in the chapter')
    parser.add_argument('--starter', default='The ', metavar='TEXT', help='what the text begins with')
    parser.add_argument('--top-n', type=int, default=5, metavar='N', help='draw from the N likeliest characters')
    parser.add_argument('--temperature', type=float, default=1.0, metavar='X',
                        help='below 1 for safer texts, above for wilder ones')
    parser.add_argument('--seed', type=int, metavar='N', help='of the draws; None gives another text each time')
    cli.add_device_flag(parser)
    return parser.parse_args(argv)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    if args.seed is not None:
        np.random.seed(errors.check_int('--seed', args.seed, 0, 2 ** 32 - 1))
    rnn = rnnbook.CharRNN.load(args.ckpt_dir, device=args.device)
    print(rnn.sample(args.length, args.ckpt_dir, args.starter, top_n=args.top_n, temperature=args.temperature,
                     checkpoint=args.checkpoint))


if __name__ == '__main__':
    sys.exit(main())
