#!/usr/bin/env python3
"""Print the bits per character of several models, each alone and by their mean probability, static and as they learn.

Learning while reading is dynamic evaluation (Krause et al. 2018, arXiv:1709.07432): each piece of the text is predicted
before the weights take a step on it, one of the Adam that they were trained with, from where it stopped.
"""

import os
import sys

try:
    import numpy as np

    import rnnbook
    from rnnbook import cli, datasets, errors
    from rnnbook.base.checks import check_int, check_number
    from rnnbook.model_folder import reading
    from rnnbook.network.devices import tf
    from rnnbook.training.loop import CarriedState
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    parser.add_argument('folders', nargs='+', metavar='DIR', help='the folder of a model')
    parser.add_argument('--text', metavar='PATH', help='the text, of which the models have seen the start; default: '
                        'Hamlet')
    parser.add_argument('--data-dir', metavar='DIR', help='where to look for Hamlet; default: $RNNBOOK_DATA, else '
                        './data')
    parser.add_argument('--held-out', type=float, default=0.1, metavar='X', help='measure on this fraction of the text')
    parser.add_argument('--skip', type=float, default=0.0, metavar='X', help='leave out this fraction at the end of '
                        'the text, and measure on what comes before it')
    parser.add_argument('--rate', type=float, default=0.0002, metavar='X', help='learning rate while reading')
    parser.add_argument('--piece', type=int, default=10, metavar='N', help='characters that are predicted, and then '
                        'learned from, at a time')
    return parser.parse_args(argv)


def load(folder, piece):
    """The model of a folder, for one text and one piece at a time."""
    return reading.load(rnnbook.CharRNN, folder, batch_size=1, num_steps=piece, engine='fused', shards=1)


def probabilities(rnn, numbers, rate):
    """What a model gives to the characters after the first: first as it was trained, then as it learns."""
    piece, count = rnn.num_steps, len(numbers) - 1
    padded = np.pad(numbers, (0, -count % piece), 'constant')
    with tf.compat.v1.Session(graph=rnn.g, config=rnn.session_config()) as sess:
        sess.run(rnn.init_op)
        for operations in ([], ['train_op']):
            reading.restore(sess, rnn.ckpt_dir)
            carried, found = CarriedState(sess, rnn), []
            for start in range(0, count, piece):
                x, y = padded[start:start + piece], padded[start + 1:start + piece + 1]
                given, *_ = carried.run(['probabilities:0'] + operations, {                 # (T, V)
                    'tf_x:0': [x], 'tf_y:0': [y], 'tf_keepprob:0': 1.0, 'learning_rate:0': rate})
                found.extend(given[np.arange(piece), y])
            yield np.array(found[:count], np.float64)


def report(name, static, learning):
    """Print a line of figures."""
    print('%s: %.4f bits per character, %.4f learning while reading'
          % (name, -np.log2(static).mean(), -np.log2(learning).mean()), flush=True)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    check_number('--skip', args.skip, minimum=0, maximum=0.9)
    check_number('--held-out', args.held_out, above=0, maximum=0.9)
    check_number('--rate', args.rate, above=0)
    check_int('--piece', args.piece)
    name, numbers, char2int = cli.character_numbers(
        datasets.fetch_hamlet(args.data_dir) if args.text is None else args.text)
    end = len(numbers) - int(len(numbers) * args.skip)
    start = max(0, end - int(len(numbers) * args.held_out))
    if end - start < 2:
        raise errors.ArgumentValueError('--held-out and --skip must leave at least 2 of the %d characters to measure '
                                        'on, not %d' % (len(numbers), end - start))
    models = [load(folder, args.piece) for folder in args.folders]
    for rnn in models:
        if rnn.vocabulary != char2int:
            raise errors.ArgumentValueError('DIR must hold a model with the characters of %s, not %s'
                                            % (name, rnn.ckpt_dir))
    print('Data: characters %d to %d of %s' % (start + 1, end, name), flush=True)
    found = []
    for rnn in models:
        found.append(list(probabilities(rnn, numbers[start:end], args.rate)))
        report(rnn.ckpt_dir, *found[-1])
    report('the mean probability of all %d' % len(found), *np.mean(found, axis=0))


if __name__ == '__main__':
    sys.exit(main())
