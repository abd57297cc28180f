#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Experiment files from XENONnT's release of its search for solar 8B neutrinos (doi:10.5281/zenodo.20576156)."""
import argparse
import csv
import math
import os
import re
import sys
import tempfile
from dataclasses import dataclass, field

from cevscan_analysis.command import MapError, run
from cevscan_analysis.disk import told
from cevscan_analysis.numeric import h5py, np
from cevscan_analysis.parsing import Parser
from cevscan_analysis.trust import check_place, try_first

CITATION = ("data release of the XENON collaboration, doi:10.5281/zenodo.20576156, CC BY 4.0; E. Aprile et al. (XENON), "
            "Phys. Rev. Lett. 133 (2024) 191002, Phys. Rev. Lett. 134 (2025) 111802, arXiv:2604.06002; "
            "converted by analysis/import_xenonnt.py")
N_OBSERVABLE = 4
N_ROW = 8  # numbers in a line of the files that are written

# Exposure in tonne years, relative uncertainty of the accidental coincidences.
EXPOSURE_T_YR = {"sr0": 1.174398, "sr1": 2.342593}
ACCIDENTALS = {"sr0": 0.0904, "sr1": 0.0576}

# Name, folder and end of the file's name, {} for the yields; pull and its relative uncertainty (None: of the run).
BACKGROUNDS = (("accidental_coincidences", "ac", "", "xenonnt_{run}.accidental_coincidences", None),
               ("electronic_recoils", "er", "", "xenonnt.electronic_recoils", 1),
               ("neutrons", "rg", "_{yields}", "xenonnt.neutrons", 0.58))

# Pulls of the yields, and one standard deviation of (tly, tqy).
YIELDS = (("xenonnt.light_yield", (1, 0)), ("xenonnt.charge_yield", (0, 1)))

DESCRIPTION = """\
Turns a downloaded copy of XENONnT's release of its search for solar 8B neutrinos (doi:10.5281/zenodo.20576156, CC BY 4.0)
into experiment files, one for each science run: DIR/xenonnt_sr0.yaml, DIR/xenonnt_sr1.yaml. Scan them together as
`experiments: [xenonnt_sr0, xenonnt_sr1]`, from a file in DIR or with CEVSCAN_PATH=DIR.

They are template experiments: the response to a nuclear recoil and the backgrounds are histograms that the experiment
gives, here in 81 bins of four observables, and cevscan folds the recoil spectrum with the former. Other releases of that
kind can be written in the same form by hand; my_release in configs/reference.yaml shows it.

  response      templates/RUN/mono: efficiency of each bin at recoils of so many keV; linear in between, zero outside
  backgrounds   templates/RUN/{ac,er,rg}, per tonne and year, times the exposure
  observed      the events of data/RUN.csv in the bins of binning/RUN.yaml, in the order of the templates
  pulls         flux_b8 12 %, shared by all that see solar 8B neutrinos; accidental coincidences 9.04 % (SR0) and 5.76 %
                (SR1), apart for each run; electronic recoils 100 % and neutrons 58 %, shared by the runs"""

EPILOG = """\
The light and charge yields change the shape of the signal and of the neutrons. --tly and --tqy choose their value in standard
deviations, where the release has such templates, for scans of an alternative on its own; its files have names of their own
(xenonnt_sr0_tqy_down.yaml). --pull-yields makes them pulls, xenonnt.light_yield and xenonnt.charge_yield, shared by the runs: all
counts then follow them linearly through what the release gives one standard deviation away on either side
(xenonnt_sr0_yields.yaml).

examples:
  import_xenonnt.py release -o experiments
  import_xenonnt.py release -o experiments --pull-yields
  import_xenonnt.py release -o experiments --tqy -1
  import_xenonnt.py release -o experiments --runs sr2 --exposure sr2=EXPOSURE --accidentals sr2=UNCERTAINTY"""


# ------------------------------------------------------------------------------------------------------ command line

def of_run(text):
    """sr2=3.5"""
    name, _, value = text.partition("=")
    number = float(value)
    if not re.fullmatch(r"sr\d+", name) or not 0 < number < math.inf:
        raise ValueError
    return name, number


