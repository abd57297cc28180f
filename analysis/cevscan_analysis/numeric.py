# SPDX-License-Identifier: GPL-3.0-or-later
"""h5py and numpy, with HDF5's file locking off: a job may be writing the map, and some file systems cannot lock."""
import os

from .command import missing

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

try:
    import h5py
    import numpy as np
except ImportError as error:
    missing(error, "h5py and numpy")

__all__ = ["h5py", "np"]
