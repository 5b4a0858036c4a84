"""The files of the spool, their names and the order in which they are read.

A segment is named by the milliseconds of its creation, and a start always opens a new one:
names only grow, even if the whole folder was deleted in between, and a tail lost to a power
failure is never written over (the warehouse may already hold what stood there).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".segment"


class Position(NamedTuple):
    """A place between two entries; everything before it is meant."""

    segment: int = 0
    offset: int = 0


def segment_path(folder: Path, segment: int) -> Path:
    return folder / f"{segment:016d}{SUFFIX}"


def list_segments(folder: Path) -> list[int]:
    """Segment numbers in the folder, oldest first; none when it does not exist."""
    return sorted(
        int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit()
    )  # fmt: skip


def next_segment(folder: Path, loaded: Position) -> int:
    """A number larger than every segment's in the folder, and than what was ever loaded."""
    return max(time.time_ns() // 1_000_000, loaded.segment + 1, *(
        number + 1 for number in list_segments(folder)[-1:]
    ))  # fmt: skip
