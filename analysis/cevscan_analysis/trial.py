# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is opened by a process of its own first, whose time and memory are bounded.

HDF5 1.10 may crash, loop or ask for all memory on a file whose metadata are damaged, by a single flipped bit or by
intent. The process is a copy of this one (fork), which has HDF5 loaded: it costs some milliseconds, once for each file,
also for files of one's own, since a disk damages those too. It does with a small file all that will be done with it
afterwards; of a large one it looks at everything that says where the numbers are, at the small datasets, and at a
number of each chunk of the others. What is wrong in ways that HDF5 reports is none of its business: whoever reads the
file after it says so.
"""
import os
import resource
import select
import signal
import warnings

from .errors import MapError
from .numeric import h5py, np

SMALL = 1 << 20                         # bytes of a dataset that is read as a whole
SMALL_FILE = 1 << 25                    # bytes of a file of which all is done that will be done
MEMORY = 1 << 30                        # bytes beside those of the file
SECONDS, BYTES_A_SECOND = 4, 1 << 23    # of CPU time; the second for files of many small maps
TOO_MUCH_MEMORY = 3                     # exit code of the process
_tried = set()


def try_first(path, wanted=None, rehearse=None):
    """Raises MapError if the file cannot be opened in a process of bounded time and memory. `wanted`: names of the maps that
    will be read, if not all. rehearse(file, is_small) does what will be done with the open file; only what concerns its
    structure if it is large."""
    s = os.stat(path)
    identity = (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns)
    part = None if wanted is None else tuple(wanted)
    if not hasattr(os, "fork") or (identity, None) in _tried or (identity, part) in _tried:
        return
    seconds = SECONDS + s.st_size // BYTES_A_SECOND
    _judge(path, seconds, _state_of_trial((path, part, rehearse, s.st_size), seconds, MEMORY + 4 * s.st_size))
    _tried.add((identity, part))


def _judge(path, seconds, state):
    number = os.WTERMSIG(state) if state is not None and os.WIFSIGNALED(state) else 0
    if state is None or number in (signal.SIGXCPU, signal.SIGKILL):
        raise MapError(f"{path}: could not be checked in time: HDF5 did not come to an end with it in {seconds} s")
    if number:
        raise MapError(f"{path}: an HDF5 file, but damaged: HDF5 fails on it ({signal.strsignal(number)})")
    if os.WEXITSTATUS(state) == TOO_MUCH_MEMORY:
        raise MapError(f"{path}: could not be checked: HDF5 asks for more memory than a file of this size needs")


def _state_of_trial(what, seconds, memory):
    """Wait status of the process; None if it had to be ended."""
    np.prod, h5py.File              # loaded here, once, and not by each copy
    reading, writing = os.pipe()    # its end says that the process is gone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of processes with threads: the copy needs none of them
        child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            code = _trial(*what, seconds, memory)
        finally:
            os._exit(code)
    os.close(writing)
    try:
        in_time = select.select([reading], [], [], 30 + 10 * seconds)[0]
        if not in_time:
            os.kill(child, signal.SIGKILL)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(reading)
    state = os.waitpid(child, 0)[1]
    return state if in_time else None


def _trial(path, part, rehearse, size, seconds, memory):
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT, signal.SIGILL, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    with open("/proc/self/statm", encoding="ascii") as file:
        memory += int(file.read().split()[0]) * resource.getpagesize()
    for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, memory)):
        resource.setrlimit(limit, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))     # of this process: it begins at zero
    try:
        if size > SMALL_FILE or not rehearse:
            with h5py.File(path, "r", rdcc_nbytes=0) as file:
                _look_at(file, part, 0)
        if rehearse:
            with h5py.File(path, "r") as file:
                rehearse(file, size <= SMALL_FILE)
    except MemoryError:
        return TOO_MUCH_MEMORY
    except Exception:  # noqa: BLE001  whoever reads the file meets it again
        return 0
    return 0


def _look_at(group, part, depth):
    _look_at_attributes(group)
    for name in group if part is None or depth else _of_part(group, part):
        try:
            item = group[name]
            if isinstance(item, h5py.Group) and depth < 8:
                _look_at(item, part, depth + 1)
            elif isinstance(item, h5py.Dataset):
                _look_at_dataset(item)
        except (OSError, TypeError, ValueError, KeyError, RuntimeError):    # what HDF5 reports; others may be worse
            pass


def _of_part(file, part):
    """What is looked at of a file of which only some maps will be read. The maps of format 2 lie together."""
    if "maps" not in file:
        return list(file)
    return [name for name in file if name != "maps"] + [f"maps/{name}" for name in part if f"maps/{name}" in file]


def _look_at_attributes(item):
    for name in item.attrs:
        try:
            item.attrs[name]
        except (OSError, TypeError, ValueError, KeyError):
            pass


def _look_at_dataset(dataset):
    _look_at_attributes(dataset)
    for k in range(dataset.ndim if "DIMENSION_LIST" in dataset.attrs else 0):
        if len(dataset.dims[k]):
            h5py.h5ds.get_scale_name(dataset.dims[k][0].id)
    if dataset.nbytes <= SMALL:
        dataset[()]
    elif dataset.chunks:
        dataset[tuple(slice(0, None, n) for n in dataset.chunks)]
    elif np.prod(dataset.shape):
        dataset[(0,) * dataset.ndim]
