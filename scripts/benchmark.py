#!/usr/bin/env python3
"""Measure the package against the chapter's listing, and PyTorch beside them: training, prediction, sampling, reading.

Every measurement runs in a process of its own, since the thread pools of TensorFlow belong to the process. The variants
of a case take turns, in several rounds, so that a busy machine is busy for all of them; ratios are taken round by
round. Standard output is a Markdown table for each case.
"""

import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

from rnnbook import cli, files
from rnnbook.errors import ArgumentValueError, FileError, RequirementError, RnnbookError, check_choice, check_int

SIDES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'benchmarked')

#: One row of a table. `side` is the file of `benchmarked` that measures it; `keywords` go to the model's constructor
#: and `call` to the method; `peer` is the variant of PyTorch to compare with.
Variant = collections.namedtuple('Variant', 'name side keywords call peer')
Variant.__new__.__defaults__ = ({}, {}, 'pytorch')
#: One table. `kind` says on which model; `unit` what one timing is divided into, shown in seconds or, where `rate` is
#: true, as so many a second; `restores` whether a checkpoint is needed.
Case = collections.namedtuple('Case', 'name title kind unit rate restores variants')

LISTING, PYTORCH = Variant('listing', 'listing'), Variant('pytorch', 'pytorch')
BOOK = Variant('book', 'ours', {'engine': 'book'})
ENGINES = [BOOK]
OPTIMIZERS = ENGINES

CASES = [
    Case('review-step', 'Training step, reviews', 'reviews', 'step', False, False, [LISTING] + OPTIMIZERS + [PYTORCH]),
    Case('char-step', 'Training step, characters', 'characters', 'step', False, False, [LISTING] + ENGINES + [PYTORCH]),
    Case('review-predict', 'Prediction, reviews: the batches alone', 'reviews', 'row', True, True,
         [LISTING] + ENGINES + [PYTORCH]),
    Case('review-predict-call', 'Prediction, reviews: the whole call of predict', 'reviews', 'row', True, True,
         [LISTING] + ENGINES),
    Case('sample', 'Sampling: the whole call of sample', 'characters', 'character', True, True,
         [LISTING, Variant('ours', 'ours'), PYTORCH, Variant('pytorch-64', 'pytorch', {}, {'num_samples': 64})]),
    Case('preprocess', 'Preprocessing: from the CSV to the rows', 'reviews', 'run', False, False,
         [LISTING, Variant('cold', 'ours')]),
]

#: What grows: the case that is measured, the argument or the size that takes several values, as factors of its own
#: value in the case, and the variants.
Growth = collections.namedtuple('Growth', 'name case quantity factors variants')
GROWTH = [
    Growth('growth-seq-len', 'review-step', 'seq_len', (0.5, 1, 2), ENGINES),
    Growth('growth-vocabulary', 'review-step', 'n_words', (0.25, 0.5, 1), ENGINES),
    Growth('growth-batch-size', 'review-step', 'batch_size', (0.5, 1, 2), ENGINES),
    Growth('growth-reviews', 'preprocess', 'reviews', (0.25, 0.5, 1), [LISTING, Variant('cold', 'ours')]),
    Growth('growth-text', 'encode-text', 'copies', (1, 4, 16), [Variant('ours', 'ours')]),
]

#: How much is measured, in full and where only the machinery is to be tried.
FULL = {'repeats': 3, 'steps': 20, 'skip': 5, 'rows': 2500, 'characters': 2000, 'calls': 1, 'calls_skip': 1}
QUICK = {'repeats': 2, 'steps': 3, 'skip': 1, 'rows': 30, 'characters': 20, 'calls': 1, 'calls_skip': 1}
KEEP_PROB = 0.5


def names(things):
    """Their names, for messages and help."""
    return ', '.join(thing.name for thing in things)


