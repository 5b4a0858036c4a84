"""The recorded sessions and the repositories they worked in, through the commands alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.repositories import git
from tests.conftest import FIXTURES

from .conftest import StartUp, cli

pytestmark = pytest.mark.slow

CLAUDE = FIXTURES / "claude"
AGENT_COMMITS = {
    "g-version-resattrs": "75c71d109942374a060c57846485729b60a2f9b8",
    "p-all-flags": "c9335bcb18f9e474573517f60b31b73d99d2217d",
    "c-commit": "88247cc69e4061af98a05d011ca3d0ed688f7300",
}
SESSIONS = {
    name: next((CLAUDE / name / "home").rglob("*.jsonl")).stem for name in AGENT_COMMITS
}  # fmt: skip


def answered(*arguments: str, cwd: Path | None = None) -> str:
    done = (
        cli(*arguments) if cwd is None else cli("log-commit", "--repository", str(cwd), *arguments)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tiers() -> dict[str, tuple[Any, ...]]:
    """(tier, agent, session) by commit, after everything was loaded and modelled."""
    answered("flush")
    answered("transform")
    rows = json.loads(answered("report", "--by", "commit", "--json"))["rows"]
    return {
        row["commit_hash"]: (row["attribution_tier"], row["agent"], row["session_id"])
        for row in rows
    }


def test_each_recorded_commit_gets_its_session_and_init_none(up: StartUp, tmp_path: Path) -> None:
    up("--no-import")
    made_before: set[str] = set()
    for name in AGENT_COMMITS:
        recording = tmp_path / name
        shutil.copytree(CLAUDE / name, recording, ignore=shutil.ignore_patterns("home"))
        answered("replay", str(recording))
        clone = tmp_path / f"clone-{name}"
        subprocess.run(
            ["git", "clone", "-q", str(recording / "repo.bundle"), str(clone)], check=True
        )  # fmt: skip
        for sha in git(clone, "rev-list", "--all").split():
            told = json.loads(answered("--hash", sha, "--json", cwd=clone))
            assert told["commit_hash"] == sha
            if sha != AGENT_COMMITS[name]:
                made_before.add(sha)

    by_telemetry = tiers()
    for name in ("g-version-resattrs", "p-all-flags"):
        assert by_telemetry[AGENT_COMMITS[name]] == ("tool_call", "claude_code", SESSIONS[name])
    # Its telemetry was recorded without tool details, so it names no SHA.
    assert by_telemetry[AGENT_COMMITS["c-commit"]] == ("untracked", None, None)
    assert {by_telemetry[sha] for sha in made_before} == {("untracked", None, None)}

    answered("import", "--home", str(CLAUDE / "c-commit" / "home"))
    by_both = tiers()
    assert by_both.pop(AGENT_COMMITS["c-commit"]) == (
        "tool_call", "claude_code", SESSIONS["c-commit"],
    )  # fmt: skip
    assert by_both.items() <= by_telemetry.items()