def arguments():
    parser = Parser(description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser._negative_number_matcher = re.compile(r"^-\d")
    parser.add_argument("release", metavar="RELEASE_DIR", help="folder that holds data/, binning/ and templates/")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder of the experiment files; made if missing")
    parser.add_argument("--runs", metavar="A,B,...", help="science runs (default: all of the release whose exposure is known)")
    parser.add_argument("--tly", type=int, choices=(-1, 0, 1), default=0, help="light yield, in sigma (default: 0)")
    parser.add_argument("--tqy", type=int, choices=(-1, 0, 1), default=0, help="charge yield, in sigma (default: 0)")
    parser.add_argument("--pull-yields", action="store_true", help="give the light and charge yields pulls; not with --tly and --tqy")
    parser.add_argument("--exposure", metavar="RUN=TONNE_YEARS", type=of_run, action="append", default=[],
                        help="of a run; known: " + ", ".join(f"{r} {x}" for r, x in EXPOSURE_T_YR.items()))
    parser.add_argument("--accidentals", metavar="RUN=SIGMA", type=of_run, action="append", default=[],
                        help="relative uncertainty of a run's accidental coincidences; known: "
                             + ", ".join(f"{r} {x}" for r, x in ACCIDENTALS.items()))
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    options = parser.parse_args()
    if options.pull_yields and (options.tly or options.tqy):
        parser.error("--pull-yields begins at the nominal yields: give it without --tly and --tqy")
    return options


def runs_of(options, exposures, accidentals):
    """Those asked for; else those that are there and known."""
    folder = os.path.join(options.release, "data")
    if not os.path.isdir(folder):
        raise MapError(f"{options.release}: not a copy of the release: there is no folder data in it")
    there = sorted(name[:-4] for name in os.listdir(folder) if re.fullmatch(r"sr\d+\.csv", name))
    if options.runs is not None:
        chosen = [name.strip() for name in options.runs.split(",")]
        for name in chosen:
            if name not in there:
                raise MapError(f"{folder}: unknown run \"{name}\"; the release has {', '.join(there) or 'none'}")
            if name not in exposures or name not in accidentals:
                raise MapError(f"{name}: no exposure or no uncertainty of the accidental coincidences is known; give --exposure "
                               f"{name}=TONNE_YEARS and --accidentals {name}=SIGMA")
        if len(set(chosen)) < len(chosen):
            raise MapError(f"--runs: a run is named twice: {options.runs}")
        return chosen
    known = [name for name in there if name in exposures and name in accidentals]
    if not known:
        raise MapError(f"{folder}: none of the runs that are known ({', '.join(exposures)})")
    for name in there:
        if name not in known:
            note(f"{name} is left out: give --exposure {name}=TONNE_YEARS and --accidentals {name}=SIGMA to import it")
    return known


def note(text):
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr)


# ----------------------------------------------------------------------------------------------------------- reading

@dataclass
class Run:
    """A science run as an experiment sees it; arrays [bin] and [recoil][bin] with the last observable innermost."""
    name: str
    exposure_t_yr: float
    observables: list
    edges: list
    recoil_keV: list = field(default_factory=list)
    efficiency: np.ndarray = None
    backgrounds: dict = field(default_factory=dict)
    observed: np.ndarray = None
    n_outside: int = 0
    other_yields: dict = field(default_factory=dict)  # {pull: {"up" or "down": (efficiency, {background: counts})}}

    @property
    def shape(self):
        return tuple(len(edges) - 1 for edges in self.edges)


def read_template(path):
    """Names and edges of the observables, and the histogram."""
    if not os.path.isfile(path):
        raise MapError(f"{path}: the template is missing")
    check_place(path)
    try_first(path)
    try:
        with h5py.File(path, "r") as h5:
            axes = [h5[f"bins/{k}"] for k in range(N_OBSERVABLE)]
            names = [str(axis.attrs["name"]) for axis in axes]
            edges = [np.array(axis[...], dtype=float) for axis in axes]
            values = np.array(h5["templates/template"][...], dtype=float)
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise MapError(f"{path}: not a template of the release: {error}") from None
    shape = tuple(len(e) - 1 if e.ndim == 1 else 0 for e in edges)
    if values.shape != shape:
        raise MapError(f"{path}: the template has the shape {values.shape}, but its bins have {shape}")
    if not np.all(np.isfinite(values)) or values.min(initial=0) < 0:
        raise MapError(f"{path}: a value of the template is negative or no number")
    return names, edges, values