def arguments(argv):
    """Parse and check the command line; returns the flags and the sizes of the measurements."""
    parser = cli.parser(__doc__, epilog='cases: %s. With --growth, or by name: %s. Variants: %s.'
                        % (names(CASES), names(GROWTH), ', '.join(variant_names())))
    what = parser.add_argument_group('what is measured')
    what.add_argument('--only', metavar='NAME,...', help='these cases only; None is all of them')
    what.add_argument('--variants', metavar='NAME,...', help='these variants only; None is all of them')
    what.add_argument('--growth', action='store_true', help='also how times grow with the length, the vocabulary, the '
                      'batch and the corpus')
    what.add_argument('--torch-python', metavar='FILE', help='an interpreter that has PyTorch and NumPy, to measure '
                      'PyTorch beside; None leaves it out')
    what.add_argument('--data-dir', metavar='DIR', help='where the data are looked for; None is $RNNBOOK_DATA, else '
                      './data. Nothing is fetched: what is not there is made up in the same shapes, and said so')
    sizes = parser.add_argument_group('how much')
    sizes.add_argument('--quick', action='store_true', help='tiny models and made data: shows that all runs, and says '
                       'nothing about speed')
    for name, text in (('repeats', 'rounds of turns'), ('steps', 'training steps that are timed in a turn'),
                       ('skip', 'training steps before them that are not'), ('rows', 'reviews to predict in a turn'),
                       ('characters', 'characters of a sampled text')):
        sizes.add_argument('--' + name, type=int, metavar='N', help='%s; None is %d' % (text, FULL[name]))
    parser.add_argument('--json', metavar='FILE', help='also write every timing as JSON')
    args = parser.parse_args(argv)
    chosen = dict(QUICK if args.quick else FULL)
    for name in chosen:
        if getattr(args, name, None) is not None:
            chosen[name] = check_int('--' + name, getattr(args, name), 0 if name == 'skip' else 1)
    args.only = chosen_names('--only', args.only, [thing.name for thing in CASES + GROWTH])
    args.variants = chosen_names('--variants', args.variants, variant_names())
    if args.data_dir is not None and not os.path.isdir(args.data_dir):
        raise FileError('--data-dir must name a folder that exists, not %s' % args.data_dir)
    if args.json is not None:
        if os.path.isdir(args.json) or not os.path.isdir(os.path.dirname(os.path.abspath(args.json))):
            raise FileError('--json must name a file in a folder that exists, not %s' % args.json)
    return args, chosen


def variant_names():
    """The names of all variants, each once."""
    return list(dict.fromkeys(variant.name for thing in CASES + GROWTH for variant in thing.variants))


def chosen_names(flag, given, choices):
    """The names of a flag with commas, or None where it was not given."""
    if given is None:
        return None
    return [check_choice(flag, name.strip(), choices) for name in given.split(',')]


# -------------------------------------------------------------------------------------------------------- processes

def say(text):
    """Print what is being done, on standard error."""
    print('rnnbook: ' + text, file=sys.stderr, flush=True)


