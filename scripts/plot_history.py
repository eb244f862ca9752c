#!/usr/bin/env python3
"""Draw losses, accuracies and bits per character of one or more runs, from their history.csv or printed output."""

from __future__ import print_function      # so that Python 2 gets to the line below

import collections
import csv
import io
import itertools
import math
import os
import re
import sys

try:
    from rnnbook import cli
    from rnnbook.base import files
    from rnnbook.base.checks import counted
    from rnnbook.errors import ArgumentValueError, FileError
    from rnnbook.model_folder.checkpoint_files import HISTORY
    from rnnbook.preprocessing.text_blocks import read_blocks
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

# Both of the book's lines. A log that is still being written may end within a number, hence the white space behind it.
LOSS = re.compile(r'Epoch:? (\d+)/\d+ Iteration:? (\d+) ?\| Train(?:ing)? loss: (\d+\.\d+|nan|inf)(?=\s)')
ACCURACY = re.compile(r'Epoch (\d+): (\w+) accuracy (\d\.\d+)(?=\s)')
EPOCH = re.compile(r'^Epoch (\d+)/\d+: (training loss .*)$', flags=re.MULTILINE)
FIGURE = re.compile(r'(\w+) loss [\d.]+, (?:accuracy (\d\.\d+)|(\d+\.\d+) bits per character)(?=;)')
CSV_HEAD = 'epoch,iteration,loss,'
FORMATS = {'.png': {'Software': None}, '.svg': {'Creator': None, 'Date': None}}     # metadata to leave out
STYLE = {
    'svg.hashsalt': 'rnnbook',                  # the same ids in the file each time
    'svg.fonttype': 'none',                     # text, not outlines: smaller and searchable
    'font.family': ['DejaVu Sans', 'Verdana', 'sans-serif'],
    'axes.grid': True, 'grid.alpha': 0.3, 'axes.spines.top': False, 'axes.spines.right': False,
    'legend.frameon': False, 'savefig.dpi': 120,
}
STYLES = {'training': ':^', 'validation': '--s', 'test': '-o'}
FIGURES = collections.OrderedDict([('accuracies', 'accuracy'), ('bits', 'bits per character')])
MAX_POINTS = 1500                               # in a run: more look the same and make an SVG large

# `losses` maps an iteration to (epoch, loss) as printed; `means` maps 'training' or 'validation' to a dict of iteration
# to the loss of the epoch that ended there; `accuracies` and `bits` map such a word to a dict of epoch to figure.
History = collections.namedtuple('History', 'losses means accuracies bits')


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='Logs with the same label are one run, such as its training and its '
                        'evaluation. If a resumed run printed an iteration again, the later line counts.')
    parser.add_argument('logs', nargs='+', metavar='LOG', help='a history.csv, or the folder that it is in; or a file '
                        'with the output of train_sentiment.py, train_charrnn.py or evaluate_checkpoints.py')
    parser.add_argument('--out', default='history.svg', metavar='FILE', help='the picture, .svg or .png')
    parser.add_argument('--label', action='append', metavar='TEXT',
                        help='the name of a run, given once for each log in the order of the logs; default: the name '
                        'of the file, or of the folder of a history.csv, or the path if two have the same name')
    args = parser.parse_intermixed_args(argv)   # a label may stand beside its log
    args.logs = [os.path.join(path, HISTORY) if os.path.isdir(path) else path for path in args.logs]
    if os.path.splitext(args.out)[1].lower() not in FORMATS:
        raise ArgumentValueError('--out must end in %s, not %s' % (' or '.join(sorted(FORMATS)), args.out))
    if args.label is not None and len(args.label) != len(args.logs):
        raise ArgumentValueError('--label must be given once for each of the %d logs, not %d times'
                                 % (len(args.logs), len(args.label)))
    args.label = args.label or labels(args.logs)
    return args


def labels(logs):
    """The names of the runs, by their files, or by their folders if the files are a history.csv."""
    paths = [os.path.dirname(os.path.abspath(path)) if os.path.basename(path) == HISTORY else path for path in logs]
    names = [os.path.basename(path) for path in paths]
    return [os.path.relpath(path) if names.count(name) > 1 else name for name, path in zip(names, paths)]


def read(path, history):
    """Add the figures of a log to a history."""
    text = ''.join(read_blocks(path))
    if text.startswith(CSV_HEAD):
        return read_csv(path, text, history)
    losses, accuracies = LOSS.findall(text), ACCURACY.findall(text)
    if not losses and not accuracies and not EPOCH.search(text):
        raise FileError('%s has no line such as \'Epoch: 1/40 Iteration: 20 | Train loss: 0.70637\' or \'Epoch 10: '
                        'test accuracy 0.852\', and is no history.csv' % path)
    for epoch, iteration, loss in losses:
        history.losses[int(iteration)] = int(epoch), float(loss.replace('inf', 'nan'))     # neither can be drawn
    for epoch, kind, accuracy in accuracies:
        history.accuracies.setdefault(kind, {})[int(epoch)] = float(accuracy)
    for epoch, line in EPOCH.findall(text):
        for kind, accuracy, bits in FIGURE.findall(line):
            figures = history.accuracies if accuracy else history.bits
            figures.setdefault(kind, {})[int(epoch)] = float(accuracy or bits)


