#!/usr/bin/env python3
"""Measure the package against the chapter's listing, and PyTorch beside them: training, prediction, sampling, reading.

Every variant runs in a process of its own, since the thread pools of TensorFlow belong to the process. The variants of
a case wait side by side and take short turns, one at a time, in several rounds, so that a busy machine is busy for all
of them; ratios are taken round by round, and once more of the fastest times, which others disturb least. Standard
output is a Markdown table for each case.
"""

import collections
import json
import os
import shutil
import signal
import sys
import tempfile

try:
    from benchmarked.figures import case_table, costs, fastest, growth_table, peak, peers, ratios, spread, summary
    from benchmarked.processes import Workshop, run, say, take_turns
    from rnnbook import cli
    from rnnbook.base import files
    from rnnbook.base.checks import check_choice, check_int
    from rnnbook.errors import ArgumentValueError, FileError, RequirementError, RnnbookError
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

#: One row of a table. `side` is the file of `benchmarked` that measures it; `keywords` go to the model's constructor
#: and `call` to the method; `environment` is added to that of the process.
Variant = collections.namedtuple('Variant', 'name side keywords call environment')
Variant.__new__.__defaults__ = ({}, {}, {})
#: One table. `kind` says on which model; `unit` is what times are given for, in seconds or, where `rate` is true, as so
#: many a second; `restores` whether a checkpoint is needed; `pieces` the size that says how much a turn does, `None`
#: for one call; `skip` the size that says how much warms up, or a number; `repeats` the rounds.
Case = collections.namedtuple('Case', 'name title kind unit rate restores pieces skip repeats variants')

LISTING = Variant('listing', 'listing')
ENGINES = [Variant('book', 'ours', {'engine': 'book'}), Variant('fused', 'ours', {'engine': 'fused'})]
LAZY = Variant('fused-lazy-adam', 'ours', {'engine': 'fused', 'optimizer': 'lazy_adam'})
# PyTorch's threads wait for each other by spinning, which costs much where other processes want the cores. So it is
# measured in both ways, and compared with in the faster one.
PASSIVE = {'OMP_WAIT_POLICY': 'passive'}
PYTORCH = [Variant('pytorch', 'pytorch'),
           Variant('pytorch-passive', 'pytorch', {}, {}, PASSIVE)]
COLD = Variant('cold', 'ours', {}, {'cache': False})
TOGETHER = {'num_samples': 64}

CASES = [
    Case('review-step', 'Training step, reviews', 'reviews', 'step', False, False, 'steps', 'skip', 10,
         [LISTING] + ENGINES + [LAZY] + PYTORCH),
    Case('char-step', 'Training step, characters', 'characters', 'step', False, False, 'steps', 'skip', 20,
         [LISTING] + ENGINES + PYTORCH),
    Case('review-predict', 'Prediction, reviews: the batches alone', 'reviews', 'row', True, True, 'batches', 2, 5,
         [LISTING] + ENGINES + PYTORCH),
    Case('review-predict-call', 'Prediction, reviews: the whole call of predict', 'reviews', 'row', True, True, None, 1,
         3, [LISTING] + ENGINES),
    Case('sample', 'Sampling: the whole call of sample', 'characters', 'character', True, True, None, 1, 5,
         [LISTING, Variant('ours', 'ours'), Variant('ours-64', 'ours', {}, TOGETHER),
          *PYTORCH, Variant('pytorch-64', 'pytorch', {}, TOGETHER, PASSIVE)]),
    Case('preprocess', 'Preprocessing: from the CSV to the rows', 'reviews', 'run', False, False, None, 0, 3,
         [LISTING, COLD, Variant('cache', 'ours', {}, {'cache': True})]),
]

#: What grows: the case that is measured, the argument or the size that takes several values, as factors of its own
#: value in the case, how much warms up, the rounds, and the variants.
Growth = collections.namedtuple('Growth', 'name case quantity factors pieces skip repeats variants')
GROWTH = [
    Growth('growth-seq-len', 'review-step', 'seq_len', (0.5, 1, 2), 'steps', 'skip', 5, ENGINES),
    Growth('growth-vocabulary', 'review-step', 'n_words', (0.25, 0.5, 1), 'steps', 'skip', 5, ENGINES),
    Growth('growth-batch-size', 'review-step', 'batch_size', (0.5, 1, 2), 'steps', 'skip', 5, ENGINES),
    Growth('growth-reviews', 'preprocess', 'reviews', (0.25, 0.5, 1), None, 0, 3, [LISTING, COLD]),
    Growth('growth-text', 'encode-text', 'copies', (1, 4, 16), None, 1, 5, [Variant('ours', 'ours')]),
]