def run(side, job, python=sys.executable, show=False):
    """Do one job in a process of its own.

    Parameters
    ----------
    side : str
        The file of `benchmarked`.
    job : dict
    python : str
        The interpreter.
    show : bool
        Print what the process has written on standard error.

    Returns
    -------
    dict

    Raises
    ------
    RnnbookError
        It failed.
    """
    done = subprocess.run([python, os.path.join(SIDES, side + '.py'), json.dumps(job)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = done.stderr.decode('utf-8', 'replace')
    if done.returncode:
        raise RnnbookError('%s in %s.py ended with status %d: %s'
                           % (job['case'], side, done.returncode, (said.strip() or 'no message').splitlines()[-1]))
    if show:
        sys.stderr.write(said)
    return json.loads(done.stdout.decode('utf-8').splitlines()[-1])


def take_turns(turns, repeats):
    """Measure every turn once a round, for a number of rounds, each second round in reverse order.

    Parameters
    ----------
    turns : list of (str, str, str, dict)
        A label of its own, the side, the interpreter, and the job.
    repeats : int

    Returns
    -------
    dict of str to list of dict
        Label to what each round found.
    """
    found = {label: [] for label, _, _, _ in turns}
    for number in range(repeats):
        for label, side, python, job in turns[::-1] if number % 2 else turns:
            result = run(side, job, python)
            found[label].append(result)
            say('round %d of %d, %s: %.4g seconds' % (number + 1, repeats, label, statistics.median(result['seconds'])))
    return found


# ------------------------------------------------------------------------------------------------------ preparation

class Workshop:
    """The data and checkpoints, made at their first use.

    Parameters
    ----------
    folder : str
        Where they are made.
    data_dir : str or None
    quick : bool
    run : callable
        As the function `run`.
    """

    def __init__(self, folder, data_dir, quick, run=run):
        self.folder, self._data_dir, self._quick, self._run = folder, data_dir, quick, run
        self._made = {}

    def make(self, case, **job):
        """What `prepare.py` makes of a job, made once."""
        key = json.dumps([case, job], sort_keys=True)
        if key not in self._made:
            say('preparing: %s' % case.replace('_', ' '))
            self._made[key] = self._run('prepare', dict(job, case=case), show=True)
        return self._made[key]

    def data(self, kind):
        """The data of a model, ``'reviews'`` or ``'characters'``."""
        return self.make(kind, folder=self.folder, data_dir=self._data_dir, quick=self._quick)

    def checkpoint(self, kind):
        """The folder and the name of a checkpoint of a model."""
        data, ckpt_dir = self.data(kind), os.path.join(self.folder, kind + '-model')
        case = {'reviews': 'review_checkpoint', 'characters': 'char_checkpoint'}[kind]
        made = self.make(case, model=data['model'], data=data['data'], chars=data.get('chars'), ckpt_dir=ckpt_dir)
        return {'ckpt_dir': ckpt_dir, 'checkpoint': made['checkpoint']}

    def path(self, name):
        """The path of a file to be made."""
        return os.path.join(self.folder, name)


def job_of(case, workshop, sizes):
    """What all variants of a case have in common."""
    data = workshop.data(case.kind)
    job = dict(sizes, case=case.name, keep_prob=KEEP_PROB, sequence_length=data['model'].get('seq_len'), **data)
    return dict(job, **workshop.checkpoint(case.kind)) if case.restores else job


def turn(label, variant, job, torch_python):
    """A turn of `take_turns`."""
    python = torch_python if variant.side == 'pytorch' else sys.executable
    return label, variant.side, python, dict(job, keywords=variant.keywords, call=variant.call)


# ---------------------------------------------------------------------------------------------------------- figures

def costs(rounds):
    """The median of each round, in seconds for one step, row, character or run."""
    return [statistics.median(found['seconds']) / found['count'] for found in rounds]


def spread(values):
    """Median, smallest and largest."""
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values)}


def ratios(reference, rounds):
    """How many times as long the reference takes, round by round."""
    return spread([theirs / ours for theirs, ours in zip(costs(reference), costs(rounds))])


def peak(rounds):
    """The median of the peak memory, in bytes; None where the system does not say."""
    known = [found['peak_bytes'] for found in rounds if found['peak_bytes'] is not None]
    return statistics.median(known) if known else None


def summary(variant, rounds, reference, peer):
    """The figures of a variant, and the rounds that they come from.

    Parameters
    ----------
    variant : Variant
    rounds : list of dict
    reference, peer : list of dict, or None
        The rounds of the listing and those of PyTorch, where they were measured.
    """
    memory, theirs = peak(rounds), peak(reference or [])
    return {'variant': variant.name, 'keywords': variant.keywords, 'call': variant.call, 'rounds': rounds,
            'seconds': spread(costs(rounds)), 'peak_bytes': memory,
            'listing_ratio': reference and ratios(reference, rounds), 'pytorch_ratio': peer and ratios(peer, rounds),
            'listing_memory': memory / theirs if memory and theirs else None}


