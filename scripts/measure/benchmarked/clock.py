"""What every measuring process of `scripts/benchmark.py` shares. Standard library only, for any Python from 3.7 on."""

import json
import os
import sys
import time

try:
    import resource
except ImportError:                                         # Windows
    resource = None


def cores():
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()


def peak_bytes():
    """The most memory that this process has had at once, or None where the system does not say."""
    try:
        with open('/proc/self/status', encoding='ascii', errors='replace') as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith('VmHWM:'))
    except (OSError, StopIteration):                        # not Linux; there the figure below counts the parent's too
        pass
    if resource is None:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)


def job_given():
    """The job that the command line holds as JSON, a dict with its name under ``'case'``."""
    return json.loads(sys.argv[1])


def answer(found):
    """Print a dict as one line of JSON."""
    print(json.dumps(found), flush=True)


def turns(cases):
    """Measure the job of the command line: warm up, answer, and then do one turn for each line of standard input.

    A job has the pieces of work of a turn under ``'pieces'``, and under ``'skip'`` those before the first turn, since
    TensorFlow and PyTorch allocate and choose kernels in their first ones. The answer to a line has ``'seconds'``, one
    for each piece; ``'count'``, how many steps, rows or characters a piece covers; and ``'peak_bytes'``.

    Parameters
    ----------
    cases : dict of str to callable
        Takes the job; returns the count, and an iterator that does a piece of work each time that it is asked for the
        next value.
    """
    job = job_given()
    count, work = cases[job['case']](job)
    for _ in range(job['skip']):
        next(work)
    answer({})
    for _ in sys.stdin:
        answer({'seconds': [seconds(work) for _ in range(job['pieces'])], 'count': count, 'peak_bytes': peak_bytes()})


def seconds(work):
    """How long the next piece of work takes."""
    begin = time.perf_counter()
    next(work)
    return time.perf_counter() - begin
