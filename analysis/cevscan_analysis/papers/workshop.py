# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the maps of the papers are made and opened: scan files, maps and figures in one folder."""
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
        self.folder, self.program, self._maps = folder, program, {}
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
        scan = self.path("scans", f"{name}_base", ".yaml")
        write(scan, json.dumps({"scan": name, "experiments": [base], "interaction": "nsi",
                                "parameters": [{"name": "eps_ee_uV", "min": 0, "max": 1, "points": 2}]}, indent=1))
        config = json.loads(call(self.program, "check", scan, "--json", keep_output=True))["resolved"]["experiments"][0]
        config.update(experiment=name)
        change(config)
        write(self.path("scans", name, ".yaml"), json.dumps(config, indent=1))
        os.unlink(scan)

    def map(self, name):
        """By its name, or STUDY:SPACE/SET."""
        if name not in self._maps:
            file, _, group = name.partition(":")
            self._maps[name] = open_map(self.path("maps", file, ".h5"), group or None)
        return self._maps[name]

    def maps(self, names):
        return [self.map(name) for name in names]

    def rates(self, experiments, interaction="nsi", settings=()):
        return rates(",".join(experiments), interaction, settings, self.program)


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
