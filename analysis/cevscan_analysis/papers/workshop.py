# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the maps of the papers are made and opened: scan files, maps and figures in one folder."""
import copy
import json
import os
import subprocess
import sys
import time

from ..command import MapError, call, configuration, write
from ..expected import rates
from ..map_file import opened
from ..maps import open_map

REFUSED = 2     # exit code of a scan or map that does not fit
LOOK = {"name": "eps_ee_uV", "min": 0, "max": 1, "points": 2}   # an axis, where a scan file must have one


class Progress:
    """One line for the whole: on a terminal it is written over, in a file there is a line per stage and ten seconds."""

    def __init__(self, total, stream=None):
        self.total, self.done, self.start, self.stream = total, 0, time.monotonic(), stream or sys.stdout
        self.last = self.stage = None

    def step(self, stage, what):
        self.done += 1
        seconds = time.monotonic() - self.start
        line = f"[{self.done}/{self.total}] {seconds:4.0f} s  {stage}: {what}"
        if self.stream.isatty():
            print(f"\r\033[K{line[:110]}", end="", file=self.stream, flush=True)
        elif stage != self.stage or seconds - self.last > 10 or self.done == self.total:
            print(line, file=self.stream, flush=True)
            self.last = seconds
        self.stage = stage

    def end(self):
        if self.stream.isatty():
            print(file=self.stream)


def complete(path):
    """Of a map or a study."""
    try:
        with opened(path, ()) as file:
            return bool(file.file["progress/complete"][()])
    except MapError:
        return False


class Workshop:
    """The folder of a reproduction, and the program that fills it."""

    def __init__(self, folder, program):
        self.folder, self.program, self._maps, self._answers = folder, program, {}, {}
        for kind in ("scans", "maps", "figures", "tables"):
            os.makedirs(os.path.join(folder, kind), exist_ok=True)

    def path(self, kind, name, end):
        return os.path.join(self.folder, kind, name + end)

    def produce(self, scans, progress):
        """Makes the maps {name: scan} that are not there yet; a scan is a dict, the name of a file of configs/scans, or a text. A
        dict with the key "study" is a study, whose maps are NAME:SPACE/SET."""
        for name, scan in scans.items():
            progress.step("maps", name)
            file, out = self.path("scans", name, ".yaml"), self.path("maps", name, ".h5")
            text = scan_text(scan)
            if os.path.exists(out) and (not os.path.exists(file) or open(file, encoding="utf-8").read() != text):
                os.unlink(out)  # the map of another scan
            write(file, text)
            self._run("study" if isinstance(scan, dict) and "study" in scan else "run", file, out)
            self._maps.clear()
            with opened(out):   # as a whole: its maps are then opened without ado, one by one
                pass

    def _run(self, what, file, out):
        """Runs a scan, or goes on with its map. A map that is refused although the scan is sound holds other numbers (of changed
        experiments, or of another version of the program), and is made anew."""
        command = (self.program, what, file, "-o", out, "--quiet")
        if os.path.exists(out) and subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == REFUSED:
            call(self.program, "check", file, keep_output=True)
            os.unlink(out)
        if not os.path.exists(out) or not complete(out):
            call(*command)

    def prepare(self, name, base, change):
        """An experiment file beside the scan files: `base`, of which change(configuration) has altered something."""
        config = copy.deepcopy(self.experiments([base])[base])
        config.update(experiment=name)
        change(config)
        write(self.path("scans", name, ".yaml"), json.dumps(config, indent=1))

    def experiments(self, names):
        """{name: its file, with everything put in its place} of experiments."""
        scan = {"scan": "look", "experiments": list(names), "interaction": "nsi", "parameters": [LOOK]}
        return dict(zip(names, self._ask(scan, "check")["resolved"]["experiments"]))

    def point(self, experiments, data, parameters=()):
        """What `cevscan point` says: pulls and expected events of the best fit of the pulls. `parameters`: {name: value}."""
        fixed = [{"name": name, "value": value} for name, value in dict(parameters).items()]
        return self._ask({"scan": "look", "experiments": list(experiments), "interaction": "nsi", "data": data,
                          "parameters": [LOOK, *fixed]}, "point")

    def _ask(self, scan, command):
        """The answer of a command that takes a scan file, which need not stay."""
        text = json.dumps(scan, indent=1)
        if (text, command) not in self._answers:
            file = self.path("scans", f"look_{os.getpid()}", ".yaml")
            write(file, text)
            try:
                self._answers[text, command] = json.loads(call(self.program, command, file, "--json", keep_output=True))
            finally:
                os.unlink(file)
        return self._answers[text, command]

    def spectra(self, experiment, what):
        """What `cevscan spectra --of` says of an experiment; None if the program has no such command."""
        command = (self.program, "spectra", "-e", experiment, "--of", what, "--format", "json")
        if command not in self._answers:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self._answers[command] = json.loads(done.stdout) if done.returncode == 0 else None
        return self._answers[command]

    def map(self, name):
        """By its name, or STUDY:SPACE/SET."""
        if name not in self._maps:
            file, _, group = name.partition(":")
            self._maps[name] = open_map(self.path("maps", file, ".h5"), group or None)
        return self._maps[name]

    def maps(self, names):
        return [self.map(name) for name in names]

    def rates(self, experiments, interaction="nsi", settings=()):
        key = (tuple(experiments), interaction, tuple(settings))
        if key not in self._answers:
            self._answers[key] = rates(",".join(experiments), interaction, settings, self.program)
        return self._answers[key]


def scan_text(scan):
    """The text of a scan file; JSON is YAML."""
    if isinstance(scan, dict):
        return json.dumps(scan, indent=1) + "\n"
    if "\n" in scan:
        return scan
    path = configuration("scans", f"{scan}.yaml")
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise MapError(f"{path}: {error.strerror}") from None
