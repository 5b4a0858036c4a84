"""The durable inbox: what is acknowledged is there, what is torn is cut, what is full says so."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.errors import SpoolFull
from agent_analytics_collector.settings import SpoolSettings
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.reader import (
    count_waiting,
    end_of_spool,
    read_entries,
    read_signal,
)
from agent_analytics_collector.spool.recovery import cut_torn_tail
from agent_analytics_collector.spool.segments import Position, list_segments, segment_path
from agent_analytics_collector.spool.writer import Spool


def envelope(body: bytes = b"body", signal: Signal = Signal.LOGS) -> Envelope:
    return Envelope(signal, Encoding.PROTOBUF, body, time.time_ns(), {"x-developer-id": "ada"})


def write(folder: Path, *bodies: bytes, settings: SpoolSettings | None = None) -> None:
    async def put_all() -> None:
        spool = Spool(folder, settings or SpoolSettings())
        for body in bodies:
            await spool.put(envelope(body), 1)
        spool.close()

    asyncio.run(put_all())


def bodies(folder: Path, position: Position = Position()) -> list[bytes]:  # noqa: B008
    return [e.envelope.body for e in read_entries(folder, position) if e.envelope is not None]


def test_what_was_put_is_read_back_in_order_with_its_headers(tmp_path: Path) -> None:
    write(tmp_path, b"one", b"two", b"")
    entries = list(read_entries(tmp_path, Position()))
    assert [e.envelope and e.envelope.body for e in entries] == [b"one", b"two", b""]
    assert entries[0].envelope is not None
    assert entries[0].envelope.headers == {"x-developer-id": "ada"}
    assert entries[-1].after == end_of_spool(tmp_path)


def test_reading_goes_on_from_a_position_and_over_segments(tmp_path: Path) -> None:
    write(tmp_path, *(str(n).encode() * 100 for n in range(50)),
          settings=SpoolSettings(segment_bytes=4096))  # fmt: skip
    assert len(list_segments(tmp_path)) > 1
    entries = list(read_entries(tmp_path, Position()))
    middle = entries[24].after
    assert bodies(tmp_path, middle) == [str(n).encode() * 100 for n in range(25, 50)]


def test_a_start_never_appends_to_an_old_segment(tmp_path: Path) -> None:
    write(tmp_path, b"before")
    write(tmp_path, b"after")
    assert len(list_segments(tmp_path)) == 2
    assert bodies(tmp_path) == [b"before", b"after"]


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    write(tmp_path, b"secret")
    (segment,) = list_segments(tmp_path)
    assert segment_path(tmp_path, segment).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lost", [1, 10, 43])
def test_a_torn_tail_is_cut_at_start_and_kept_aside(tmp_path: Path, lost: int) -> None:
    write(tmp_path, b"whole", b"torn")
    path = segment_path(tmp_path, list_segments(tmp_path)[0])
    whole = len(frame.encode(envelope(b"whole"), 1))
    os.truncate(path, path.stat().st_size - lost)
    torn = path.stat().st_size - whole
    assert cut_torn_tail(tmp_path) == torn
    assert bodies(tmp_path) == [b"whole"]
    assert path.with_suffix(".torn").stat().st_size == torn
    assert cut_torn_tail(tmp_path) == 0


def test_zeros_and_rubbish_after_the_last_entry_are_cut(tmp_path: Path) -> None:
    write(tmp_path, b"whole")
    path = segment_path(tmp_path, list_segments(tmp_path)[0])
    with path.open("ab") as file:
        file.write(b"\0" * 500 + os.urandom(300))
    assert cut_torn_tail(tmp_path) == 800
    assert bodies(tmp_path) == [b"whole"]


def test_a_flipped_bit_costs_one_entry_and_is_reported(tmp_path: Path) -> None:
    write(tmp_path, b"one" * 100, b"two" * 100, b"three" * 100)
    path = segment_path(tmp_path, list_segments(tmp_path)[0])
    data = bytearray(path.read_bytes())
    length = len(frame.encode(envelope(b"one" * 100), 1))
    data[length + 60] ^= 1
    path.write_bytes(data)
    assert cut_torn_tail(tmp_path) == 0
    entries = list(read_entries(tmp_path, Position()))
    assert [e.damaged_bytes for e in entries] == [0, length, 0]
    assert bodies(tmp_path) == [b"one" * 100, b"three" * 100]


def test_an_entry_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    whole = frame.encode(envelope(b"x" * 1000), 1)
    path = segment_path(tmp_path, 1)
    path.write_bytes(whole + whole[:500])
    assert len(list(read_entries(tmp_path, Position()))) == 1
    path.write_bytes(whole + whole)
    assert len(list(read_entries(tmp_path, Position(1, len(whole))))) == 1


def test_the_entries_of_one_signal_are_found_among_others(tmp_path: Path) -> None:
    async def put() -> None:
        spool = Spool(tmp_path, SpoolSettings())
        for signal, body in (
            (Signal.COMMITS, b"[1]"),
            (Signal.LOGS, b"x"),
            (Signal.COMMITS, b"[2]"),
        ):
            await spool.put(envelope(body, signal=signal), 1)
        spool.close()

    asyncio.run(put())
    assert [found.body for found in read_signal(tmp_path, Signal.COMMITS)] == [b"[1]", b"[2]"]


def test_waiting_entries_are_counted_by_signal(tmp_path: Path) -> None:
    async def put() -> None:
        spool = Spool(tmp_path, SpoolSettings())
        await spool.put(envelope(signal=Signal.LOGS), 3)
        await spool.put(envelope(signal=Signal.TRACES), 5)
        spool.close()

    asyncio.run(put())
    waiting = count_waiting(tmp_path, Position())
    assert (waiting.entries, waiting.total_records) == (2, 8)
    assert {k: n for k, n in waiting.records.items() if n} == {Signal.LOGS: 3, Signal.TRACES: 5}


def test_spans_are_refused_first_and_a_quarter_is_kept_for_logs(tmp_path: Path) -> None:
    async def fill() -> dict[Signal, int]:
        spool = Spool(tmp_path, SpoolSettings(max_bytes=1024 * 1024, segment_bytes=64 * 1024))
        refused_at = {}
        for signal in (Signal.TRACES, Signal.METRICS, Signal.LOGS):
            with suppress(SpoolFull):
                for _ in range(1000):
                    await spool.put(envelope(b"x" * 10_000, signal), 1)
            refused_at[signal] = spool.pending_bytes * 100 // (1024 * 1024)
        spool.close()
        return refused_at

    refused_at = asyncio.run(fill())
    assert refused_at[Signal.TRACES] in (48, 49)
    assert refused_at[Signal.METRICS] in (73, 74)
    assert refused_at[Signal.LOGS] in (98, 99)


def test_loaded_segments_go_after_the_window_and_make_room(tmp_path: Path) -> None:
    async def run() -> tuple[int, int, int]:
        settings = SpoolSettings(max_bytes=1024 * 1024, segment_bytes=64 * 1024)
        spool = Spool(tmp_path, settings)
        for _ in range(60):
            await spool.put(envelope(b"x" * 10_000), 1)
        before = len(list_segments(tmp_path))
        spool.forget_loaded(end_of_spool(tmp_path))
        within_window = len(list_segments(tmp_path))
        assert spool.pending_bytes == 0
        day_ago = time.time() - 25 * 3600
        for number in list_segments(tmp_path)[:3]:
            os.utime(segment_path(tmp_path, number), (day_ago, day_ago))
        spool.forget_loaded(end_of_spool(tmp_path))
        spool.close()
        return before, within_window, len(list_segments(tmp_path))

    before, within_window, after = asyncio.run(run())
    assert within_window == before
    assert after == before - 3


def test_the_last_segment_goes_too_when_nothing_came_for_the_whole_window(tmp_path: Path) -> None:
    async def run() -> list[int]:
        spool = Spool(tmp_path, SpoolSettings())
        await spool.put(envelope(b"a prompt"), 1)
        (tmp_path / "1.torn").write_bytes(b"another prompt")
        day_ago = time.time() - 25 * 3600
        for path in list(tmp_path.glob("*.*")):
            os.utime(path, (day_ago, day_ago))
        end = end_of_spool(tmp_path)
        for _ in range(3000):
            spool.forget_loaded(end)
            await asyncio.sleep(0.01)
            if not list(tmp_path.glob("*.*")):
                break
        left = list_segments(tmp_path)
        await spool.put(envelope(b"after"), 1)
        spool.close()
        return left

    assert asyncio.run(run()) == []
    assert bodies(tmp_path) == [b"after"]


def test_a_new_segment_is_numbered_above_everything_that_was_loaded(tmp_path: Path) -> None:
    async def run() -> None:
        spool = Spool(tmp_path, SpoolSettings(), Position(10**15, 7))
        await spool.put(envelope(), 1)
        spool.close()

    asyncio.run(run())
    assert list_segments(tmp_path) == [10**15 + 1]


def test_torn_and_damaged_bytes_are_not_counted_as_waiting(tmp_path: Path) -> None:
    write(tmp_path, b"one" * 100, b"two" * 100, b"three" * 100)
    path = segment_path(tmp_path, list_segments(tmp_path)[0])
    data = bytearray(path.read_bytes())
    data[len(frame.encode(envelope(b"one" * 100), 1))] ^= 0xFF  # the second entry's magic
    path.write_bytes(data + data[:200])  # and an entry that is torn
    assert count_waiting(tmp_path, Position()).entries == 2


def test_a_full_disk_refuses_the_request_and_spoils_nothing(tmp_path: Path) -> None:
    """A file-size limit makes write() fail half way, as a full disk does; in a child process."""
    script = f"""
