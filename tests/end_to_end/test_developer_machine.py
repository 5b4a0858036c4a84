"""A developer's machine from `init` to `uninstall`: real git, real exporter, every byte back."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from agent_analytics_collector.home import Home

from .conftest import StartUp, cli, free_port, query, wait_for

pytestmark = pytest.mark.slow

WIDGETS = "https://github.com/acme/widgets"
SESSION = "5e55104e-0000-4000-8000-000000000001"
SETTINGS = """{
\t// what I like
\t"model": "opus",
\t"env": { "EDITOR": "vi" },
\t"permissions": {"allow": ["Bash(git:*)"],}
}"""
HOOK = b"#!/bin/sh -eu\n# ours\necho committed \xff >> hook.log\nexit 3\n"


def tree(*roots: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything below; git's own objects and logs are git's business."""
    found = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root).as_posix()
            if inside.startswith(".git/") and not inside.startswith((".git/hooks", ".git/config")):
                continue
            content = path.read_bytes() if path.is_file() else b""
            found[f"{root.name}/{inside}"] = (stat.S_IMODE(path.lstat().st_mode), content)
    return found


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(repository: Path, name: str, *more: str) -> str:
    (repository / name).write_text(f"{name} {more}\nsecond line\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", f"Change {name}", *more)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def user(home: Home) -> Path:
    """The user's home with files of his own."""
    folder = home.root.parent / "user"
    (folder / ".claude").mkdir()
    (folder / ".claude" / "settings.json").write_text(SETTINGS)
    (folder / ".bashrc").write_text("alias ll='ls -l'")
    return folder


@pytest.fixture
def repository(home: Home) -> Path:
    """A repository with an origin, one commit and a hook of its own that fails."""
    folder = home.root.parent / "widgets"
    folder.mkdir()
    git(folder, "init", "-qb", "main")
    git(folder, "remote", "add", "origin", "git@github.com:acme/widgets.git")
    (folder / ".gitignore").write_text("hook.log\n")
    commit(folder, "first.py")
    hook = folder / ".git" / "hooks" / "post-commit"
    hook.write_bytes(HOOK)
    hook.chmod(0o755)
    return folder