#: How much is measured, in full and where only the machinery is to be tried.
FULL = {'steps': 3, 'skip': 5, 'rows': 500, 'characters': 2000}
QUICK = {'repeats': 2, 'steps': 3, 'skip': 1, 'rows': 30, 'characters': 20}
KEEP_PROB = 0.5
#: The load at which other processes take part of the time.
BUSY = 0.5


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
    what.add_argument('--before', metavar='DIR', help='another checkout, an earlier commit of rnnbook say, whose '
                      'variants are measured in turn with those of this one; None measures this one alone')
    what.add_argument('--data-dir', metavar='DIR', help='where the data are looked for; None is $RNNBOOK_DATA, else '
                      './data. Nothing is fetched: what is not there is made up in the same shapes, and said so')
    sizes = parser.add_argument_group('how much')
    sizes.add_argument('--quick', action='store_true', help='tiny models and made data: shows that all runs, and says '
                       'nothing about speed')
    sizes.add_argument('--repeats', type=int, metavar='N', help='rounds of turns; None is %s'
                       % ', '.join('%d for %s' % (thing.repeats, thing.name) for thing in CASES + GROWTH))
    for name, text in (('steps', 'training steps of a turn'), ('skip', 'training steps before the first turn'),
                       ('rows', 'reviews to predict in a turn'), ('characters', 'characters of a sampled text')):
        sizes.add_argument('--' + name, type=int, metavar='N', help='%s; None is %d' % (text, FULL[name]))
    parser.add_argument('--json', metavar='FILE', help='also write every timing as JSON')
    args = parser.parse_args(argv)
    chosen = dict(QUICK if args.quick else FULL)
    for name in QUICK:
        if getattr(args, name) is not None:
            chosen[name] = check_int('--' + name, getattr(args, name), 0 if name == 'skip' else 1)
    args.only = chosen_names('--only', args.only, [thing.name for thing in CASES + GROWTH])
    args.variants = chosen_names('--variants', args.variants, variant_names())
    if args.data_dir is not None and not os.path.isdir(args.data_dir):
        raise FileError('--data-dir must name a folder that exists, not %s' % args.data_dir)
    if args.before is not None:
        args.before = os.path.abspath(args.before)
        if not os.path.isfile(side_of(args.before)):
            raise FileError('--before must name a checkout of rnnbook, not %s' % args.before)
    if args.json is not None:
        if os.path.isdir(args.json) or not os.path.isdir(os.path.dirname(os.path.abspath(args.json))):
            raise FileError('--json must name a file in a folder that exists, not %s' % args.json)
    return args, chosen


def side_of(checkout):
    """The file of a checkout that measures its package."""
    paths = [os.path.join(checkout, 'scripts', folder, 'ours.py') for folder in (
        os.path.join('measure', 'benchmarked'), 'benchmarked')]
    return next(filter(os.path.isfile, paths), paths[0])


def before(variant, checkout):
    """A variant of the package as another checkout has it."""
    return variant._replace(name='before: ' + variant.name, side=side_of(checkout)[:-len('.py')],
                            environment={**variant.environment, 'PYTHONPATH': checkout})


def variant_names():
    """The names of all variants, each once."""
    return list(dict.fromkeys(variant.name for thing in CASES + GROWTH for variant in thing.variants))


def chosen_names(flag, given, choices):
    """The names of a flag with commas, or None where it was not given."""
    if given is None:
        return None
    return [check_choice(flag, name.strip(), choices) for name in given.split(',')]


# ------------------------------------------------------------------------------------------------------------ cases


def job_of(case, workshop, sizes):
    """What all variants of a case have in common."""
    data = workshop.data(case.kind)
    job = dict(data, case=case.name, folder=workshop.folder, sequence_length=data['model'].get('seq_len'))
    job.update(work_of(case, sizes, data['model']))
    return dict(job, **workshop.checkpoint(case.kind)) if case.restores else job


