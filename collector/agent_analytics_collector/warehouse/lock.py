"""Who has the DuckDB file open, asked without opening it in DuckDB."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

import psutil

# struct flock as the kernel has it: Linux type, whence, start, length, pid; macOS start, length,
# pid, type, whence.
_LAYOUT = struct.Struct("qqihh" if sys.platform == "darwin" else "hhqqi4x")


def lock_holder(database: Path) -> str | None:
    """ "process 4121 (duckdb file.duckdb)"; None when nobody has the file open, or there is none.

    For processes that do not have the file open in DuckDB themselves: closing a descriptor of it
    would drop their lock.
    """
    try:
        descriptor = os.open(database, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, _flock(fcntl.F_WRLCK))
    finally:
        os.close(descriptor)
    kind, pid = _read(answer)
    return None if kind == fcntl.F_UNLCK else describe_process(pid)


def describe_process(pid: int) -> str:
    """A process as a person knows it: its number and its program, with the file it was given.

    Nothing else of its arguments: `duckdb -c "CREATE SECRET …"` is nobody's business.
    """
    try:
        process = psutil.Process(pid)
        files = [word for word in process.cmdline()[1:2] if os.path.exists(word)]
        called = " ".join([process.name(), *files])
    except psutil.Error:
        return f"process {pid}"
    return f"process {pid} ({called})"


def _flock(kind: int) -> bytes:
    if sys.platform == "darwin":
        return _LAYOUT.pack(0, 0, 0, kind, os.SEEK_SET)
    return _LAYOUT.pack(kind, os.SEEK_SET, 0, 0, 0)


def _read(answer: bytes) -> tuple[int, int]:
    fields = _LAYOUT.unpack(answer)
    return (fields[3], fields[2]) if sys.platform == "darwin" else (fields[0], fields[4])
