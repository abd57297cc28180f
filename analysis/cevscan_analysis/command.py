# SPDX-License-Identifier: GPL-3.0-or-later
"""What all commands of analysis/ share: errors in one line, arguments, and the program cevscan."""
import argparse
import decimal
import math
import os
import re
import shutil
import subprocess
import sys

from .disk import put, told
from .errors import MapError
from .parsing import Parser
from .printable import printable, without_controls

LIBRARIES = {"numpy": "h5py and numpy", "h5py": "h5py and numpy", "matplotlib": "matplotlib", "contourpy": "matplotlib"}
SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # analysis/, in the source tree or installed
HOME = os.path.dirname(SCRIPTS)
SMALLEST_LEVEL = 1e-100   # in %; its Delta chi2 is still a number
SMALLEST_DELTA = 1e-200
SUSPICIOUS_LEVEL = 0.5      # in %; from here to 1 what is meant is a fraction of 1
COMPLETE, POINTS_FAILED = 0, 3  # exit codes of cevscan; the second: complete, but some points have no value


def run(main):
    """Calls main() as a command: 0 if it returns, else one line on stderr and 2, or 74 if a disk is full or fails."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has seen enough
        _forget_output()
    except (MapError, OSError) as error:
        if isinstance(error, OSError):      # of stdout, if it names no file
            _forget_output()
            error = told(error.filename or "stdout", error)
        complain(error)
        raise SystemExit(error.code)
    except KeyboardInterrupt:
        complain("interrupted")
        raise SystemExit(130)
    raise SystemExit(0)


def _forget_output():
    """Python would try once more to write it, when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message):
    text = printable(" ".join(str(message).split()))
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr)


def missing(error, packages):
    """Ends one of our commands with a line that says what to install; programs of users get the ImportError."""
    if not is_ours():
        raise error
    complain(f"{error}; install {packages} for {sys.executable}")
    raise SystemExit(2)


def is_ours():
    """Is it one of our commands that runs, and not a program of the user's?"""
    own = os.path.realpath(sys.argv[0])     # "-c" of python -c
    return os.path.isfile(own) and os.path.dirname(own) == os.path.realpath(SCRIPTS)


def _end(kind, error, trace):
    """Of a command: a library that is missing, wherever it is asked for, is told in a line."""
    library = (getattr(error, "name", None) or "").partition(".")[0]
    if issubclass(kind, ModuleNotFoundError) and library in LIBRARIES:
        missing(error, LIBRARIES[library])
    sys.__excepthook__(kind, error, trace)


if is_ours():
    sys.excepthook = _end


def command_line(description, example, takes_maps=True):
    """A parser with the arguments that all commands share. "-1e-3" is a number here, not an option."""
    parser = Parser(description=description, epilog="example:\n  " + example, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
    if takes_maps:
        parser.add_argument("maps", nargs="+", metavar="MAP.h5", help="map of cevscan; after -- if it starts with a dash")
    return parser


def percentage(text):
    """Type of a confidence level in %, for argparse."""
    if text.strip().endswith("%"):
        raise argparse.ArgumentTypeError(f"{text}: levels are in % already; write {text.strip().rstrip('% ')}")
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a confidence level in %, such as 90") from None
    if not 0 < value < 100:
        is_near = value in (0, 100) and 0 < decimal.Decimal(text.strip()) < 100
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 100 %" +
                                         f": as near as numbers go it is {value:g}" * is_near)
    if value < SMALLEST_LEVEL:
        raise argparse.ArgumentTypeError(f"{text} % allows nothing that numbers can tell from the best fit; the least is "
                                         f"{SMALLEST_LEVEL:g} %")
    if SUSPICIOUS_LEVEL <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} % is nearly nothing; did you mean {100 * value:.6g}? Levels are in %")
    return value


def percentages(text):
    """Type of a list of confidence levels in %, without those that are there already."""
    return sorted({percentage(word) for word in text.split(",")})