def read_csv(path, text, history):
    """Add the rows of a history.csv; cells are empty in columns that an older version did not have."""
    columns = [(history.means, 'iteration', 'loss'), (history.accuracies, 'epoch', 'accuracy'),
               (history.bits, 'epoch', 'bits_per_char')]
    with files.damage_errors(path):
        for row in csv.DictReader(io.StringIO(text)):
            for figures, place, column in columns:
                for kind, prefix in (('training', ''), ('validation', 'val_')):
                    if row.get(prefix + column):
                        value = float(row[prefix + column])
                        figures.setdefault(kind, {})[int(row[place])] = value if math.isfinite(value) else math.nan


def draw_losses(axes, runs):
    """Draw the loss of every printed iteration as a pale point, and the mean of each epoch as a line."""
    for (label, history), color in zip(runs.items(), colors()):
        points = sorted((iteration, loss) for iteration, (_, loss) in history.losses.items())
        epochs = collections.defaultdict(list)
        for iteration, (epoch, loss) in sorted(history.losses.items()):
            epochs[epoch].append((iteration, loss))
        means = [[sum(column) / len(column) for column in zip(*epoch)] for _, epoch in sorted(epochs.items())]
        if points:
            x, y = zip(*points[::-(-len(points) // MAX_POINTS)])
            axes.plot(x, y, 'o', color=color, alpha=0.35, markersize=3, markeredgewidth=0)
            axes.plot(*zip(*means), color=color, linewidth=2, marker='o' if len(means) == 1 else None, label=label)
        draw_kinds(axes, label, history.means, color)
    axes.set(xlabel='iteration', ylabel='loss (cross entropy in nats)', xlim=(0, None),
             ylim=(max(0, axes.get_ylim()[0]), None))
    axes.legend(title='mean of each epoch')


def draw_kinds(axes, label, figures, color):
    """Draw a line for each kind of figure of a run."""
    for kind, values in sorted(figures.items()):
        x, y = zip(*sorted(values.items()))
        axes.plot(x, y, STYLES.get(kind, '-.v'), color=color, markersize=4, label='%s, %s' % (label, kind))


def draw_figures(name, ylabel):
    """A function that draws one field of the histories over the epochs."""
    def draw(axes, runs):
        for (label, history), color in zip(runs.items(), colors()):
            draw_kinds(axes, label, getattr(history, name), color)
        axes.set(xlabel='epoch', ylabel=ylabel)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
    return draw


def colors():
    """One color for each run, the same in all panels; after ten they repeat."""
    return itertools.cycle('C%d' % number for number in range(10))


def picture(runs, ending):
    """The picture as bytes."""
    import matplotlib
    from matplotlib.figure import Figure
    panels = []
    if any(history.losses or history.means for history in runs.values()):
        panels.append(draw_losses)
    for name, ylabel in FIGURES.items():
        if any(getattr(history, name) for history in runs.values()):
            panels.append(draw_figures(name, ylabel))
    with matplotlib.rc_context():
        matplotlib.rcdefaults()                 # independent of the user's matplotlibrc
        matplotlib.rcParams.update(STYLE)
        # A figure without pyplot needs no display: Agg, or the writer of SVG, draws it.
        figure = Figure(figsize=(2 + 5 * len(panels), 4.2), tight_layout=True)
        for axes, draw in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
            draw(axes, runs)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=ending[1:], metadata=FORMATS[ending])
    return buffer.getvalue()


def contents(history):
    """The number of figures in a history, in words."""
    losses = len(history.losses) + sum(map(len, history.means.values()))
    accuracies, bits = (sum(map(len, getattr(history, name).values())) for name in FIGURES)
    found = [(losses, 'loss', 'losses'), (accuracies, 'accuracy', 'accuracies'),
             (bits, 'value of bits per character', 'values of bits per character')]
    return ', '.join(counted(*one) for one in found if one[0])


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    cli.require('matplotlib', 'matplotlib', 'plots', 'scripts/plot_history.py')
    runs = collections.OrderedDict()
    for path, label in zip(args.logs, args.label):
        read(path, runs.setdefault(label, History({}, {}, {}, {})))
    data = picture(runs, os.path.splitext(args.out)[1].lower())
    with files.atomic_path(args.out) as temporary, open(temporary, 'wb') as file:
        file.write(data)
    print('%s: %s' % (args.out, '; '.join('%s, %s' % (label, contents(history)) for label, history in runs.items())))


if __name__ == '__main__':
    sys.exit(main())
