"""Files that are their owner's alone."""

from __future__ import annotations

import os


def open_private(path: str, flags: int) -> int:
    """An `opener` for `open`: a new file is 0600 and, made by root, belongs to its folder's owner.

    So a command run with sudo leaves nothing in a home that its owner cannot open.
    """
    descriptor = os.open(path, flags, 0o600)
    if os.geteuid() == 0:
        folder = os.stat(os.path.dirname(path))
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor
