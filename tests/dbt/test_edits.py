"""Lines of edits: from telemetry, from session files and from both they are the same lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from agent_analytics_collector.envelope import Envelope
from tests.conftest import FIXTURES
from tests.dbt.agents import AGENTS
from tests.dbt.records import session_files
from tests.dbt.warehouse import HASHER, Warehouse, problems, recorded

pytestmark = pytest.mark.slow

CLAUDE = [FIXTURES / "claude" / name for name in ("p-all-flags", "g-version-resattrs")]
CODEX = [FIXTURES / "codex" / name for name in ("i-gpt55", "b-tools-grpc")]
GEMINI = [FIXTURES / "gemini" / name for name in ("b-tools-grpc", "c-http")]
NEW = ["a = 1", "b = 2", "print(a + b)"]
HELLO = ["    x = 'hello'", "    return x"]
OLD = ["    return 'hi'"]

Lines = Counter[tuple[str, str, str, int, int]]


def telemetry() -> list[Envelope]:
    return [one for folder in (*CLAUDE, *CODEX, *GEMINI) for one in recorded(folder)]


def files() -> list[Envelope]:
    return [
        *map(session_files, CLAUDE),
        *map(AGENTS["codex"].session_files, CODEX),
        *map(AGENTS["gemini_cli"].session_files, GEMINI),
    ]


def built(root: Path, *batches: Iterable[Envelope]) -> Lines:
    """The lines after a run of dbt for each batch."""
    warehouse = Warehouse(root)
    for batch in batches:
        warehouse.load(batch)
        result = warehouse.dbt(
            "build", "--indirect-selection", "buildable", "--select", "+stg_agent_edit_lines"
        )
        assert result.success, problems(result)
    with warehouse.open() as connection:
        rows = connection.execute(
            "select agent, parse_filename(file_path), line_hash, added, removed "
            "from staging.stg_agent_edit_lines"
        ).fetchall()
    return Counter(rows)


def expected() -> Lines:
    def lines(agent: str, file: str, texts: Sequence[str], added: int, removed: int) -> Lines:
        return Counter((agent, file, line, added, removed) for line in HASHER.of_all(texts))

    found: Lines = Counter()
    for agent, times in (("claude_code", 2), ("codex", 1), ("gemini_cli", 2)):
        for _ in range(times):
            found += lines(agent, "new.py", NEW, 1, 0)
            if agent != "codex":
                found += lines(agent, "hello.py", HELLO, 1, 0)
                found += lines(agent, "hello.py", OLD, 0, 1)
    return found


def test_telemetry_and_session_files_tell_the_same_lines_and_both_tell_them_once(
    tmp_path: Path,
) -> None:
    assert built(tmp_path / "files", files()) == expected()
    assert built(tmp_path / "telemetry", telemetry(), telemetry()) == expected()
    assert built(tmp_path / "both", telemetry(), files()) == expected()
    assert built(tmp_path / "other", files(), telemetry()) == expected()