def template_in(run_, path):
    """A template in the bins of the run, flattened."""
    names, edges, values = read_template(path)
    if [name_of(run_, name) for name in names] != run_.observables:
        raise MapError(f"{path}: the template is one in {', '.join(names)}, not in {', '.join(run_.observables)}")
    for name, mine, its in zip(run_.observables, run_.edges, edges):
        if mine.shape != its.shape or not np.allclose(mine, its, rtol=1e-9, atol=1e-9):
            raise MapError(f"{path}: the bins in {name} are not those of binning/{run_.name}.yaml")
    return values.ravel()


def name_of(run_, name):
    """Templates call s2_shadow_s2_time_shadow what is s2_shadow_s2_time_shadow_quantile elsewhere."""
    return name if name in run_.observables else name + "_quantile"


def read_binning(path):
    """Four lists of numbers, `name:` and below it `- number`: all of YAML that the release uses."""
    edges, name = {}, None
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except UnicodeDecodeError:
        raise MapError(f"{path}: not a text file") from None
    for number, line in enumerate(lines, 1):
        text = line.split("#")[0].strip()
        if re.fullmatch(r"\w+:", text):
            name = text[:-1]
            if name in edges:
                raise MapError(f"{path}:{number}: {name} comes twice")
            edges[name] = []
        elif text.startswith("- ") and name is not None:
            edges[name].append(number_of(text[2:], f"{path}:{number}"))
        elif text:
            raise MapError(f"{path}:{number}: expected \"name:\" or \"- number\", not \"{text}\"")
    if len(edges) != N_OBSERVABLE:
        raise MapError(f"{path}: {len(edges)} observables, not {N_OBSERVABLE}")
    for name, values in edges.items():
        if len(values) < 2 or np.any(np.diff(values) <= 0):
            raise MapError(f"{path}: the edges of {name} do not increase, or are fewer than two")
    return {name: np.array(values) for name, values in edges.items()}


def number_of(text, where):
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise MapError(f"{where}: \"{text}\" is not a number")
    return value


