# SPDX-License-Identifier: GPL-3.0-or-later
"""A parser of command lines that loses nothing: an option that holds one value is not given twice, and no input is written over."""
import argparse
import difflib
import os
import re


class Parser(argparse.ArgumentParser):
    def __init__(self, **options):
        super().__init__(**options)
        self.register("action", None, _Once)
        self.register("action", "store", _Once)

    def parse_args(self, args=None, namespace=None):
        options = super().parse_args(args, namespace)
        vars(options).pop(_Once.SEEN, None)
        self._keep_inputs(options)
        return options

    def error(self, message):
        """An option that is none, but nearly one, is told its name."""
        start = "unrecognized arguments: "
        known = [word for word in self._option_string_actions if word.startswith("--")]
        for word in message.removeprefix(start).split() if message.startswith(start) else ():
            near = difflib.get_close_matches(word.partition("=")[0], known, 1, 0.7) if word.startswith("--") else []
            if near:
                message += f"; did you mean {near[0]}?"
                break
        super().error(message)

    def _keep_inputs(self, options):
        """Refuses a file to write that is one of those to read, or an HDF5 file under a name that no HDF5 file has."""
        outputs = [path for path in texts_of(getattr(options, "output", None)) if os.path.isfile(path)]
        inputs = [path for name, value in vars(options).items() if name != "output" for text in texts_of(value)
                  for path in files_in(text)]
        for output in outputs:
            if any(os.path.samefile(output, path) for path in inputs):
                self.error(f"-o {output}: is one of the files to read; it would be lost. Choose another name")
            if is_hdf5(output) and not output.lower().endswith((".h5", ".hdf5")):
                self.error(f"-o {output}: is an HDF5 file, as maps are; it would be lost. Choose another name")


class _Once(argparse.Action):
    """Keeps a value, as argparse does, but not in place of another one of the same command line."""
    SEEN = "_options_given"

    def __call__(self, parser, options, value, option=None):
        seen = vars(options).setdefault(self.SEEN, set())
        if option and self.dest in seen:
            together = ", all its values with commas in between" if ",..." in str(self.metavar) else ""
            raise argparse.ArgumentError(self, f"is given twice, and one of them would be lost; give it once{together}")
        seen.add(self.dest)
        setattr(options, self.dest, value)


def texts_of(value):
    """What an option holds, as texts."""
    return [text for text in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(text, str) and text]


def files_in(text):
    """The files that an argument may mean: FILE, FILE:MAP, [N:]FILE[,LABEL]."""
    bare = re.sub(r"^\d+:", "", text)
    places = {text, text.rpartition(":")[0], bare, bare.partition(",")[0]}
    return [path for path in places if "\0" not in path and os.path.isfile(path)]


def is_hdf5(path):
    try:
        with open(path, "rb") as file:
            return file.read(8) == b"\x89HDF\r\n\x1a\n"
    except OSError:
        return False