def send_session(environment: dict[str, str], events: list[dict[str, Any]]) -> None:
    """What Claude Code would send with this `env` block of its settings."""
    assert environment["OTEL_LOGS_EXPORTER"] == "otlp"
    assert environment["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"
    assert environment["OTEL_LOG_TOOL_DETAILS"] == "1"
    headers = dict(
        pair.split("=", 1) for pair in environment["OTEL_EXPORTER_OTLP_HEADERS"].split(",")
    )
    exporter = OTLPLogExporter(
        endpoint=environment["OTEL_EXPORTER_OTLP_ENDPOINT"], insecure=True, headers=headers
    )
    provider = LoggerProvider(Resource({"service.name": "claude-code"}), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("com.anthropic.claude_code.events", "2.1.330")
    for number, event in enumerate(events):
        logger.emit(
            timestamp=event.pop("at"),
            body=f"claude_code.{event['event.name']}",
            attributes={
                "session.id": SESSION, "user.id": "u", "event.sequence": number,
                "vcs.repository.url.full": WIDGETS, **event,
            },
        )  # fmt: skip
    assert provider.force_flush(30_000)
    provider.shutdown()


def answered(*arguments: str, cwd: Path | None = None) -> str:
    """stdout of a command that must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "agent_analytics_cli.main", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def recorded(home: Home) -> set[str]:
    if not home.database.exists():
        return set()
    return {row[0] for row in query(home.database, "SELECT commit_hash FROM raw_git_commits")}


def test_from_init_over_commits_to_uninstall(
    home: Home, user: Path, repository: Path, up: StartUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(user, repository)
    monkeypatch.setenv("AGENT_ANALYTICS_GRPC_PORT", str(free_port()))
    shown = answered("init", "--yes", "--dry-run", cwd=repository)
    assert "+" in shown
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" in shown
    assert tree(user, repository) == before

    answered("init", "--yes", cwd=repository)
    changed = tree(user, repository)
    answered("init", "--yes", cwd=repository)
    assert tree(user, repository) == changed

    # The collector is down for the first commit: it waits, and comes when there is one.
    lonely = commit(repository, "lonely.py")
    assert "committed" in (repository / "hook.log").read_text(errors="replace")
    up(grpc_port=os.environ["AGENT_ANALYTICS_GRPC_PORT"])
    time.sleep(1.1)  # a commit of the session is not in the second before it
    began = time.time_ns()
    orphan = commit(repository, "second.py")
    amended = commit(repository, "second.py", "--amend")
    git(repository, "checkout", "-qb", "topic", lonely)
    side = commit(repository, "side.py")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    merge = git(repository, "rev-parse", "HEAD")
    wait_for(
        "all commits in DuckDB",
        lambda: {lonely, orphan, amended, side, merge} <= recorded(home),
    )
    wait_for(
        "the amend in DuckDB",
        lambda: query(home.database, "SELECT old_hash, new_hash, kind FROM raw_git_rewrites"),
    )

    text = (user / ".claude" / "settings.json").read_text()
    assert "// what I like" in text
    inserted = text[text.index("CLAUDE_CODE_ENABLE_TELEMETRY") - 1 :]
    environment = json.loads("{" + inserted[: inserted.index("}")].rstrip().rstrip(",") + "}")
    request = {"event.name": "api_request", "model": "claude-opus-5-5", "input_tokens": 1000,
               "output_tokens": 100, "cost_usd": 0.25, "cost_usd_micros": 250000}  # fmt: skip
    result = {"event.name": "tool_result", "tool_name": "Bash", "success": "true"}
    send_session(environment, [
        request | {"at": began, "request_id": "req_1"},
        result | {"at": time.time_ns(), "tool_use_id": "t1", "vcs.ref.head.revision": orphan},
    ])  # fmt: skip
    answered("flush")
    answered("transform")

    rows = {row["commit_hash"]: row for row in reported()}
    assert orphan not in rows
    # A followed repository's older history comes too, some time after the start.
    history = set(git(repository, "rev-list", "--all").split())
    assert {lonely, amended, side, merge} <= set(rows) <= history
    assert facts(rows[amended]) == ("tool_call", "claude_code", SESSION)
    assert facts(rows[lonely]) == ("untracked", None, None)
    assert {facts(rows[sha])[0] for sha in (side, merge)} <= {"window", "untracked"}
    assert rows[merge]["is_merge"] is True
    assert rows[amended]["repository"] == WIDGETS
    assert sum(float(row["cost_usd"] or 0) for row in rows.values()) == pytest.approx(0.25)

    checks = {check["check"]: check for check in json.loads(cli("doctor", "--json").stdout)}
    assert not [check for check in checks.values() if check["status"] == "fail"], checks

    # The user goes on working on the files that we touched.
    settings = user / ".claude" / "settings.json"
    settings.write_text(settings.read_text().replace('"opus"', '"sonnet"'))
    hook = repository / ".git" / "hooks" / "post-commit"
    hook.write_bytes(hook.read_bytes() + b"# later\n")
    answered("uninstall", "--yes", cwd=repository)
    after = tree(user, repository)
    expected = dict(before)
    edited = SETTINGS.replace('"opus"', '"sonnet"').encode()
    expected["user/.claude/settings.json"] = (
        expected["user/.claude/settings.json"][0], edited,
    )  # fmt: skip
    expected["widgets/.git/hooks/post-commit"] = (0o755, HOOK + b"# later\n")
    own = {"widgets/hook.log", "widgets/lonely.py", "widgets/second.py", "widgets/side.py"}
    assert {name: entry for name, entry in after.items() if name not in own} == expected
    commit(repository, "after.py")
    assert not [name for name in os.listdir(home.outbox) if name == "noted"]


def reported() -> list[dict[str, Any]]:
    answer: dict[str, Any] = json.loads(answered("report", "--by", "commit", "--json"))
    rows: list[dict[str, Any]] = answer["rows"]
    return rows


def facts(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["attribution_tier"], row["agent"], row["session_id"]