def work_of(thing, sizes, model):
    """How much a process does before its first turn and in each, and on what."""
    if thing.pieces == 'batches':
        pieces = max(1, sizes['rows'] // model['batch_size'])
    else:
        pieces = sizes.get(thing.pieces, 1)
    return {'pieces': pieces, 'skip': sizes.get(thing.skip, thing.skip), 'keep_prob': KEEP_PROB,
            'rows': sizes['rows'], 'characters': sizes['characters']}


def python_of(variant, torch_python):
    """The interpreter of a variant."""
    return torch_python if variant.side == 'pytorch' else sys.executable


def measure(case, variants, workshop, sizes, torch_python):
    """One case: the rounds of its variants, and their figures."""
    say('%s: %s' % (case.name, names(variants)))
    job = job_of(case, workshop, sizes)
    found = take_turns([(variant.name, variant, job, python_of(variant, torch_python)) for variant in variants],
                       sizes.get('repeats', case.repeats))
    return {'case': case.name, 'title': case.title, 'unit': case.unit, 'rate': case.rate, 'data': job['name'],
            'model': job['model'], 'pieces': job['pieces'], 'load': load(),
            'variants': [summary(variant, found[variant.name], found.get('listing'),
                                 fastest(peers(variant, variants), found), found.get('before: ' + variant.name))
                         for variant in variants]}


# ----------------------------------------------------------------------------------------------------------- growth

def grown(growth, factor, workshop, sizes):
    """The value that a quantity takes, and the job there."""
    kind = 'characters' if growth.quantity == 'copies' else 'reviews'
    data = workshop.data(kind)
    model = data['model']
    job = dict(data, case=growth.case, folder=workshop.folder, **work_of(growth, sizes, model))
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
                  rows=10 * model['batch_size'])
    return value, dict(job, model=model, data=path, name='made rows')


def measure_growth(growth, variants, workshop, sizes):
    """How the time of a case grows with one quantity."""
    say('%s: %s' % (growth.name, names(variants)))
    points = [grown(growth, factor, workshop, sizes) for factor in growth.factors]
    turns = [('%s %d %s' % (growth.quantity, value, variant.name), variant, job, sys.executable)
             for value, job in points for variant in variants]
    found = list(take_turns(turns, sizes.get('repeats', growth.repeats)).values())
    rows = []
    for i, (value, job) in enumerate(points):
        for k, variant in enumerate(variants):
            rounds, first = found[i * len(variants) + k], found[k]
            rows.append({'variant': variant.name, 'value': value, 'size': value / points[0][0],
                         'seconds': spread(costs(rounds)), 'time': ratios(rounds, first), 'peak_bytes': peak(rounds),
                         'rounds': rounds})
    return {'growth': growth.name, 'case': growth.case, 'quantity': growth.quantity, 'data': points[0][1]['name'],
            'load': load(), 'points': rows}


# -------------------------------------------------------------------------------------------------------------- run

def load():
    """How many processes wanted a core in the last minute, or None where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, 'getloadavg') else None


def end_on_sigterm():
    """Make SIGTERM end the script as an error does, so that the processes and the temporary folder go too."""
    def end(number, frame):
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, end)


def torch_of(given):
    """The path of an interpreter, and the version of PyTorch that it has; the path None where none was given."""
    if given is None:
        return None, {}
    python = shutil.which(given)
    try:
        if python is None:
            raise RequirementError('no such program')
        python = os.path.abspath(python)                    # the processes have another working directory
        return python, {'pytorch': run('pytorch', {'case': 'version'}, python)['version']}
    except (OSError, RnnbookError) as error:
        raise RequirementError('--torch-python must name an interpreter that has PyTorch and NumPy, not %s: %s'
                               % (given, error)) from error


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
    if args.before is not None:
        found = [(thing, variants + [before(variant, args.before) for variant in variants if variant.side == 'ours'])
                 for thing, variants in found]
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
    torch_python, versions = torch_of(args.torch_python)
    versions.update(run('prepare', {'case': 'versions'})['versions'])
    print('Measured with %s\n' % ', '.join('%s %s' % item for item in sorted(versions.items())), flush=True)
    report = {'versions': versions, 'quick': args.quick, 'sizes': sizes, 'cases': [], 'growth': []}
    if (load() or 0) > BUSY:
        say('other processes want the cores (load %.1f): the ratios are worth more than the seconds' % load())
    with tempfile.TemporaryDirectory(prefix='rnnbook-benchmark-') as folder:
        workshop = Workshop(folder, args.data_dir, args.quick)
        for thing, variants in planned:
            if isinstance(thing, Case):
                report['cases'].append(measure(thing, variants, workshop, sizes, torch_python))
                print(case_table(report['cases'][-1]), flush=True)
            else:
                report['growth'].append(measure_growth(thing, variants, workshop, sizes))
                print(growth_table(report['growth'][-1]), flush=True)
            if args.json is not None:                       # after each, so that what was measured is not lost
                files.write_text(args.json, json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    end_on_sigterm()
    sys.exit(main())
