"""`attribution` and the notes that `import-git` reads, with a real collector and repository."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.git.notes import add_note
from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.main import cli
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.flush import flush
from tests.dbt.records import delivered
from tests.dbt.warehouse import Warehouse

from ..service.conftest import RunningService
from .attributed import BEGAN, PRICED, SESSION, Attributed, make_attributed
from .conftest import StartCollector
from .repositories import commit, git

NOTE = """\
a.py
  s_c9883b05a2487d::t_9f8e7d6c5b4a32 1-2
---
{"schema_version": "authorship/3.0.0", "base_commit_sha": "", "prompts": {}, "sessions":
 {"s_c9883b05a2487d": {"agent_id": {"tool": "claude", "id": "s", "model": "claude-opus-4-5"}}}}
"""


def run(*arguments: str, exit_code: int = 0) -> click.testing.Result:
    result = CliRunner().invoke(cli, [*arguments])
    assert result.exit_code == exit_code, result.output
    return result


def rows(home: Home, sql: str) -> list[tuple[Any, ...]]:
    flush(home, load_settings(home).settings, 30)
    with duckdb.connect(str(home.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def noted(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A commit with a git-ai note, in the current folder's repository."""
    monkeypatch.chdir(root)
    git(root, "config", "user.name", "Jo")
    git(root, "config", "user.email", "jo@example.com")
    made = commit(root, files={"a.py": b"first = 1\n}\nthird = 3\n"})
    add_note(find_repository(root), made, NOTE)
    return made


NOTED = "SELECT commit_hash, agent, agent_session_id, ranges, lines FROM raw_git_attributions"


def test_import_git_delivers_notes_after_commits_and_only_new_ones(
    start_collector: StartCollector, home: Home, root: Path, noted: str
) -> None:
    start_collector()
    assert "1 new commit, 1 accepted, 0 duplicate; 1 git-ai note." in run("import-git").stdout
    assert rows(home, NOTED) == [(noted, "claude", "s", "1-2", 1)]
    assert rows(home, "SELECT commit_hash FROM raw_git_commits") == [(noted,)]
    assert "git-ai" not in run("import-git").stdout

    second = commit(root, files={"b.py": b"other = 1\n"})
    add_note(find_repository(root), second, "scribbled by hand")
    git(root, "notes", "--ref=ai", "add", "--force", "-m", NOTE.replace(" 1-2", " 3"), noted)
    told = run("import-git", "--json")
    notes = json.loads(told.stdout)["repositories"][0]["notes"]
    assert {name: notes[name] for name in ("notes", "accepted", "damaged", "foreign")} == {
        "notes": 1, "accepted": 1, "damaged": 1, "foreign": 0,
    }  # fmt: skip
    assert f"note of {second[:10]}: no line ---" in told.stderr
    assert sorted(rows(home, NOTED)) == [
        (noted, "claude", "s", "1-2", 1), (noted, "claude", "s", "3", 1),
    ]  # fmt: skip

    again = json.loads(run("import-git", "--again", "--json").stdout)["repositories"][0]["notes"]
    assert (again["accepted"], again["duplicate"], again["damaged"]) == (0, 1, 1)


def test_agent_trace_records_are_imported_once(
    start_collector: StartCollector, home: Home, noted: str, tmp_path: Path
) -> None:
    start_collector()
    record = {
        "version": "0.1.0", "id": "1", "timestamp": "2026-01-23T14:30:00Z",
        "vcs": {"type": "git", "revision": noted}, "tool": {"name": "cursor"},
        "files": [
            {"path": path, "conversations": [{
                "url": "https://example.com/c/42", "contributor": {"type": "ai"},
                "ranges": [{"start_line": 2, "end_line": 3}],
            }]}
            for path in ("a.py", "gone.py")
        ],
    }  # fmt: skip
    file = tmp_path / "traces.jsonl"
    file.write_text(json.dumps(record) + "\n" + json.dumps(record | {"version": "1.0"}) + "\n")
    told = run("attribution", "import", str(file))
    assert f"{file}: 2 records, 1 accepted, 0 duplicate, 2 left out." in told.stdout
    assert f"{file}: record 2: another version than 0.1" in told.stderr
    assert "0 accepted, 1 duplicate" in run("attribution", "import", str(file)).stdout
    assert rows(home, NOTED) == [(noted, "cursor", "42", "2-3", 1)]


def test_an_import_outside_of_a_repository_does_not_guess_lines(
    start_collector: StartCollector, home: Home, noted: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    start_collector()
    monkeypatch.chdir(tmp_path)
    conversation = {"contributor": {"type": "ai"}, "ranges": [{"start_line": 1, "end_line": 9}]}
    record = {
        "version": "0.1.0", "id": "1", "timestamp": "2026-01-23T14:30:00Z",
        "vcs": {"type": "git", "revision": noted},
        "files": [{"path": "a.py", "conversations": [conversation]}],
    }  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(record))
    told = run("attribution", "import", "one.json")
    assert "in no git repository" in told.stderr
    assert rows(home, NOTED) == [(noted, None, None, "1-9", None)]


