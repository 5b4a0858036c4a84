"""Entries are taken out of the spool where they stand, and no position moves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.erasing import Rest, erase_entries, finish_erasing
from agent_analytics_collector.spool.reader import count_waiting, read_entries, walk_entries
from agent_analytics_collector.spool.recovery import cut_torn_tail
from agent_analytics_collector.spool.segments import Position, segment_path

END = Position(2**40, 0)


def envelope(body: bytes, developer: str = "") -> Envelope:
    headers = {"x-developer-id": developer} if developer else {}
    return Envelope(Signal.COMMITS, Encoding.JSON, body, 7, headers)


def write(folder: Path, *bodies: bytes, number: int = 1, developer: str = "ada") -> list[Position]:
    """A segment of entries; the positions behind each."""
    frames = [frame.encode(envelope(body, developer), 1) for body in bodies]
    segment_path(folder, number).write_bytes(b"".join(frames))
    ends, offset = [], 0
    for one in frames:
        offset += len(one)
        ends.append(Position(number, offset))
    return ends


def bodies(folder: Path, position: Position = Position()) -> list[bytes]:  # noqa: B008
    return [
        entry.envelope.body
        for entry in read_entries(folder, position)
        if entry.envelope is not None
    ]


def without(text: bytes) -> Callable[[Envelope], Rest | None]:
    return lambda one: Rest(one, 0) if text in one.body else None


def test_an_erased_entry_is_stepped_over_and_counts_as_no_damage(tmp_path: Path) -> None:
    ends = write(tmp_path, b"[1]", b"[secret]", b"[3]")
    assert erase_entries(tmp_path, END, without(b"secret")) == 1
    entries = list(read_entries(tmp_path, Position()))
    assert [entry.after for entry in entries] == ends
    assert [entry.damaged_bytes for entry in entries] == [0, 0, 0]
    assert bodies(tmp_path) == [b"[1]", b"[3]"]
    assert b"secret" not in segment_path(tmp_path, 1).read_bytes()
    assert count_waiting(tmp_path, Position()).entries == 2
    assert len(list(walk_entries(tmp_path, Position()))) == 2
    assert bodies(tmp_path, ends[0]) == [b"[3]"]


def test_erasing_again_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, b"[secret]")
    erase_entries(tmp_path, END, without(b"secret"))
    before = segment_path(tmp_path, 1).read_bytes()
    assert erase_entries(tmp_path, END, without(b"secret")) == 0
    assert segment_path(tmp_path, 1).read_bytes() == before


@pytest.mark.parametrize("gone", range(1, 60))
def test_what_stays_of_an_entry_is_read_in_its_place(tmp_path: Path, gone: int) -> None:
    ends = write(tmp_path, b"[1]", b"stays" + b"x" * gone, b"[3]")
    rest = Rest(envelope(b"stays", "ada"), 1)
    erase_entries(tmp_path, END, lambda one: rest if b"stays" in one.body else None)
    assert bodies(tmp_path) == [b"[1]", b"stays", b"[3]"]
    entries = list(read_entries(tmp_path, Position()))
    assert entries[-1].after == ends[-1]
    assert not any(entry.damaged_bytes for entry in entries)


def test_of_the_newest_segment_only_what_was_loaded_is_touched(tmp_path: Path) -> None:
    ends = write(tmp_path, b"[secret 1]", b"[secret 2]")
    assert erase_entries(tmp_path, ends[0], without(b"secret")) == 1
    assert bodies(tmp_path) == [b"[secret 2]"]


def test_the_collector_may_go_on_appending(tmp_path: Path) -> None:
    write(tmp_path, b"[secret]")
    path = segment_path(tmp_path, 1)
    appending = os.open(path, os.O_WRONLY | os.O_APPEND)
    erase_entries(tmp_path, Position(1, path.stat().st_size), without(b"secret"))
    os.write(appending, frame.encode(envelope(b"[new]"), 1))
    os.close(appending)
    assert bodies(tmp_path) == [b"[new]"]


def test_damaged_bytes_go_too_because_nobody_can_tell_whose_they_are(tmp_path: Path) -> None:
    write(tmp_path, b"[1]", b"[secret]", b"[3]")
    path = segment_path(tmp_path, 1)
    data = bytearray(path.read_bytes())
    data[data.index(b"secret") + 6] ^= 0xFF  # the CRC is wrong, the text is there
    path.write_bytes(data)
    erase_entries(tmp_path, END, lambda one: None)
    assert b"secret" not in path.read_bytes()
    assert bodies(tmp_path) == [b"[1]", b"[3]"]


def test_a_kill_while_erasing_costs_no_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, b"x" * 100 + b"stays", b"[3]")
    rest = Rest(envelope(b"stays", "ada"), 1)
    real = os.pwrite

    def half(descriptor: int, content: bytes, offset: int) -> int:
        real(descriptor, content[: len(content) // 4], offset)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(KeyboardInterrupt):
        erase_entries(tmp_path, END, lambda one: rest if b"stays" in one.body else None)
    monkeypatch.undo()
    assert bodies(tmp_path) == [b"[3]"]
    finish_erasing(tmp_path)
    assert bodies(tmp_path) == [b"stays", b"[3]"]
    assert not list(tmp_path.glob("*.erasing"))


def test_a_start_keeps_erased_entries_at_the_end(tmp_path: Path) -> None:
    ends = write(tmp_path, b"[1]", b"[secret]")
    erase_entries(tmp_path, END, without(b"secret"))
    assert cut_torn_tail(tmp_path) == 0
    assert segment_path(tmp_path, 1).stat().st_size == ends[-1].offset
