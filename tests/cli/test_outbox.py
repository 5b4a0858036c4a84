"""The queue of what could not be delivered yet: ordered, bounded, whole after a kill."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from agent_analytics_cli.outbound import outbox as module
from agent_analytics_cli.outbound.outbox import COMMITS, REWRITES, Entry, Outbox, OutboxUnusable
from agent_analytics_collector.home import Home


def entry(number: int, path: str = COMMITS, text: str = "") -> Entry:
    return Entry(path, {"number": number, "text": text})


def drained(outbox: Outbox) -> list[tuple[str, list[int]]]:
    """Every batch in order, each removed as if it had been delivered."""
    batches = []
    while (batch := outbox.next_batch()[0]) is not None:
        batches.append((batch.path, [body["number"] for body in batch.bodies]))
        outbox.remove(batch.lines)
    return batches


def test_entries_come_out_in_order_in_batches_of_one_path(home: Home) -> None:
    outbox = Outbox(home)
    outbox.append([entry(1), entry(2, text="two\nlines \N{HOT BEVERAGE} \u2028")])
    outbox.append([entry(3, REWRITES), entry(4)])
    outbox.append([])
    assert drained(outbox) == [(COMMITS, [1, 2]), (REWRITES, [3]), (COMMITS, [4])]
    assert outbox.next_batch() == (None, 0)


def test_a_batch_is_bounded_in_entries_and_bytes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(home)
    outbox.append(entry(number) for number in range(5))
    monkeypatch.setattr(module, "BATCH_ENTRIES", 2)
    assert [numbers for _, numbers in drained(outbox)] == [[0, 1], [2, 3], [4]]
    outbox.append([entry(0, text="x" * 500), entry(1, text="x" * 500), entry(2)])
    monkeypatch.setattr(module, "BATCH_BYTES", 100)
    assert [numbers for _, numbers in drained(outbox)] == [[0], [1], [2]]


def test_the_files_are_the_owners_alone(home: Home) -> None:
    old = os.umask(0)
    try:
        outbox = Outbox(home)
        outbox.append([entry(1), entry(2)])
        outbox.path.write_bytes(outbox.path.read_bytes() + b"damage\n")
        outbox.next_batch()
    finally:
        os.umask(old)
    files = list(home.outbox.iterdir())
    assert {path.name for path in files} == {"commits.jsonl", "commits.lock", "damaged.jsonl"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_what_is_too_much_drops_the_oldest_and_counts_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(home)
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    assert outbox.append([entry(1), entry(2), entry(3)]) == 0
    assert outbox.append([entry(4), entry(5)]) == 2
    assert drained(outbox) == [(COMMITS, [3, 4, 5])]
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    assert outbox.append([entry(6, text="x" * 400), entry(7, text="x" * 400)]) == 0
    assert outbox.append([entry(8, text="x" * 400)]) == 1
    assert drained(outbox) == [(COMMITS, [7, 8])]
    assert outbox.append([entry(9, text="x" * 2000)]) == 1
    assert drained(outbox) == []


def test_a_line_that_a_kill_cut_off_costs_only_itself(home: Home) -> None:
    outbox = Outbox(home)
    outbox.append([entry(1), entry(2)])
    whole = outbox.path.read_bytes()
    outbox.path.write_bytes(whole[:-5])
    outbox.append([entry(3)])
    batch, damaged = outbox.next_batch()
    assert batch is not None
    assert ([body["number"] for body in batch.bodies], damaged) == ([1, 3], 1)
    assert outbox.damaged_path.read_bytes() == whole.splitlines()[1][:-4] + b"\n"
    assert outbox.next_batch() == (batch, 0)


@pytest.mark.parametrize(
    "line", [b"\0" * 64, b"{}", b'{"path":"/v1/other","body":{}}', b"\xff\xfe", b'{"path":1}', b"["]
)
def test_damage_is_set_aside_up_to_a_bound(
    home: Home, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    outbox = Outbox(home)
    outbox.append([entry(1)])
    with open(outbox.path, "ab") as file:
        file.write(line + b"\n")
    outbox.append([entry(2)])
    assert outbox.next_batch()[1] == 1
    assert outbox.damaged_path.read_bytes() == line + b"\n"
    assert drained(outbox) == [(COMMITS, [1, 2])]
    monkeypatch.setattr(module, "MAX_DAMAGED_BYTES", len(line))
    outbox.path.write_bytes(line + b"\n")
    assert outbox.next_batch() == (None, 1)
    assert outbox.damaged_path.read_bytes() == line + b"\n"


def test_what_comes_or_is_dropped_during_a_delivery_is_no_part_of_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(home)
    outbox.append([entry(1), entry(2), entry(3), entry(3)])
    batch, _ = outbox.next_batch()
    assert batch is not None
    monkeypatch.setattr(module, "MAX_ENTRIES", 4)
    outbox.append([entry(4), entry(3)])
    outbox.remove(batch.lines[:3])
    assert drained(outbox) == [(COMMITS, [3, 4, 3])]


APPENDING = """
import sys
from agent_analytics_cli.outbound.outbox import COMMITS, Entry, Outbox
from agent_analytics_collector.home import Home
for number in range(50):
    body = {"number": int(sys.argv[1]) * 1000 + number}
    Outbox(Home.from_environment()).append([Entry(COMMITS, body)])
"""


def test_writers_and_a_reader_at_once_lose_nothing(home: Home) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", APPENDING, str(number)]) for number in range(4)
    ]
    seen: list[int] = []
    while any(writer.poll() is None for writer in writers):
        seen += [number for _, numbers in drained(Outbox(home)) for number in numbers]
    assert [writer.returncode for writer in writers] == [0] * 4
    seen += [number for _, numbers in drained(Outbox(home)) for number in numbers]
    assert sorted(seen) == [w * 1000 + n for w in range(4) for n in range(50)]
    for number in range(4):
        own = [n for n in seen if n // 1000 == number]
        assert own == sorted(own)


def test_a_rewrite_that_was_killed_leaves_the_old_file_and_no_litter(home: Home) -> None:
    outbox = Outbox(home)
    outbox.append([entry(1), entry(2)])
    (home.outbox / "commits.new").write_bytes(b'{"half')
    batch, _ = outbox.next_batch()
    assert batch is not None
    outbox.remove(batch.lines[:1])
    assert drained(outbox) == [(COMMITS, [2])]
    assert not (home.outbox / "commits.new").exists()


def test_an_outbox_that_cannot_be_written_says_where_and_what_to_do(home: Home) -> None:
    outbox = Outbox(home)
    outbox.path.mkdir()
    with pytest.raises(OutboxUnusable, match=r"commits.jsonl cannot be used: Is a directory"):
        outbox.append([entry(1)])
    home.outbox.joinpath("commits.lock").unlink()
    outbox.path.rmdir()
    home.outbox.rmdir()
    with pytest.raises(OutboxUnusable, match="No such file"):
        outbox.next_batch()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_writes_belongs_to_the_owner_of_the_outbox(home: Home) -> None:
    os.chown(home.outbox, 4321, 4321)
    outbox = Outbox(home)
    outbox.append([Entry(COMMITS, {"commit_hash": str(n)}) for n in range(2)])
    batch, _ = outbox.next_batch()
    assert batch is not None
    outbox.remove(batch.lines[:1])
    assert {path.name for path in home.outbox.iterdir()} == {"commits.jsonl", "commits.lock"}
    assert {path.stat().st_uid for path in home.outbox.iterdir()} == {4321}
