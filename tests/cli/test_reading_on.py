"""Session files that grow: reading on says what reading anew would, and skipping loses nothing."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tracemalloc
from pathlib import Path

import orjson
import pytest
from benchmarks import transcripts

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.claude_code import session_files
from agent_analytics_cli.agents.session_file import Reading, Record, SessionFile, Trouble
from agent_analytics_collector.line_hashes import LineHasher

from .agent_sessions import FIXTURES

HOMES = {
    agent: sorted((FIXTURES / folder).glob("*/home"))
    for agent, folder in (
        ("claude_code", "claude"), ("codex", "codex"),
        ("gemini_cli", "gemini"), ("copilot_cli", "copilot"),
    )
}  # fmt: skip
RECORDED = [(agent, home) for agent, homes in HOMES.items() for home in homes]


def files_of(agent: str, home: Path) -> list[SessionFile]:
    reader = READERS[agent]
    return reader.find(reader.folder(home), Trouble())


def read(agent: str, file: SessionFile, reading: Reading, trouble: Trouble) -> list[Record]:
    return list(READERS[agent].read(file, trouble, reading, LineHasher(b"k" * 32)))


@pytest.mark.parametrize(("agent", "home"), RECORDED, ids=lambda each: Path(each).parent.name)
def test_a_file_read_in_many_parts_says_what_it_says_at_once(
    agent: str, home: Path, tmp_path: Path
) -> None:
    shutil.copytree(home, tmp_path / "home")
    files = files_of(agent, tmp_path / "home")
    assert files
    for file in files:
        content = file.path.read_bytes()
        at_once = read(agent, file, Reading(), Trouble())
        in_parts: list[Record] = []
        reading, trouble = Reading(), Trouble()
        for end in [*range(0, len(content), 997), len(content)]:  # seldom the end of a line
            file.path.write_bytes(content[:end])
            in_parts += read(agent, file, reading, trouble)
            # What is remembered between two imports has been JSON in the meantime.
            kept = orjson.loads(orjson.dumps(dataclasses.asdict(reading)))
            reading = Reading(**kept)
        assert in_parts == at_once
        assert reading.offset == len(content)
        assert not trouble.unreadable


def test_lines_that_are_skipped_have_no_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcripts.write(tmp_path / ".claude", 3)
    escaped = tmp_path / ".claude" / "projects" / "-p" / "escaped.jsonl"
    escaped.parent.mkdir()
    escaped.write_bytes(
        rb'{"type":"user","sessionId":"s","timestamp":"2026-11-22T03:39:05.065Z",'
        rb'"\u006dessage":{"content":"hi"}}' + b"\n"
    )
    homes = [*HOMES["claude_code"], tmp_path]
    files = [file for home in homes for file in files_of("claude_code", home)]
    skipping, parsing = Trouble(), Trouble()
    matters = session_files._matters
    skipped = sum(
        not matters(line) for file in files for line in file.path.read_bytes().splitlines()
    )
    assert skipped > 500

    with_skips = [read("claude_code", file, Reading(), skipping) for file in files]
    monkeypatch.setattr(session_files, "_matters", lambda line: True)
    assert with_skips == [read("claude_code", file, Reading(), parsing) for file in files]
    assert sum(map(len, with_skips)) > 1000
    assert len(with_skips[files.index(files_of("claude_code", tmp_path)[-1])]) == 1
    assert skipping == parsing == Trouble()


@pytest.mark.slow
def test_a_line_of_700_megabytes_is_passed_over_in_little_memory(tmp_path: Path) -> None:
    good = (
        b'{"type":"user","sessionId":"s","timestamp":"2026-11-22T03:39:05.065Z",'
        b'"message":{"content":"hi"}}\n'
    )
    path = tmp_path / ".claude" / "projects" / "-p" / "s.jsonl"
    path.parent.mkdir(parents=True)
    with path.open("wb") as opened:
        opened.write(good + b'{"type":"user","message":"')
        opened.truncate(opened.tell() + 700_000_000)
        opened.seek(0, os.SEEK_END)
        opened.write(b'"}')
    (file,) = files_of("claude_code", tmp_path)
    reading, trouble = Reading(), Trouble()
    tracemalloc.start()
    try:
        assert len(read("claude_code", file, reading, trouble)) == 1
        assert reading.offset == len(good)  # the long line has no end yet
        with path.open("ab") as opened:
            opened.write(b"\n" + good)
        assert len(read("claude_code", file, reading, trouble)) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reading.offset == path.stat().st_size
    assert trouble == Trouble(damaged_lines=2)
    assert peak < 100_000_000


def test_a_packed_file_is_read_as_a_whole_each_time(tmp_path: Path) -> None:
    import gzip

    (recorded,) = files_of("codex", FIXTURES / "codex" / "a-simple-grpc" / "home")
    packed = tmp_path / ".codex" / "sessions" / f"{recorded.path.name}.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(recorded.path.read_bytes()))
    (file,) = files_of("codex", tmp_path)
    reading = Reading()
    whole = read("codex", file, reading, Trouble())
    assert reading.offset == 0
    assert len(whole) == len(read("codex", recorded, Reading(), Trouble())) > 0
