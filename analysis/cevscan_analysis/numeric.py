# SPDX-License-Identifier: GPL-3.0-or-later
"""numpy and h5py, imported when something of them is first used: the help of a command, and programs that only import the
package, need not wait for them. HDF5's file locking is off: a job may be writing the map, and some file systems cannot lock."""
import importlib
import os

from .command import missing

__all__ = ["h5py", "np"]


class _Later:
    """A module that is imported when it is first used. What has been used of it is an attribute like any other."""

    def __init__(self, name, prepare=lambda: None):
        self._name, self._prepare = name, prepare

    def __getattr__(self, name):
        if name.startswith("__"):   # of Python's own questions none is worth the import
            raise AttributeError(name)
        self._prepare()
        try:
            value = getattr(importlib.import_module(self._name), name)
        except ImportError as error:
            missing(error, "h5py and numpy")
        self.__dict__[name] = value
        return value


np = _Later("numpy")
h5py = _Later("h5py", lambda: os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE"))
