"""Files of JSON lines that agents append to: finding them, and reading them in bounded memory.

The last line may be half written, a line may be of any length, and its bytes may be no UTF-8.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from agent_analytics_cli.agents.session_file import Reading, SessionFile, Trouble

LONGEST_LINE = 32 * 1024 * 1024
"""Bytes. A line holds at most a few pictures; a longer one is no line of an agent's."""
_BUFFER = 256 * 1024
_PACKED = (".gz", ".zst")
_TOO_LONG = f"longer than {LONGEST_LINE // 1024**2} MB, which no session of an agent's is"

Line = dict[str, Any]


def find_files(
    folder: Path, start: Path, is_wanted: Callable[[str], bool], trouble: Trouble
) -> list[SessionFile]:
    """The files below `start` with a wanted name, in order of path; none when it is not there.

    `folder` is the agent's own.
    """
    found = []

    def cannot_list(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            trouble.cannot_read(Path(error.filename), error)

    for parent, _, names in os.walk(start, onerror=cannot_list):
        for name in filter(is_wanted, names):
            file = Path(parent, name)
            try:
                about = file.stat()
            except OSError as error:
                trouble.cannot_read(file, error)
                continue
            if stat.S_ISREG(about.st_mode):  # opening a pipe would wait for ever
                relative = os.fsencode(file.relative_to(folder.parent)).decode(errors="replace")
                found.append(SessionFile(file, relative, about.st_size, about.st_mtime_ns))
    return sorted(found, key=lambda file: file.path)


def read_lines(
    file: SessionFile,
    trouble: Trouble,
    reading: Reading | None = None,
    matters: Callable[[bytes], bool] | None = None,
) -> Iterator[Line]:
    """The objects of a file's lines, from `reading` on; it follows, line by line.

    `.gz` and `.zst` are unpacked on the way, and always read from their beginning. Damaged lines
    are counted in `trouble` and left out; an unfinished last one also is not passed by `reading`.
    What begins and ends like an object and does not matter is not decoded. Of a file that breaks
    off, what was read.
    """
    reading = reading or Reading()
    is_packed = file.path.suffix in _PACKED
    try:
        with _open(file.path) as opened:
            if not is_packed:
                opened.seek(reading.offset)
            for line, size, has_end in _lines(opened):
                decoded: Line | None = {}
                if not (line and matters and _looks_whole(line) and not matters(line)):
                    decoded = _decode(line)
                if decoded is None:
                    trouble.damaged_lines += 1
                    if not has_end:
                        return
                if not is_packed:
                    reading.offset += size
                if decoded:
                    yield decoded
    except OSError as error:
        trouble.cannot_read(file.path, error)
    except (EOFError, zlib.error) as error:  # what gzip raises besides
        trouble.unreadable[file.path] = str(error)


def read_document(file: SessionFile, trouble: Trouble) -> Line | None:
    """The one object of a file; None when it cannot be read, which `trouble` then says."""
    try:
        with open(file.path, "rb") as opened:
            content = opened.read(LONGEST_LINE + 1)
    except OSError as error:
        trouble.cannot_read(file.path, error)
        return None
    if len(content) > LONGEST_LINE:
        trouble.unreadable[file.path] = _TOO_LONG
        return None
    decoded = _decode(content) if content.strip() else {}
    if decoded is None:
        trouble.damaged_lines += 1
    return decoded


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix == ".zst":
        import pyarrow

        stream = pyarrow.CompressedInputStream(pyarrow.OSFile(os.fsencode(path)), "zstd")
        return io.BufferedReader(stream, _BUFFER)
    return open(path, "rb", buffering=_BUFFER)


def _lines(file: BinaryIO) -> Iterator[tuple[bytes | None, int, bool]]:
    """(line, bytes, whether its end is there) of lines; a blank one counts with the line after it.

    An overlong line is None; only a piece of it is held at a time.
    """
    blank = 0
    while line := file.readline(LONGEST_LINE):
        size, has_end = len(line) + blank, line.endswith(b"\n")
        if len(line) < LONGEST_LINE or has_end:
            if line.isspace():
                blank = size
                continue
            yield line, size, has_end
        else:
            line = b""
            while not has_end and (rest := file.readline(_BUFFER)):
                size, has_end = size + len(rest), rest.endswith(b"\n")
            yield None, size, has_end
        blank = 0


def _looks_whole(line: bytes) -> bool:
    return line.startswith(b'{"') and line.endswith(b"}\n")


def _decode(line: bytes | None) -> Line | None:
    """The object of a line; None when it is damaged."""
    if line is None:
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _decode_leniently(line)
    return value if isinstance(value, dict) else None


def _decode_leniently(line: bytes) -> Any:
    """The value of a line with bytes that are no UTF-8, or with halves of surrogate pairs.

    The latter come from text that was cut in the middle of a character. Both become `?` or �.
    """
    try:
        value = json.loads(line.decode("utf-8", "replace"))
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