def measure(case, variants, workshop, sizes, torch_python):
    """One case: the rounds of its variants, and their figures."""
    say('%s: %s' % (case.name, names(variants)))
    job = job_of(case, workshop, sizes)
    found = take_turns([turn(variant.name, variant, job, torch_python) for variant in variants], sizes['repeats'])
    return {'case': case.name, 'title': case.title, 'unit': case.unit, 'rate': case.rate,
            'data': job['name'], 'model': job['model'],
            'variants': [summary(variant, found[variant.name], found.get('listing'), found.get(variant.peer))
                         for variant in variants]}


# ----------------------------------------------------------------------------------------------------------- growth

def grown(growth, factor, workshop, sizes):
    """The value that a quantity takes, and the job there."""
    kind = 'characters' if growth.quantity == 'copies' else 'reviews'
    data = workshop.data(kind)
    model = data['model']
    job = dict(sizes, case=growth.case, keep_prob=KEEP_PROB, **data)
    if growth.quantity == 'copies':
        path = workshop.path('text-%d.txt' % factor)
        workshop.make('longer_text', text=data['text'], path=path, times=factor)
        return factor, dict(job, text=path, batch_size=model['batch_size'], num_steps=model['num_steps'])
    if growth.quantity == 'reviews':
        count, path = int(data['texts'] * factor), workshop.path('reviews-%g.csv' % factor)
        workshop.make('shorter_csv', csv=data['csv'], path=path, rows=count)
        return count, dict(job, csv=path, sequence_length=model['seq_len'])
    value = int(model[growth.quantity] * factor)
    model = dict(model, **{growth.quantity: value})
    path = workshop.path('%s-%d.npz' % (growth.quantity, value))
    workshop.make('made_rows', n_words=model['n_words'], seq_len=model['seq_len'], data=path,
                  rows=model['batch_size'] * (sizes['skip'] + sizes['steps']))
    return value, dict(job, model=model, data=path, name='made rows')


def measure_growth(growth, variants, workshop, sizes):
    """How the time of a case grows with one quantity."""
    say('%s: %s' % (growth.name, names(variants)))
    points = [grown(growth, factor, workshop, sizes) for factor in growth.factors]
    turns = [turn('%s %d, %s' % (growth.quantity, value, variant.name), variant, job, None)
             for value, job in points for variant in variants]
    found = list(take_turns(turns, sizes['repeats']).values())
    rows = []
    for i, (value, job) in enumerate(points):
        for k, variant in enumerate(variants):
            rounds, first = found[i * len(variants) + k], found[k]
            rows.append({'variant': variant.name, 'value': value, 'size': value / points[0][0],
                         'seconds': spread(costs(rounds)), 'time': ratios(rounds, first), 'peak_bytes': peak(rounds),
                         'rounds': rounds})
    return {'growth': growth.name, 'case': growth.case, 'quantity': growth.quantity, 'data': points[0][1]['name'],
            'points': rows}


# ----------------------------------------------------------------------------------------------------------- tables

def shown(figures, rate=False):
    """Median and spread as two cells."""
    if rate:
        figures = {'median': 1 / figures['median'], 'min': 1 / figures['max'], 'max': 1 / figures['min']}
    return ['%.4g' % figures['median'], '%.4g to %.4g' % (figures['min'], figures['max'])]


def ratio_shown(figures):
    """A ratio as a cell."""
    return '' if figures is None else '%.2f (%.2f to %.2f)' % (figures['median'], figures['min'], figures['max'])


def memory_shown(size):
    """Bytes as a cell in MB."""
    return '' if size is None else '%.0f' % (size / 1e6)


def markdown(header, rows):
    """The lines of a Markdown table."""
    return ['| %s |' % ' | '.join(cells) for cells in [header, ['---'] * len(header)] + rows]


