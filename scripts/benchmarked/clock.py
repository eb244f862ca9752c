"""What every measuring process of `scripts/benchmark.py` shares. Standard library only, for any Python from 3.7 on."""

import json
import os
import sys
import time

try:
    import resource
except ImportError:                                         # Windows
    resource = None


def timed(work, skip, timings):
    """The seconds of each of a number of turns, after some that do not count.

    Parameters
    ----------
    work : iterator
        Does one piece of work each time that it is asked for the next value.
    skip : int
        The pieces that warm up: the first ones of TensorFlow and PyTorch allocate and choose kernels.
    timings : int

    Returns
    -------
    list of float
    """
    seconds = []
    for _ in range(skip + timings):
        begin = time.perf_counter()
        next(work)
        seconds.append(time.perf_counter() - begin)
    return seconds[skip:]


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


def child(cases):
    """Do the one job that the command line holds as JSON, and print what was found as one line of JSON.

    Parameters
    ----------
    cases : dict of str to callable
        Takes the job, a dict with its name under ``'case'``; returns a dict, for a measurement with ``'seconds'``, a
        list of timings, and ``'count'``, how many steps, rows or characters each of them covers.
    """
    job = json.loads(sys.argv[1])
    print(json.dumps(dict(cases[job['case']](job), peak_bytes=peak_bytes())))
