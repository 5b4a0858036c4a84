"""The commits that the output of a tool names."""

from __future__ import annotations

import re
from typing import Any

from agent_analytics_cli.agents.kept_values import (
    branch,
    commit_id,
    identifier,
    mapping,
)
from agent_analytics_collector.text_extracts import from_tool_output

_COMMIT_LINE = re.compile(r"^\[[^\]\n]+ [0-9a-f]{7,40}\] ", re.MULTILINE)
_FULL_SHA = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{40}(?![0-9A-Za-z])")


def commits_of(output: str, operation: object) -> list[dict[str, str | None]]:
    """`git_commit_id`, `git_commit_branch` and `commit_kind` of each commit, in order.

    `operation` is the tool's own word on it (`toolUseResult.gitOperation`): it knows the kind,
    2.1.197 no branch. Both name the short SHA; the full one is taken where the output shows it,
    as `git commit … && git rev-parse HEAD` does.
    """
    found: list[dict[str, str | None]] = []
    for line in _COMMIT_LINE.finditer(output):
        facts = from_tool_output(line[0])
        _add(found, facts.get("git_commit_id"), branch(facts.get("git_branch")), None)
    told: dict[str, Any] = mapping(mapping(operation).get("commit"))
    _add(found, told.get("sha"), branch(told.get("branch")), identifier(told.get("kind")))
    if found:
        shown = set(_FULL_SHA.findall(output))
        for commit in found:
            full = [sha for sha in shown if sha.startswith(str(commit["git_commit_id"]))]
            if len(full) == 1:
                commit["git_commit_id"] = full[0]
    return found


def _add(
    found: list[dict[str, str | None]], sha: object, on_branch: str | None, kind: str | None
) -> None:
    """Add a commit, or what is new about one that is there."""
    commit = commit_id(sha)
    if commit is None:
        return
    for known in found:
        known_id = str(known["git_commit_id"])
        if known_id.startswith(commit) or commit.startswith(known_id):
            known["git_commit_id"] = max(commit, known_id, key=len)
            known["git_commit_branch"] = known["git_commit_branch"] or on_branch
            known["commit_kind"] = known["commit_kind"] or kind
            return
    found.append({"git_commit_id": commit, "git_commit_branch": on_branch, "commit_kind": kind})
