"""From the timings of `scripts/benchmark.py` to figures, and from figures to Markdown."""

import statistics


def costs(rounds):
    """The median of each round, in seconds for one step, row, character or run."""
    return [statistics.median(found['seconds']) / found['count'] for found in rounds]


def best(rounds):
    """The fastest piece of all rounds: other processes only make slower, so they have disturbed this one least."""
    return min(min(found['seconds']) / found['count'] for found in rounds)


def spread(values):
    """Median, smallest and largest."""
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values)}


def ratios(reference, rounds):
    """How many times as long the reference takes, round by round, and for the fastest pieces of both."""
    figures = spread([theirs / ours for theirs, ours in zip(costs(reference), costs(rounds))])
    return dict(figures, fastest=best(reference) / best(rounds))


def peak(rounds):
    """The most memory that the process has had at once, in bytes; None where the system does not say."""
    return max((found['peak_bytes'] for found in rounds if found['peak_bytes'] is not None), default=None)


def fastest(variants, found):
    """The rounds of the fastest of some variants; None if none of them was measured."""
    measured = [found[variant.name] for variant in variants if variant.name in found]
    return min(measured, key=lambda rounds: statistics.median(costs(rounds))) if measured else None


def peers(variant, variants):
    """The variants of PyTorch that do what a variant does."""
    return [other for other in variants if other.side == 'pytorch' and other.call == variant.call]


def summary(variant, rounds, reference, peer, before=None):
    """The figures of a variant, and the rounds that they come from.

    Parameters
    ----------
    variant : Variant
    rounds : list of dict
    reference, peer, before : list of dict, or None
        The rounds of the listing, of PyTorch and of the other checkout, where they were measured.
    """
    memory, theirs = peak(rounds), peak(reference or [])
    return {'variant': variant.name, 'keywords': variant.keywords, 'call': variant.call, 'rounds': rounds,
            'seconds': spread(costs(rounds)), 'fastest': best(rounds), 'peak_bytes': memory,
            'listing_ratio': reference and ratios(reference, rounds), 'pytorch_ratio': peer and ratios(peer, rounds),
            'before_ratio': before and ratios(before, rounds),
            'listing_memory': memory / theirs if memory and theirs else None}


# ---------------------------------------------------------------------------------------------------------- tables

def shown(figures, rate=False):
    """Median and spread as two cells."""
    if rate:
        figures = {'median': 1 / figures['median'], 'min': 1 / figures['max'], 'max': 1 / figures['min']}
    return ['%.4g' % figures['median'], '%.4g to %.4g' % (figures['min'], figures['max'])]


def ratio_shown(figures):
    """A ratio as two cells."""
    if figures is None:
        return ['', '']
    return ['%.2f (%.2f to %.2f)' % (figures['median'], figures['min'], figures['max']), '%.2f' % figures['fastest']]


def memory_shown(size):
    """Bytes as a cell in MB."""
    return '' if size is None else '%.0f' % (size / 1e6)


def markdown(header, rows):
    """The lines of a Markdown table."""
    return ['| %s |' % ' | '.join(cells) for cells in [header, ['---'] * len(header)] + rows]


def described(result):
    """Data, sizes and rounds on one line."""
    sizes = ['%s %s' % item for item in sorted(result.get('model', {}).items())]
    rounds = len((result.get('variants') or result.get('points'))[0]['rounds'])
    return 'Data: %s; %s' % (result['data'], ', '.join(sizes + ['%d rounds' % rounds]))


def case_table(result):
    """The Markdown of one case."""
    unit = '%ss a second' % result['unit'] if result['rate'] else 'seconds a %s' % result['unit']
    kinds = [kind for kind in ('listing', 'PyTorch', 'before') if kind != 'before' or any(
        found['before_ratio'] for found in result['variants'])]
    rows = [[found['variant']] + shown(found['seconds'], result['rate'])
            + [cell for kind in kinds for cell in ratio_shown(found[kind.lower() + '_ratio'])]
            + [memory_shown(found['peak_bytes']), '%.2f' % found['listing_memory'] if found['listing_memory'] else '']
            for found in result['variants']]
    header = ['variant', unit + ', median', 'spread']
    header += [cell for kind in kinds for cell in (kind + ' / this', 'of the fastest')]
    header += ['peak memory, MB', 'of the listing\'s']
    return '\n'.join(['### ' + result['title'], '', described(result), ''] + markdown(header, rows) + [''])


def growth_table(result):
    """The Markdown of one quantity that grows."""
    rows = [[str(found['value']), found['variant']] + shown(found['seconds'])
            + ['%.3g' % found['size']] + ratio_shown(found['time']) + [memory_shown(found['peak_bytes'])]
            for found in result['points']]
    header = [result['quantity'], 'variant', 'seconds, median', 'spread', 'size, times the first',
              'time, times the first', 'of the fastest', 'peak memory, MB']
    return '\n'.join(['### Growth of %s with %s' % (result['case'], result['quantity']), '', described(result), '']
                     + markdown(header, rows) + [''])
