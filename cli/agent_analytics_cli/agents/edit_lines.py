"""Edits as session records: keyed hashes of the lines that a tool put in and took out, no code.

Readers yield one `edit` record for each file that a call changed, in parts where there are many
lines, and only of calls that succeeded as far as the file tells.
"""

from __future__ import annotations

import ntpath
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from agent_analytics_cli.agents import kept_values
from agent_analytics_cli.agents.session_context import Payload
from agent_analytics_collector.edit_texts import MOST_LINES, FileEdit
from agent_analytics_collector.line_hashes import LineHasher

KIND = "edit"
PART_LINES = 1600
"""Hashes of either list in a record: with both full and the longest path it has 60 KB."""
_MOST_WAITING = 64


def edit_payloads(
    edits: Iterable[FileEdit],
    tool_use_id: str | None,
    hasher: LineHasher,
    folder: str | None = None,
) -> Iterator[Payload]:
    """Payloads of the records of some edits by one call; relative paths are taken from `folder`.

    `lines_added` and `lines_removed` stand in an edit's first part and count all its lines, hashed
    or not. Parts are numbered through where a call changes a file twice.
    """
    parts: Counter[str] = Counter()
    for edit in edits:
        place = kept_values.path(_absolute(edit.path, folder))
        if place is None or not (edit.added or edit.removed):
            continue
        added = hasher.of_all(edit.added[:MOST_LINES])
        removed = hasher.of_all(edit.removed[:MOST_LINES])
        counts: Payload = {"lines_added": len(edit.added), "lines_removed": len(edit.removed)}
        for at in range(0, max(len(added), len(removed), 1), PART_LINES):
            yield {
                "tool_use_id": tool_use_id,
                "file_path": place,
                "part": parts[place],
                "added_line_hashes": " ".join(added[at : at + PART_LINES]),
                "removed_line_hashes": " ".join(removed[at : at + PART_LINES]),
                **({} if at else counts),
            }
            parts[place] += 1


class Waiting:
    """Edits of calls whose outcome is still to come, hashed already.

    They are part of what is kept between two readings.
    """

    def __init__(self) -> None:
        self._payloads: dict[str, list[Payload]] = {}

    def ask(self, tool_use_id: str | None, payloads: Iterable[Payload]) -> None:
        """Keep what a call is going to do, instead of what was said of it before."""
        if tool_use_id is None or not (found := list(payloads)):
            return
        self._payloads[tool_use_id] = found
        if len(self._payloads) > _MOST_WAITING:
            del self._payloads[next(iter(self._payloads))]

    def settle(self, tool_use_id: str | None) -> list[Payload]:
        """What the call was going to do, once."""
        return self._payloads.pop(tool_use_id, []) if tool_use_id else []

    def kept(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return self._payloads.copy()

    def take_up(self, kept: object) -> None:
        """Go on with what was kept."""
        self._payloads = dict(kept) if isinstance(kept, dict) else {}


class WaitingEdits:
    """The edits of one session file, whose lines must come in their order; none without a hasher.

    An agent's reader says which of its lines ask for an edit and which tell that it is done.
    """

    def __init__(self, hasher: LineHasher | None) -> None:
        self._hasher = hasher
        self._waiting = Waiting()

    def kept(self) -> dict[str, Any]:
        """What is to be known when the file is read on from here."""
        return self._waiting.kept()

    def take_up(self, kept: object) -> None:
        """Go on with what was kept."""
        self._waiting.take_up(kept)


def _absolute(place: str, folder: str | None) -> str:
    if folder is None or posixpath.isabs(place) or ntpath.isabs(place):
        return place
    if posixpath.isabs(folder):
        return posixpath.normpath(posixpath.join(folder, place))
    return ntpath.normpath(ntpath.join(folder, place))