def test_a_file_that_is_not_there_is_expected_trouble(
    start_collector: StartCollector, noted: str
) -> None:
    start_collector()
    wrong = run("attribution", "import", "nowhere.jsonl", exit_code=1)
    assert "nowhere.jsonl cannot be read: No such file" in wrong.stderr


def test_notes_are_written_in_the_git_ai_format_alone(root: Path, noted: str) -> None:
    wrong = run("attribution", "export", "--format", "agent-trace", "--write-notes", exit_code=2)
    assert "git-ai format alone" in wrong.stderr
    assert "No marts are published yet" in run("attribution", "export").stderr


@pytest.fixture(scope="module")
def attributed(tmp_path_factory: pytest.TempPathFactory) -> Attributed:
    return make_attributed(tmp_path_factory.mktemp("attributed"))


@pytest.fixture
def copied(attributed: Attributed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the attributed repository as the current folder, with the home of its marts."""
    folder = tmp_path / "copied"
    shutil.copytree(attributed.folder, folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(attributed.home))
    git(folder, "config", "user.name", "Jo")
    git(folder, "config", "user.email", "jo@example.com")
    return folder


@pytest.mark.slow
def test_an_export_is_shown_first_and_changes_nothing(attributed: Attributed, copied: Path) -> None:
    before = git(copied, "for-each-ref")
    shown = run("attribution", "export")
    assert shown.stdout.startswith(f"commit {attributed.commits['lines']}\nsrc/app.py\n  s_")
    # The blank line between two of its lines is the session's too; the first line is not.
    assert shown.stdout.splitlines()[2].endswith(" 2-6")
    assert "--write-notes adds 1 note to refs/notes/ai" in shown.stderr
    assert git(copied, "for-each-ref") == before

    run("attribution", "export", "--output", "notes.txt")
    assert (copied / "notes.txt").read_text() == shown.stdout
    assert run("attribution", "export", "--since", "2026-11-21").stdout == ""
    trace = run("attribution", "export", "--format", "agent-trace")
    [record] = map(json.loads, trace.stdout.splitlines())
    assert record["vcs"]["revision"] == attributed.commits["lines"]
    [file] = record["files"]
    assert file["conversations"][0]["ranges"] == [{"start_line": 2, "end_line": 6}]


@pytest.mark.slow
def test_a_note_that_is_there_is_left_as_it_is(attributed: Attributed, copied: Path) -> None:
    add_note(find_repository(copied), attributed.commits["lines"], NOTE)
    written = run("attribution", "export", "--write-notes")
    assert "0 notes added" in written.stdout
    assert "1 commit with a note of their own" in written.stderr
    assert git(copied, "notes", "--ref=ai", "show", attributed.commits["lines"]) == NOTE.rstrip()


@pytest.mark.slow
def test_lines_of_another_key_are_said_to_be_lost(
    attributed: Attributed, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    shutil.copytree(attributed.home, other, symlinks=True)
    (other / "line.key").write_text("ab" * 32)
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(other))
    shown = run("attribution", "export")
    assert shown.stdout == ""
    assert "4 lines could not be found" in shown.stderr


@pytest.mark.slow
def test_what_is_exported_and_imported_elsewhere_is_the_same_attribution(
    attributed: Attributed, copied: Path, home: Home, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    commit_hash = attributed.commits["lines"]
    trace = tmp_path / "traces.jsonl"
    run("attribution", "export", "--format", "agent-trace", "--output", str(trace))
    assert "1 note added" in run("attribution", "export", "--write-notes").stdout

    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(home.root))
    collector = RunningService(home)
    try:
        run("import-git")
        run("attribution", "import", str(trace))
        told = rows(
            home, "SELECT path, ranges, lines, agent_session_id, evidence_tier, contributor "
            "FROM raw_git_attributions ORDER BY source",
        )  # fmt: skip
    finally:
        collector.stop()
    assert told == [("src/app.py", "2-6", 4, SESSION, "lines", "ai")] * 2

    elsewhere = Warehouse(home.root)  # it knows the session, and nothing of its edits
    request = {
        "agent": "claude_code", "session_id": SESSION, "kind": "request",
        "timestamp": BEGAN.isoformat(), "payload": {"request_id": "r1", **PRICED},
    }  # fmt: skip
    elsewhere.load([delivered(Signal.SESSION_RECORDS, [request])])
    elsewhere.build()
    here = Warehouse(attributed.home)
    for mart in (
        "SELECT attribution_tier, attribution_confidence, agent, session_id, ai_lines, "
        "effective_lines_added, cost_usd FROM marts.fct_git_commits",
        "SELECT attribution_tier, session_key, attributed_lines, cost_share_usd "
        "FROM marts.fct_commit_sessions",
    ):
        ours = f"{mart} WHERE commit_hash = '{commit_hash}'"
        assert elsewhere.rows(ours) == here.rows(ours) != []
