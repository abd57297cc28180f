# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program expects of experiments: events by bin, and the spectra that they are folded from."""
import json
import subprocess

from .command import MapError, program
from .numeric import np


def rates(experiments, interaction="nsi", settings=(), cevscan=None):
    """{experiment: what `cevscan rates --json` says of it; its help lists the keys}: counts are events in the experiment's whole
    exposure, by bin. `experiments` are names or files, in a list or comma separated; `settings` are {parameter: value} or texts
    PARAMETER=VALUE; `cevscan` is the program."""
    return asked("rates", experiments, interaction, settings, [], cevscan)


def spectra(experiments, of="recoil", interaction="nsi", settings=(), low=None, high=None, points=None, log=False, energy_MeV=None,
            cevscan=None):
    """{experiment: what `cevscan spectra --json` says of it}. `of`: "recoil", "cross_section", "form_factor", "flux", "probability"
    or "response"; the grid has `points` energies from `low` to `high`, in logarithmic steps with `log`. pick() takes curves out."""
    words = [f"--of={of}"] + ["--log"] * bool(log)
    for name, value in (("from", low), ("to", high), ("points", points), ("energy", energy_MeV)):
        words += [] if value is None else [f"--{name}={value}"]
    return asked("spectra", experiments, interaction, settings, words, cevscan)


def pick(spectrum, **what):
    """Energies and values of the one curve of a spectrum that is of quantity, nucleus, component and bin as they are given, and of
    none of those that are not: pick(found, component="nu_e") is of all nuclei."""
    kinds = ("nucleus", "component", "bin")
    curves = [curve for curve in spectrum["curves"] if what.get("quantity") in (None, curve["quantity"])
              and all(curve.get(kind) == what.get(kind) for kind in kinds)]
    if len(curves) != 1:
        known = [", ".join(str(curve[key]) for key in ("quantity", *kinds) if key in curve) for curve in spectrum["curves"]]
        raise MapError(f"{len(curves)} curves are of {what}; there are: {'; '.join(known)}")
    return np.array(spectrum[spectrum["x"]], float), np.array(curves[0]["values"], float)


def impacts(scan, parameter=None, cevscan=None):
    """What `cevscan impacts --json` says of a scan file: the best fit, and of each pull its range and its impacts on the parameter."""
    words = ["impacts", str(scan), "--json"] + (["--parameter", parameter] if parameter else [])
    return said(cevscan or program(), words)


KEYS_OF_IMPACTS = {"parameter", "label", "chi2", "bins", "best_fit", "pulls"}
KEYS_OF_PULL = {"name", "sigma", "best", "range", "impact", "at_bound"}


def impacts_in(path):
    """The same, from a file that `cevscan impacts --json` wrote. Raises MapError."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except OSError as error:
        raise MapError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MapError(f"{path}: not JSON as `cevscan impacts --json` writes it ({error})") from None
    if not isinstance(found, dict) or not KEYS_OF_IMPACTS <= found.keys() or not isinstance(found["pulls"], list) or \
            not all(isinstance(pull, dict) and KEYS_OF_PULL <= pull.keys() for pull in found["pulls"]):
        raise MapError(f"{path}: JSON, but not that of `cevscan impacts --json`")
    return found


def asked(command, experiments, interaction, settings, words, cevscan):
    if hasattr(settings, "items"):
        settings = [f"{name}={value!r}" for name, value in settings.items()]
    names = experiments if isinstance(experiments, str) else ",".join(map(str, experiments))
    words = [command, "-e", names, "--interaction", interaction, "--json", *words]
    return said(cevscan or program(), words + [f"--set={setting}" for setting in settings])


def said(cevscan, words):
    """What the program prints as JSON; its own message, where it refuses."""
    try:
        done = subprocess.run([str(cevscan), *words], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace")
    except OSError as error:
        raise MapError(f"{cevscan}: {error.strerror}; build it with make") from None
    if done.returncode != 0:
        raise MapError(message_of(done.stderr) or f"{cevscan} {words[0]} ended with {done.returncode}")
    return json.loads(done.stdout)


def message_of(errors):
    """The program's own words among what its libraries say."""
    start = "cevscan: error: "
    return next((line[len(start):] for line in errors.splitlines() if line.startswith(start)), errors.strip())
