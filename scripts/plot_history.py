#!/usr/bin/env python3
"""Draw the training loss of one or several runs, and the accuracies after their epochs, from what they printed."""

import collections
import io
import os
import re
import sys

from rnnbook import cli, files
from rnnbook.errors import ArgumentValueError, FileError

# Both of the book's lines. A log that is still being written may end within a number, hence the white space behind it.
LOSS = re.compile(r'Epoch:? (\d+)/\d+ Iteration:? (\d+) ?\| Train(?:ing)? loss: (\d+\.\d+|nan|inf)(?=\s)')
ACCURACY = re.compile(r'Epoch (\d+): (\w+) accuracy (\d\.\d+)(?=\s)')
FORMATS = {'.png': {'Software': None}, '.svg': {'Creator': None, 'Date': None}}     # what is not to be written into it
STYLE = {
    'svg.hashsalt': 'rnnbook',                  # ids inside the file do not differ from run to run
    'svg.fonttype': 'none',                     # text as text: smaller than outlines, and it can be searched
    'font.family': ['DejaVu Sans', 'Verdana', 'sans-serif'],
    'axes.grid': True, 'grid.alpha': 0.3, 'axes.spines.top': False, 'axes.spines.right': False,
    'legend.frameon': False, 'savefig.dpi': 120,
}
MAX_POINTS = 1500                               # of a run: more cannot be told apart, and make an SVG large

# `losses` is iteration to (epoch, loss); `accuracies` is the word before 'accuracy' to a dict of epoch to accuracy.
History = collections.namedtuple('History', 'losses accuracies')


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='Logs with one label are one run: its training and its evaluation, say. Where '
                                        'a resumed run printed an iteration again, the later line counts.')
    parser.add_argument('logs', nargs='+', metavar='LOG', help='a file with the output of train_sentiment.py, '
                        'train_charrnn.py or evaluate_checkpoints.py')
    parser.add_argument('--out', default='history.svg', metavar='FILE', help='the picture, .svg or .png')
    parser.add_argument('--label', action='append', metavar='TEXT',
                        help='the name of a run, once for each log in their order; None is the name of the file')
    args = parser.parse_intermixed_args(argv)   # a label may stand beside its log
    if os.path.splitext(args.out)[1].lower() not in FORMATS:
        raise ArgumentValueError('--out must end in %s, not %s' % (' or '.join(sorted(FORMATS)), args.out))
    if args.label is not None and len(args.label) != len(args.logs):
        raise ArgumentValueError('--label must be given once for each of the %d logs, not %d times'
                                 % (len(args.logs), len(args.label)))
    return args


def read(path, history):
    """Add what a log says to a history."""
    text = files.read_text(path)
    losses, accuracies = LOSS.findall(text), ACCURACY.findall(text)
    if not losses and not accuracies:
        raise FileError('%s has no line such as \'Epoch: 1/40 Iteration: 20 | Train loss: 0.70637\' or \'Epoch 10: '
                        'test accuracy 0.852\'' % path)
    for epoch, iteration, loss in losses:
        history.losses[int(iteration)] = int(epoch), float(loss.replace('inf', 'nan'))     # neither can be drawn
    for epoch, kind, accuracy in accuracies:
        history.accuracies.setdefault(kind, {})[int(epoch)] = float(accuracy)


def draw_losses(axes, runs):
    """The loss of every printed iteration as a pale point, and the mean of each epoch's on a line."""
    for (label, history), color in zip(runs.items(), colors()):
        points = sorted((iteration, loss) for iteration, (_, loss) in history.losses.items())
        epochs = collections.defaultdict(list)
        for iteration, (epoch, loss) in sorted(history.losses.items()):
            epochs[epoch].append((iteration, loss))
        means = [[sum(column) / len(column) for column in zip(*epoch)] for _, epoch in sorted(epochs.items())]
        if points:
            axes.plot(*zip(*points[::-(-len(points) // MAX_POINTS)]), 'o', color=color, alpha=0.35, markersize=3,
                      markeredgewidth=0)
            axes.plot(*zip(*means), color=color, linewidth=2, marker='o' if len(means) == 1 else None, label=label)
    axes.set(xlabel='iteration', ylabel='training loss (cross entropy in nats)', xlim=(0, None),
             ylim=(max(0, axes.get_ylim()[0]), None))
    axes.legend(title='mean of each epoch')


def draw_accuracies(axes, runs):
    """The accuracies over the epochs."""
    for (label, history), color in zip(runs.items(), colors()):
        for (kind, accuracies), style in zip(sorted(history.accuracies.items()), ('-o', '--s', ':^', '-.v')):
            axes.plot(*zip(*sorted(accuracies.items())), style, color=color, markersize=4,
                      label='%s, %s' % (label, kind))
    axes.set(xlabel='epoch', ylabel='accuracy')
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def colors():
    """The same color for the same run in both panels, over and over if need be."""
    while True:
        yield from ('C%d' % number for number in range(10))


def picture(runs, ending):
    """The bytes of the picture."""
    import matplotlib
    from matplotlib.figure import Figure
    panels = []
    if any(history.losses for history in runs.values()):
        panels.append(draw_losses)
    if any(history.accuracies for history in runs.values()):
        panels.append(draw_accuracies)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()                 # not what the user's own matplotlibrc says
        matplotlib.rcParams.update(STYLE)
        # A figure without pyplot needs no display: Agg, or the writer of SVG, draws it.
        figure = Figure(figsize=(2 + 5 * len(panels), 4.2), tight_layout=True)
        for axes, draw in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
            draw(axes, runs)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=ending[1:], metadata=FORMATS[ending])
    return buffer.getvalue()


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    cli.require('matplotlib', 'matplotlib', 'plots', __file__)
    runs = collections.OrderedDict()
    for path, label in zip(args.logs, args.label or [os.path.basename(path) for path in args.logs]):
        read(path, runs.setdefault(label, History({}, {})))
    data = picture(runs, os.path.splitext(args.out)[1].lower())
    with files.atomic_path(args.out) as temporary:
        try:
            with open(temporary, 'wb') as file:
                file.write(data)
        except OSError as error:
            raise FileError('cannot write %s: %s' % (args.out, error.strerror)) from error
    print('%s: %s' % (args.out, '; '.join('%s, %d losses and %d accuracies' % (
        label, len(history.losses), sum(map(len, history.accuracies.values()))) for label, history in runs.items())))


if __name__ == '__main__':
    sys.exit(main())
