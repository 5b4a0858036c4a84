"""What a start does to the spool: cut a half-written tail, and say so."""

from __future__ import annotations

import os
from pathlib import Path

from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.segments import list_segments, segment_path


def cut_torn_tail(folder: Path) -> int:
    """Bytes cut from the end of the newest segment; 0 when it ends with a whole entry.

    What is cut was never acknowledged. It is kept beside the segment as `….torn`, for a person
    to look at. Damage before the last whole entry is left for the reader, which steps over it.
    """
    segments = list_segments(folder)
    if not segments:
        return 0
    path = segment_path(folder, segments[-1])
    data = path.read_bytes()
    end = _end_of_last_entry(data)
    torn = len(data) - end
    if torn:
        kept = path.with_suffix(".torn")
        kept.write_bytes(data[end:])
        kept.chmod(0o600)
        with path.open("r+b") as file:
            file.truncate(end)
            os.fsync(file.fileno())
    return torn


def find_entry(data: bytes, offset: int) -> int | None:
    """Offset of the first whole entry at or after `offset`; None when there is none."""
    while (found := data.find(frame.MAGIC, offset)) >= 0:
        try:
            frame.decode(data, found)
        except frame.Erased:
            return found
        except (frame.Incomplete, frame.Damaged):
            offset = found + 1
        else:
            return found
    return None


def _end_of_last_entry(data: bytes) -> int:
    end = 0
    start: int | None = 0
    while start is not None and start < len(data):
        try:
            _, header = frame.decode(data, start)
        except frame.Erased as erased:
            end = start = start + erased.frame_length
        except (frame.Incomplete, frame.Damaged):
            start = find_entry(data, start + 1)
        else:
            end = start = start + header.frame_length
    return end