def described(result):
    """Data and sizes on one line."""
    sizes = ', '.join('%s %s' % item for item in sorted(result.get('model', {}).items()))
    return 'Data: %s%s' % (result['data'], '; ' + sizes if sizes else '')


def case_table(result):
    """The Markdown of one case."""
    unit = '%ss a second' % result['unit'] if result['rate'] else 'seconds a %s' % result['unit']
    rows = [[found['variant']] + shown(found['seconds'], result['rate'])
            + [ratio_shown(found['listing_ratio']), ratio_shown(found['pytorch_ratio']),
               memory_shown(found['peak_bytes']), '%.2f' % found['listing_memory'] if found['listing_memory'] else '']
            for found in result['variants']]
    header = ['variant', unit + ', median', 'spread', 'listing / this', 'PyTorch / this', 'peak memory, MB',
              'of the listing\'s']
    return '\n'.join(['### ' + result['title'], '', described(result), ''] + markdown(header, rows) + [''])


def growth_table(result):
    """The Markdown of one quantity that grows."""
    rows = [[str(found['value']), found['variant']] + shown(found['seconds'])
            + ['%.3g' % found['size'], ratio_shown(found['time']), memory_shown(found['peak_bytes'])]
            for found in result['points']]
    header = [result['quantity'], 'variant', 'seconds, median', 'spread', 'size, times the first',
              'time, times the first', 'peak memory, MB']
    return '\n'.join(['### Growth of %s with %s' % (result['case'], result['quantity']), '', described(result), '']
                     + markdown(header, rows) + [''])


# -------------------------------------------------------------------------------------------------------------- run

def torch_version(python):
    """The version of PyTorch that an interpreter has."""
    try:
        return run('pytorch', {'case': 'version'}, python)['version']
    except (OSError, RnnbookError) as error:
        raise RequirementError('--torch-python must name an interpreter that has PyTorch and NumPy, not %s: %s'
                               % (python, error)) from error


def plan(args):
    """The cases and growths to measure, each with its variants.

    Raises
    ------
    ArgumentValueError
        Nothing is left.
    """
    wanted = args.only or [thing.name for thing in CASES + (GROWTH if args.growth else [])]
    found = [(thing, [variant for variant in thing.variants
                      if (args.variants is None or variant.name in args.variants)
                      and (args.torch_python or variant.side != 'pytorch')])
             for thing in CASES + GROWTH if thing.name in wanted]
    found = [(thing, variants) for thing, variants in found if variants]
    if not found:
        raise ArgumentValueError('--variants must leave something of --only to measure: %s'
                                 % '; '.join('%s has %s' % (thing.name, names(thing.variants))
                                             for thing in CASES + GROWTH if thing.name in wanted))
    return found


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args, sizes = arguments(argv)
    planned = plan(args)
    versions = {'pytorch': torch_version(args.torch_python)} if args.torch_python else {}
    versions.update(run('prepare', {'case': 'versions'})['versions'])
    print('Measured with %s; rounds %d\n' % (', '.join('%s %s' % item for item in sorted(versions.items())),
                                             sizes['repeats']), flush=True)
    report = {'versions': versions, 'quick': args.quick, 'sizes': sizes, 'cases': [], 'growth': []}
    with tempfile.TemporaryDirectory(prefix='rnnbook-benchmark-') as folder:
        workshop = Workshop(folder, args.data_dir, args.quick)
        for thing, variants in planned:
            if isinstance(thing, Case):
                report['cases'].append(measure(thing, variants, workshop, sizes, args.torch_python))
                print(case_table(report['cases'][-1]), flush=True)
            else:
                report['growth'].append(measure_growth(thing, variants, workshop, sizes))
                print(growth_table(report['growth'][-1]), flush=True)
            if args.json is not None:                       # after each, so that what was measured is not lost
                files.write_text(args.json, json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    sys.exit(main())