import asyncio, resource, signal
from pathlib import Path
from agent_analytics_collector.errors import SpoolBroken
from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.settings import SpoolSettings
from agent_analytics_collector.spool.writer import Spool

async def main():
    spool = Spool(Path({str(tmp_path)!r}), SpoolSettings())
    put = lambda body: spool.put(Envelope(Signal.LOGS, Encoding.PROTOBUF, body, 1, {{}}), 1)
    await put(b"before")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    try:
        await put(b"x" * 5000)
    except SpoolBroken:
        print("refused")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await put(b"after")
    spool.close()

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("refused\n")
    assert cut_torn_tail(tmp_path) == 0
    assert bodies(tmp_path) == [b"before", b"after"]


def test_what_is_still_needed_stays_beyond_the_window_until_new_data_needs_the_room(
    tmp_path: Path,
) -> None:
    """60 segments of 20 KiB: only three quarters of 1 MiB may be kept for somebody away."""

    async def fill() -> None:
        settings = SpoolSettings(max_bytes=1024 * 1024, segment_bytes=4096, replay_window_hours=0)
        spool = Spool(tmp_path, settings)
        for number in range(60):
            await spool.put(envelope(str(number).encode() * 10_000), 1)
            if number == 20:
                spool.forget_loaded(end_of_spool(tmp_path), Position())
                assert len(list_segments(tmp_path)) == 21, "aged, loaded, and needed"
        first = list_segments(tmp_path)
        dropped: list[int] = []
        needed = Position(first[2])
        spool.forget_loaded(end_of_spool(tmp_path), needed, dropped.append)
        left = list_segments(tmp_path)
        size = sum(segment_path(tmp_path, number).stat().st_size for number in left)
        assert size <= 1024 * 1024 * 3 // 4
        assert dropped == first[2 : len(first) - len(left)], "and what nobody needs is no loss"
        spool.forget_loaded(end_of_spool(tmp_path), Position(left[-2]), dropped.append)
        assert list_segments(tmp_path) == left[-2:]
        assert len(dropped) == len(first) - len(left) - 2
        spool.close()

    asyncio.run(fill())
