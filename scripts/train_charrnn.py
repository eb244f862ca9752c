#!/usr/bin/env python3
"""Train the character model of the chapter on Hamlet or any other text, and print a sample."""

import sys

import numpy as np

import rnnbook
from rnnbook import cli, datasets, errors, hamlet
from rnnbook.base.checks import check_int, check_number
from rnnbook.model_folder import reading


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__ + ' The defaults are the run that the chapter prints; --preset best has others.',
                        epilog='--validation takes the end of what --held-out leaves of the text, in one piece.')
    preset, run = cli.add_preset_flag(parser, argv, {'book': rnnbook.charrnn.BOOK_RUN,
                                                     'best': rnnbook.charrnn.BEST_RUN})
    data = parser.add_argument_group('data')
    data.add_argument('--text', metavar='PATH', help='a UTF-8 text to train on, of any size, a folder of '
                      'such, or a pattern in quotes; None is Hamlet')
    data.add_argument('--data-dir', metavar='DIR',
                      help='where Hamlet is looked for; None is $RNNBOOK_DATA, else ./data')
    data.add_argument('--held-out', type=float, default=0.0, metavar='X', help='keep the last X of the text, 0.1 say, '
                      'out of the training, and print its bits per character at the end')
    model = cli.add_flags(parser.add_argument_group('model'), rnnbook.CharRNN, run, skip=['sampling'])
    fields = cli.add_run_flags(parser, {'save_every': 1, **run}, None)
    parser.add_argument('--length', type=int, default=500, metavar='N', help='characters of the sample at the end')
    args = parser.parse_args(argv)
    args.ckpt_dir = args.ckpt_dir or './model-%s%d/' % ('' if preset == 'book' else preset + '-', args.num_epochs)
    return args, cli.chosen(args, model), cli.chosen(args, fields)


def validation_text(numbers, fraction):
    """Where the last part of a text starts, and that part as one row to validate on."""
    start = len(numbers) - int(len(numbers) * fraction)
    if len(numbers) - start < 2:
        raise errors.ArgumentValueError('--validation must hold out at least 2 of the %d characters, not %d'
                                        % (len(numbers), len(numbers) - start))
    return start, (numbers[None, start:-1], numbers[None, start + 1:])


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args, model, run = arguments(argv)
    check_int('--length', args.length, 0)
    check_number('--held-out', args.held_out, minimum=0, maximum=0.9)
    world = cli.check_flags(lambda: rnnbook.CharRNN(num_classes=1, **model), args.num_epochs, run)
    with world.first_on_machine():
        name, numbers, char2int = cli.character_numbers(args.text or datasets.fetch_hamlet(args.data_dir))
    print('Data: %s, %d characters, %d of them distinct' % (name, len(numbers), len(char2int)))

    end = len(numbers) - int(len(numbers) * args.held_out)
    start = end
    if args.validation is not None:
        start, run['validation'] = validation_text(numbers[:end], args.validation)
        print('Validation: the last %d of %d characters' % (end - start, end))
    rnn = rnnbook.CharRNN(num_classes=len(char2int), **model)
    train_x, train_y = hamlet.reshape_data(numbers[:start], rnn.global_batch_size, rnn.num_steps)
    with cli.StopOnSignal() as stop:
        rnn.train(train_x, train_y, args.num_epochs, args.ckpt_dir, vocabulary=char2int, stop=stop, **run)
        stop.agree(world)
    print('Model saved in %s' % rnn.ckpt_dir)
    if stop():
        print('To go on: %s' % cli.resume_command(world))
        return stop.status
    if world.rank:
        return 0
    ckpt_dir = rnn.ckpt_dir
    if args.keep_best:
        ckpt_dir, epoch = reading.best(ckpt_dir)
        print('Using the best epoch, %d, from %s' % (epoch, ckpt_dir))
    rnn = rnnbook.CharRNN.load(ckpt_dir, device=args.device)
    if end < len(numbers):
        print('Held out: %.4f bits per character on the last %d characters of %s'
              % (rnn.evaluate(hamlet.decode(numbers[end:], char2int)), len(numbers) - end, name))
    np.random.seed(args.seed)
    starter = 'The ' if set('The ') <= set(char2int) else hamlet.decode(numbers[:1], char2int)
    print(rnn.sample(args.length, ckpt_dir, starter))


if __name__ == '__main__':
    sys.exit(main())