def read_events(path, observables):
    """[event][observable]"""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in observables if name not in (reader.fieldnames or [])]
            if missing:
                raise MapError(f"{path}: no column {', '.join(missing)}")
            events = [[number_of(row[name], f"{path}:{reader.line_num}: {name}") for name in observables] for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise MapError(f"{path}: not a table of events: {error}") from None
    return np.array(events).reshape(-1, len(observables))


def mono_templates(release, run_, yields):
    """[(recoil_keV, path)], by energy. An energy that only other yields have is missing."""
    folder = os.path.join(release, "templates", run_, "mono")
    pattern = re.compile(rf"template_XENONnT_{run_}_mono_(\d+\.?\d*)_cevns_(tly_\S+_tqy_\S+)\.h5")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found = [(match[1], match[2]) for match in map(pattern.fullmatch, names) if match]
    path = lambda energy: os.path.join(folder, f"template_XENONnT_{run_}_mono_{energy}_cevns_{yields}.h5")
    mine = sorted((float(energy), path(energy)) for energy, its in found if its == yields)
    if len(mine) < 2:
        raise MapError(f"{folder}: {len(mine)} mono-energetic templates with {yields}; at least two are needed")
    for (low, _), (high, twice) in zip(mine, mine[1:]):
        if not high > low > 0:
            raise MapError(f"{twice}: the recoil energies do not increase: there is another template of {high:g} keV, or one of "
                           "zero")
    for energy in sorted({energy for energy, _ in found}, key=float):
        if float(energy) not in {e for e, _ in mine}:
            raise MapError(f"{path(energy)}: the template is missing")
    steps = np.diff([energy for energy, _ in mine])
    if steps.max() > 1.5 * steps.min():
        low = mine[int(steps.argmax())][0]
        raise MapError(f"{folder}: no template with {yields} between {low:g} and {low + steps.max():g} keV, where others are "
                       f"{steps.min():.3g} keV apart")
    return mine


def read_efficiency(run_, mono):
    """[recoil][bin]"""
    efficiency = np.array([template_in(run_, path) for _, path in mono])
    for (_, path), total in zip(mono, efficiency.sum(axis=1)):
        if total > 1 + 1e-9:
            raise MapError(f"{path}: the efficiencies of the bins add up to {total:g}, more than 1")
    return efficiency


def read_background(release, run_, folder, end):
    file = f"template_XENONnT_{run_.name}_{folder}_cevns{end}.h5"
    return run_.exposure_t_yr * template_in(run_, os.path.join(release, "templates", run_.name, folder, file))


def yields_of(tly, tqy):
    return f"tly_{tly:.1f}_tqy_{tqy:.1f}"


def read_other_yields(release, run_):
    """What changes with the yields, one standard deviation away from the nominal ones."""
    for pull, step in YIELDS:
        sides = run_.other_yields[pull] = {}
        for side, sign in (("up", 1), ("down", -1)):
            yields = yields_of(*(sign * x for x in step))
            mono = mono_templates(release, run_.name, yields)
            if [energy for energy, _ in mono] != run_.recoil_keV:
                raise MapError(f"{mono[0][1]}: the recoil energies with {yields} are not those of the nominal yields")
            backgrounds = {component: read_background(release, run_, folder, end.format(yields=yields))
                           for component, folder, end, _, _ in BACKGROUNDS if "{yields}" in end}
            sides[side] = read_efficiency(run_, mono), backgrounds


def read_run(release, name, exposure_t_yr, options):
    yields = yields_of(options.tly, options.tqy)
    mono = mono_templates(release, name, yields)
    binning = read_binning(os.path.join(release, "binning", name + ".yaml"))
    run_ = Run(name, exposure_t_yr, list(binning), [])
    # The order of the axes is the templates', whatever the order in the file of the bins.
    run_.observables = [name_of(run_, axis) for axis in read_template(mono[0][1])[0]]
    unknown = [axis for axis in run_.observables if axis not in binning]
    if unknown or len(set(run_.observables)) < N_OBSERVABLE:
        raise MapError(f"{mono[0][1]}: the template is one in {', '.join(run_.observables)}, but binning/{name}.yaml has bins in "
                       f"{', '.join(binning)}")
    run_.edges = [binning[axis] for axis in run_.observables]
    run_.recoil_keV = [energy for energy, _ in mono]
    run_.efficiency = read_efficiency(run_, mono)
    for component, folder, end, _, _ in BACKGROUNDS:
        run_.backgrounds[component] = read_background(release, run_, folder, end.format(yields=yields))
    if options.pull_yields:
        read_other_yields(release, run_)
    path = os.path.join(release, "data", name + ".csv")
    events = read_events(path, run_.observables)
    counts, _ = np.histogramdd(events, bins=run_.edges)
    run_.observed = counts.ravel().astype(int)
    run_.n_outside = len(events) - run_.observed.sum()
    if run_.n_outside:
        note(f"{path}: {run_.n_outside} of {len(events)} events lie outside of the bins and are left out")
    return run_


# ----------------------------------------------------------------------------------------------------------- writing

def numbers(values, indent):
    """A list over as many lines as it takes."""
    texts = [f"{value:.9g}" for value in values]
    lines = [", ".join(texts[k:k + N_ROW]) for k in range(0, len(texts), N_ROW)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


TARGET = """\
  form_factor: {name: klein_nystrand, range_fm: 0.7, radius_coefficient_fm: 1.23}
  nuclei:                       # natural xenon
    - name: Xe
      citation: "mole fractions: J. Meija et al., Pure Appl. Chem. 88 (2016) 293, rounded; masses A u"
      isotopes:
        - {isotope: Xe124, abundance: 0.0010, mass_u: 124}
        - {isotope: Xe126, abundance: 0.0009, mass_u: 126}
        - {isotope: Xe128, abundance: 0.0191, mass_u: 128}
        - {isotope: Xe129, abundance: 0.2640, mass_u: 129}
        - {isotope: Xe130, abundance: 0.0407, mass_u: 130}
        - {isotope: Xe131, abundance: 0.2123, mass_u: 131}
        - {isotope: Xe132, abundance: 0.2691, mass_u: 132}
        - {isotope: Xe134, abundance: 0.1044, mass_u: 134}
        - {isotope: Xe136, abundance: 0.0886, mass_u: 136}
"""


def yields_name(options):
    if options.pull_yields:
        return "_yields"
    words = {-1: "_down", 0: "", 1: "_up"}
    return "".join(f"_{name}{words[value]}" for name, value in (("tly", options.tly), ("tqy", options.tqy)) if value)


def text_of(run_, name, options, accidentals):
    """The experiment file."""
    shape = " x ".join(map(str, run_.shape))
    is_nominal = not options.tly and not options.tqy
    at = "nominal yields" if is_nominal else f"light yield {options.tly:+d} sigma, charge yield {options.tqy:+d} sigma"
    lines = [f"# XENONnT {run_.name.upper()}, {shape} bins in {', '.join(run_.observables)} (innermost)",
             f"# {at}; {run_.observed.sum()} events, {run_.n_outside} outside of the bins; written by analysis/import_xenonnt.py",
             f"experiment: {name}",
             f'title: "XENONnT {run_.name.upper()}' + ("" if is_nominal else f", {at}") + '"',
             f'citation: "{CITATION}"', "",
             "source:", "  name: solar_b8",
             "  flux_per_cm2_s: 5.46e+6       # of the standard solar model B16-GS98",
             "  live_years: 1                 # the mass holds the exposure",
             "  latitude_deg: 42.45",
             '  citation: "flux: N. Vinyoles et al., Astrophys. J. 835 (2017) 202; oscillations: I. Esteban et al., '
             'JHEP 09 (2020) 178"',
             "", "target:",
             f"  mass_kg: {1000 * run_.exposure_t_yr:.9g}             # {run_.exposure_t_yr:.9g} tonne years"]
    lines.append(TARGET)
    lines += ["response:", "  name: table                   # efficiency of each bin", "  recoil_keV:",
              "    " + numbers(run_.recoil_keV, 4), "  bins:"]
    lines += ["    - " + numbers(column, 6) for column in run_.efficiency.T]
    lines += ["", "backgrounds:"]
    for component, counts in run_.backgrounds.items():
        lines += [f"  - name: {component}", "    counts:", "      " + numbers(counts, 6)]
    lines += ["", "observed:", "  " + numbers(run_.observed, 2), "", "pulls:",
              "  - {name: flux_b8, sigma: 0.12, scales: [signal]}      # shared by all that see solar 8B neutrinos"]
    for component, _, _, pull, sigma in BACKGROUNDS:
        sigma = accidentals if sigma is None else sigma
        lines.append(f"  - {{name: {pull.format(run=run_.name)}, sigma: {sigma:g}, scales: [{component}]}}")
    for pull, sides in run_.other_yields.items():
        lines += [f"  - name: {pull}", "    sigma: 1                    # N(a) = N(0) + a [N(up) - N(down)]/2"]
        for side, (efficiency, backgrounds) in sides.items():
            lines += [f"    {side}:", "      bins:"] + ["        - " + numbers(column, 10) for column in efficiency.T]
            lines.append("      backgrounds:")
            for component, counts in backgrounds.items():
                lines += [f"        {component}:", "          " + numbers(counts, 10)]
    return "\n".join(lines) + "\n"


def write_all(texts, force):
    """All files or none, each in one step: {path: text}."""
    if not force:
        for path in texts:
            if os.path.lexists(path):
                raise MapError(f"{path}: exists already; --force replaces it")
    written = {}
    try:
        for path, text in texts.items():
            handle, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".import_xenonnt.")
            written[path] = draft
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(draft, 0o644)
        for path in list(written):
            os.replace(written[path], path)
            del written[path]
    except OSError as error:
        raise type(told(path, error))(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        for draft in written.values():
            os.unlink(draft)


def main():
    options = arguments()
    exposures = {**EXPOSURE_T_YR, **dict(options.exposure)}
    accidentals = {**ACCIDENTALS, **dict(options.accidentals)}
    texts = {}
    for name in runs_of(options, exposures, accidentals):
        run_ = read_run(options.release, name, exposures[name], options)
        experiment = f"xenonnt_{name}{yields_name(options)}"
        texts[os.path.join(options.output, experiment + ".yaml")] = text_of(run_, experiment, options, accidentals[name])
    os.makedirs(options.output, exist_ok=True)
    write_all(texts, options.force)
    for path in texts:
        print(path)


if __name__ == "__main__":
    run(main)
