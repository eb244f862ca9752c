#!/usr/bin/env python3
"""Train the character model of the chapter on Hamlet or any other text, and print a sample."""

from __future__ import print_function      # so that Python 2 gets to the line below

import os
import re
import sys

try:
    import numpy as np

    import rnnbook
    from rnnbook import cli, datasets, errors, hamlet
    from rnnbook.base.checks import check_int, check_number, counted
    from rnnbook.model_folder import reading
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__ + ' The defaults are the run that the chapter prints; --preset best has others.',
                        epilog='--validation takes the end of what --held-out leaves of the text, in one piece.')
    preset, run = cli.add_preset_flag(parser, argv, {'book': rnnbook.charrnn.BOOK_RUN,
                                                     'best': rnnbook.charrnn.BEST_RUN})
    data = parser.add_argument_group('data')
    data.add_argument('--text', metavar='PATH', help='your own text: a file of any size, packed or not; a '
                      "folder, whose hidden and binary files and models are left out; or a pattern in quotes, such as "
                      "'texts/*.txt'; default: Hamlet")
    data.add_argument('--encoding', metavar='NAME', help='the encoding of the text, cp1252 say; default: UTF-8, or '
                      'UTF-16 if the file begins with its byte order mark')
    data.add_argument('--data-dir', metavar='DIR', help='where to look for Hamlet; default: $RNNBOOK_DATA, else ./data')
    data.add_argument('--held-out', type=float, default=0.0, metavar='X', help='do not train on this fraction of the '
                      'text, at its end, but print its bits per character after the training')
    model = cli.add_flags(parser.add_argument_group('model'), rnnbook.CharRNN, run, skip=['sampling'])
    folder = './model-%s%%s/' % ('' if preset == 'book' else preset + '-')
    default = folder % (cli.early_value(argv, '--epochs') or run['num_epochs'])
    fields = cli.add_run_flags(parser, {'save_every': 1, **run}, default)
    parser.add_argument('--unknown', choices=('error', 'skip'), default='error', help='what to do with characters of '
                        'the text that the model of --init-from has not seen')
    parser.add_argument('--length', type=int, default=500, metavar='N', help='length of the sample printed at the end')
    args = parser.parse_args(argv)
    if args.resume and args.ckpt_dir == default:
        check_resumable(args, folder % '[0-9]*')
    return args, cli.chosen(args, model), cli.chosen(args, fields)


def check_resumable(args, pattern):
    """Refuse to start from nothing if the run to resume is in the folder for another number of epochs."""
    there = cli.model_folders('CharRNN', pattern, lstm_size=args.lstm_size, num_layers=args.num_layers)
    epochs = {path: int(re.search(r'\d+', path).group()) for path in there}
    there.sort(key=epochs.get)
    if there and args.init_from is None and os.path.join(args.ckpt_dir, '') not in there:
        best = ([path for path in there if epochs[path] < args.num_epochs] or there)[-1]
        raise errors.ArgumentValueError(
            '--resume finds no run in %s, but there is one in %s; to go on with it, give --ckpt-dir %s; to start a new '
            'run from its weights, give --init-from %s and no --resume'
            % (args.ckpt_dir, ', '.join(there), best, best))


def validation_text(numbers, fraction):
    """The start of the text's last part, and this part as one row to validate on."""
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
    cli.FLAGS.update(path='--text', sequence='--text')      # what the library calls the text
    reading.check_folder('--ckpt-dir', args.ckpt_dir)
    if args.text and os.path.realpath(args.text) == os.path.realpath(args.ckpt_dir):
        raise errors.ArgumentValueError('--ckpt-dir must not be the folder of the texts, %s' % args.text)
    world = cli.check_flags(lambda: rnnbook.CharRNN(num_classes=1, **model), args.num_epochs, run)
    with world.first_on_machine():
        name, numbers, char2int = cli.character_numbers(
            datasets.fetch_hamlet(args.data_dir) if args.text is None else args.text, args.encoding)
    known = cli.source_vocabulary(args, 'CharRNN')
    if known is not None:
        numbers, char2int = cli.recode(numbers, char2int, known, args.unknown), known
    print('Data: %s, %s, %d of them distinct' % (name, counted(len(numbers), 'character'), len(char2int)))

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
        print('To resume: %s' % cli.resume_command(world))
        return stop.status
    if world.rank:
        return 0
    ckpt_dir = rnn.ckpt_dir
    if args.keep_best:
        ckpt_dir, epoch = reading.best_folder(ckpt_dir)
        print('Using the best epoch, %d, from %s' % (epoch, ckpt_dir))
    rnn = rnnbook.CharRNN.load(ckpt_dir, device=args.device)
    if end < len(numbers):
        print('Held out: %.4f bits per character on the last %d characters of %s'
              % (rnn.evaluate(hamlet.decode(numbers[end:], char2int)), len(numbers) - end, name))
    np.random.seed(args.seed)
    print(rnn.sample(args.length, ckpt_dir, cli.default_starter(char2int)))


if __name__ == '__main__':
    sys.exit(main())