def delta(text):
    """Type of a value of Delta chi2."""
    value = float(text)
    if not SMALLEST_DELTA <= value <= 1 / SMALLEST_DELTA:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number" + (
            f" between {SMALLEST_DELTA:g} and {1 / SMALLEST_DELTA:g}" if 0 < value < math.inf else ""))
    return value


def deltas(text):
    return sorted({delta(word) for word in text.split(",")})


def add_only(parser, what):
    parser.add_argument("--only", action="append", metavar="A,B,...",
                        help=f"labels of the maps to {what}, before they are renamed by --labels (default: all); repeated, each is one "
                             "label, which may hold commas")


def add_selection(parser):
    """--set and --where, which choose maps of studies: select(maps, options.sets, options.where)."""
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="NAME",
                        help="of a study, only the maps of this set of experiments (its name or title); can be repeated")
    parser.add_argument("--where", action=_Where, default={}, metavar="FACTOR=VALUE",
                        help="of a study, only the maps with this value of a factor (exposure, or one that the study names); can be "
                             "repeated: other values of the same factor are added")


class _Where(argparse.Action):
    """{factor: [values]}"""
    def __call__(self, parser, options, text, option=None):
        name, equals, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise argparse.ArgumentError(self, f"not FACTOR=VALUE with a number as value: {text}") from None
        found = dict(getattr(options, self.dest) or {})
        found[name.strip()] = [*found.get(name.strip(), []), number]
        setattr(options, self.dest, found)


def add_labels(parser, what="name of each map in the legend; TeX in $...$"):
    """--labels and --labels-file: labels_given(options) makes a list of them."""
    parser.add_argument("--labels", action="append", metavar="A,B,...",
                        help=f"{what}. Repeated, each is one label, which may hold commas")
    parser.add_argument("--labels-file", metavar="FILE", help="file of labels, one on each line")


def labels_given(options):
    """The labels of the command line, with control characters written out; None if there are none."""
    found = _labels_given(options)
    return found and [without_controls(label) for label in found]


def _labels_given(options):
    if options.labels and options.labels_file:
        raise MapError("--labels and --labels-file are two ways to say the same; choose one")
    if options.labels_file:
        try:
            with open(options.labels_file, encoding="utf-8", errors="surrogateescape") as file:
                return [line.strip() for line in file if line.strip()]
        except OSError as error:
            raise MapError(f"{options.labels_file}: {error.strerror}") from None
    if options.labels and len(options.labels) == 1:
        return [word.strip() for word in options.labels[0].split(",")]
    return options.labels


# ---------------------------------------------------------------------------------------------------- the program cevscan

def program():
    """bin/cevscan of this source tree, else that of $PATH."""
    own = os.path.join(HOME, "bin", "cevscan")
    return own if os.path.exists(own) else shutil.which("cevscan") or own


def configuration(kind, name):
    """Path of a file of configs/: kind is "scans" or "experiments"; in the source tree, else where it is installed."""
    paths = [os.path.join(HOME, *folder, name) for folder in (("configs", kind), (kind,))]
    return next(filter(os.path.exists, paths), paths[0])


def write(path, text):
    """Writes a text file, only if that changes something."""
    if not os.path.exists(path) or open(path, encoding="utf-8", errors="replace").read() != text:
        put(path, text.encode("utf-8"))


def call(*command, keep_output=False):
    """Runs a command; if it fails, its message is there already, and the whole ends with its exit code."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE if keep_output else None)
    except OSError as error:
        raise MapError(f"{command[0]}: {error.strerror}; build it with make") from None
    if done.returncode not in (COMPLETE, POINTS_FAILED):
        print(f"{os.path.basename(sys.argv[0])}: {os.path.basename(command[1] if command[0] == sys.executable else command[0])} "
              f"ended with {done.returncode}; the same command goes on from here", file=sys.stderr)
        raise SystemExit(done.returncode if done.returncode > 0 else 128 - done.returncode)
    return done.stdout
