"""`agent-analytics blame`, `commit` and `outcomes` on a real repository and its real marts."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import click.testing
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home

from .attributed import (
    NOTED_SESSION,
    REPOSITORY,
    SESSION,
    Attributed,
    make_attributed,
)
from .repositories import commit, git

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Attributed:
    return make_attributed(tmp_path_factory.mktemp("attributed"))


@pytest.fixture
def attributed(made: Attributed, monkeypatch: pytest.MonkeyPatch) -> Attributed:
    """The repository is the current folder, its home ours."""
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(made.home))
    monkeypatch.chdir(made.folder)
    return made


def run(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, arguments, prog_name="agent-analytics")


def answered(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_float=Decimal)


def origins(*arguments: str) -> list[tuple[Any, ...]]:
    """(tier, evidence, agent) of each line."""
    lines = answered("blame", *arguments)["lines"]
    return [(line["tier"], line["evidence"], line["agent"]) for line in lines]


AGENT = ("lines", "line", "claude_code")
NOBODY = ("untracked", None, None)


def test_blame_follows_the_agents_lines_through_a_rename(attributed: Attributed) -> None:
    assert origins("src/core.py") == [
        NOBODY, AGENT, AGENT, (None, None, None), AGENT, NOBODY,
        ("marker", "commit", "claude_code"),
    ]  # fmt: skip
    line = answered("blame", "src/core.py")["lines"][1]
    assert (line["commit_hash"], line["path_then"], line["session_id"]) == (
        attributed.commits["lines"], "src/app.py", SESSION,
    )  # fmt: skip


def test_the_shares_of_blame_add_up_and_never_name_a_human(attributed: Attributed) -> None:
    result = run("blame", "src/core.py")
    assert "human" not in result.output
    assert result.stderr == (
        "Agents wrote 50.0% of 6 lines of work; 83.3% are of commits with a tier. "
        "Claude Code: lines 50.0%, (marker) 16.7%; untracked 33.3%.\n"
        "A tier in parentheses is the commit's; which lines of it are the agent's is unknown.\n"
        "Untracked means that there is no evidence, not that a person wrote it.\n"
    )
    summary = answered("blame", "src/core.py")["summary"]
    assert (summary["lines"], summary["counted_lines"]) == (7, 6)
    assert sum(part["lines"] for part in summary["shares"]) == 6


def test_blame_prints_agent_session_tier_and_text_line_by_line(attributed: Attributed) -> None:
    first, second, *_ = run("blame", "src/core.py").stdout.splitlines()
    short = attributed.commits["lines"][:10]
    assert first == (
        f"{short}  2026-11-20  Jo Doe                 untracked  1  # Shapes for the shop"
    )
    assert second == (
        f"{short}  2026-11-20  Claude Code  5e55a0e1  lines      2  def area(width, height):"
    )


def test_blame_of_an_earlier_commit_has_its_lines(attributed: Attributed) -> None:
    assert origins("src/app.py", attributed.commits["lines"])[-1] == AGENT
    assert origins("src/app.py", attributed.commits["lines"][:8], "--agent-only") == [AGENT] * 4


def test_a_stronger_tier_leaves_weaker_evidence_out(attributed: Attributed) -> None:
    weaker = ("weaker", None, None)
    assert origins("src/core.py", "--tier", "lines")[-1] == weaker
    assert origins("src/core.py", "--tier", "note")[1] == weaker
    summary = answered("blame", "src/core.py", "--tier", "lines")["summary"]
    assert summary["coverage"] == Decimal("0.666667")
    assert answered("blame", "src/core.py", "--tier", "note")["summary"]["coverage"] == 0


def test_a_note_gives_its_own_lines(attributed: Attributed) -> None:
    noted = ("note", "line", "codex")
    assert origins("src/names.py") == [NOBODY, noted, noted]
    assert answered("blame", "src/names.py")["lines"][1]["session_id"] == NOTED_SESSION


def test_a_commit_that_was_never_imported_is_not_untracked(attributed: Attributed) -> None:
    assert origins("src/late.py") == [("unrecorded", None, None)]
    assert "`agent-analytics import-git`" in run("blame", "src/late.py").stderr


def test_a_file_that_is_nobodys_work_is_not_counted(attributed: Attributed) -> None:
    told = answered("blame", "poetry.lock")
    assert (told["is_excluded"], told["summary"]["counted_lines"]) == (True, 0)
    assert told["summary"]["coverage"] is None
    assert "nobody's work" in run("blame", "poetry.lock").stderr


def test_a_line_under_work_is_not_committed_yet(attributed: Attributed) -> None:
    file = attributed.folder / "README.md"
    before = file.read_bytes()
    file.write_bytes(before + b"An edit under way\n")
    try:
        assert origins("README.md") == [NOBODY, ("uncommitted", None, None)]
    finally:
        file.write_bytes(before)


def test_blame_works_from_a_subfolder_and_in_a_worktree(
    attributed: Attributed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    git(attributed.folder, "worktree", "add", "--quiet", "--detach", str(tree), "main")
    try:
        monkeypatch.chdir(tree / "src")
        assert answered("blame", "core.py")["path"] == "src/core.py"
        assert origins("../src/core.py")[1] == AGENT
    finally:
        git(attributed.folder, "worktree", "remove", "--force", str(tree))


def test_json_has_no_text_of_the_file(attributed: Attributed) -> None:
    assert "height" not in run("blame", "src/core.py", "--json").stdout


def test_a_commit_tells_what_made_it_and_what_it_cost(attributed: Attributed) -> None:
    told = answered("commit", attributed.commits["lines"][:8])
    kept = {key: told[key] for key in (
        "is_recorded", "commit_hash", "repository", "branch", "ticket", "pull_request", "agent",
        "session_id", "attribution_tier", "attribution_confidence", "effective_lines_added",
        "ai_lines", "cost_usd", "is_reverted", "survived_14d", "survived_30d",
    )}  # fmt: skip
    assert kept == {
        "is_recorded": True, "commit_hash": attributed.commits["lines"], "repository": REPOSITORY,
        "branch": "feature/APP-7", "ticket": "APP-7", "pull_request": 12, "agent": "claude_code",
        "session_id": SESSION, "attribution_tier": "lines",
        "attribution_confidence": Decimal("0.9"), "effective_lines_added": 5, "ai_lines": 4,
        "cost_usd": Decimal("2.5"), "is_reverted": False, "survived_14d": 4, "survived_30d": None,
    }  # fmt: skip
    [session] = told["sessions"]
    assert (session["session_id"], session["attributed_lines"]) == (SESSION, 4)
    assert (session["cost_share_usd"], session["session_cost_usd"]) == (Decimal("2.5"),) * 2
    [file] = told["files"]
    assert (file["path"], file["lines_added"], file["effective_lines_added"], file["ai_lines"]) == (
        "src/app.py", 6, 5, 4,
    )  # fmt: skip


def test_a_commit_reads_as_sentences(attributed: Attributed) -> None:
    out = run("commit", attributed.commits["lines"]).stdout
    assert "\nfor       APP-7, pull request 12\n" in out
    assert (
        f"\nevidence  Claude Code, session {SESSION}; tier lines (confidence 0.9): a session wrote "
        "the same lines into the same files\n"
    ) in out
    assert "\nlines     6 added, 0 deleted; 5 count as work, 4 of them an agent's (80.0%)\n" in out
    assert "\ncost      $2.50, its share" in out
    assert "4 after 14 days (80.0%)" in out


def test_ticket_and_pull_request_come_from_message_branch_and_merge(
    attributed: Attributed,
) -> None:
    found = {
        name: (told["ticket"], told["pull_request"])
        for name in ("lines", "moved", "merge", "marked", "first")
        for told in [answered("commit", attributed.commits[name])]
    }
    assert found == {
        "lines": ("APP-7", 12), "moved": ("APP-8", 12), "merge": ("APP-7", 12),
        "marked": (None, 15), "first": (None, None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("marked", "how many an agent wrote is unknown, because its edits are"),
        ("marked", "cost      unknown: no session is linked to it"),
        ("noted", "Codex, session noted-session; tier note (confidence 1.0)"),
        ("noted", "3 count as work, 2 of them an agent's (66.7%)"),
        ("moved", "untracked: there is no evidence, which does not mean that a person wrote it"),
        ("moved", "src/app.py → src/core.py"),
        ("lock", "left out"),
        ("merge", ", a merge"),
        ("unknown", "none: this commit is not published. `agent-analytics import-git`"),
    ],
)
def test_every_state_of_a_commit_is_told(attributed: Attributed, name: str, said: str) -> None:
    result = run("commit", attributed.commits[name])
    assert result.exit_code == 0
    assert said in result.stdout


def test_outside_of_the_repository_the_marts_alone_tell(
    attributed: Attributed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = answered("commit", attributed.commits["lines"][:7])
    assert (told["subject"], told["ai_lines"]) == (None, 4)
    assert [(file["path"], file["lines_added"], file["ai_lines"]) for file in told["files"]] == [
        ("src/app.py", None, 4)
    ]
    assert "inside the commit's repository" in run("commit", attributed.commits["lines"]).stderr
    result = run("commit", attributed.commits["unknown"])
    assert result.exit_code == 1
    assert f"No commit {attributed.commits['unknown']} is published." in result.stderr


def test_in_another_repository_a_hash_of_this_one_is_found(
    attributed: Attributed, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = commit(root, "something else")
    monkeypatch.chdir(root)
    assert answered("commit", attributed.commits["lines"][:12])["ai_lines"] == 4
    assert answered("commit", "HEAD")["commit_hash"] == own


def test_without_marts_git_alone_is_shown_and_that_is_said(
    attributed: Attributed, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(home.root))
    result = run("blame", "src/core.py")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 7)
    assert "Jo Doe" in result.stdout
    assert "No marts are published yet" in result.stderr
    told = run("commit", "HEAD")
    assert told.exit_code == 0
    assert "not published" in told.stdout
    assert "No marts are published yet" in told.stderr
    assert (run("outcomes").exit_code, run("outcomes").stdout) == (0, "")


def test_what_is_no_commit_and_no_file_is_expected_trouble(attributed: Attributed) -> None:
    for arguments in (("commit", "zzzz"), ("blame", "nope.py"), ("blame", "src/core.py", "zzz")):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ")


def test_outcomes_stand_beside_their_coverage(attributed: Attributed) -> None:
    [row] = answered("outcomes")["rows"]
    assert (row["month"], row["repository"]) == ("2026-11", REPOSITORY)
    assert (row["commits"], row["assisted_commits"], row["ai_lines"]) == (7, 3, 6)
    assert (row["effective_lines"], row["covered_lines"]) == (11, 9)
    assert row["spend_usd"] == row["linked_cost_usd"] == Decimal("2.5")
    assert row["linked_cost_per_surviving_line_14d_usd"] is None
    result = run("outcomes")
    assert "What agents made\n" in result.stdout
    assert "81.8%" in result.stdout
    assert "Coverage: 81.8% of 11 lines have any evidence." in result.stderr
    assert "needs 20 measured commits" in result.stderr
    assert "human" not in result.output


def test_outcomes_of_a_tier_count_only_that_evidence(attributed: Attributed) -> None:
    [row] = answered("outcomes", "--tier", "note")["rows"]
    assert (row["assisted_commits"], row["ai_lines"], row["covered_lines"]) == (1, 2, 3)
    assert (row["linked_cost_usd"], row["productive_usd"]) == (None, None)
    assert "The rest has weaker evidence or none" in run("outcomes", "--tier", "note").stderr
    [row] = answered("outcomes", "--tier", "window")["rows"]
    [whole] = answered("outcomes")["rows"]
    same = ("assisted_commits", "covered_lines", "ai_lines", "linked_cost_usd")
    assert [row[name] for name in same] == [whole[name] for name in same]


def test_outcomes_of_what_there_is_not_name_what_there_is(attributed: Attributed) -> None:
    for arguments in (("--month", "2020-01"), ("--repository", "acme/other")):
        result = run("outcomes", *arguments)
        assert (result.exit_code, result.stdout) == (0, "")
        assert REPOSITORY in result.stderr
    assert len(answered("outcomes", "--month", "2026-11", "--repository", "widgets")["rows"]) == 1
    assert run("outcomes", "--month", "March").exit_code == 2


def test_outcomes_as_csv_have_every_figure(attributed: Attributed) -> None:
    [row] = csv.DictReader(io.StringIO(run("outcomes", "--csv").stdout))
    assert (row["month"], row["survival_14d"], row["survival_30d"]) == ("2026-11", "0.8", "")
