# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written in one stroke: what is made in memory, beside its place, and renamed. If the disk fails, nothing of it is left,
and what was there before stays."""
import errno
import os

from .errors import MapError, WriteError

OF_DISKS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EROFS)    # what the user could not have written otherwise


def put(path, data):
    """Writes bytes. Raises WriteError if the disk is full or fails, MapError if the place is none."""
    path = os.fspath(path)
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")
    try:
        try:
            with open(temporary, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise told(path, error) from None


def told(path, error):
    """An OSError in words."""
    kind = WriteError if error.errno in OF_DISKS else MapError
    return kind(f"{path}: {error.strerror or error}")
