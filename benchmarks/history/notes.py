"""git-ai notes (authorship/3.0.0) on commits, as git-ai 1.4.5 writes them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence

from benchmarks.history.checkout import Checkout
from benchmarks.history.truth import CommitTruth, Person, SessionTruth

_TOOLS = {"claude_code": "claude", "codex": "codex"}


def add_note(
    checkout: Checkout,
    commit: CommitTruth,
    sessions: Mapping[str, SessionTruth],
    person: Person,
    chance: random.Random,
) -> None:
    """Tell in a note which lines of a commit which session wrote, and which a person."""
    names: dict[str, str] = {}
    told = {}
    for author in sorted(commit.authors() & sessions.keys()):
        tool = _TOOLS[sessions[author].agent]
        names[author] = "s_" + _short(f"{tool}:{author}")
        agent_id = {"tool": tool, "id": author, "model": "unknown"}
        told[names[author]] = {"agent_id": agent_id, "human_author": person.email}
    human = "h_" + _short(person.email)
    names[person.name] = human
    parts = []
    for path, added in commit.new.items():
        parts.append(path)
        file = checkout.history.trees[commit.commit_hash][path]
        new = {line.key for line in added}
        for author, name in names.items():
            places = [
                at for at, line in enumerate(file, 1) if line.key in new and line.author == author
            ]
            if places:
                end = "" if name == human else f"::t_{chance.getrandbits(56):014x}"
                parts.append(f"  {name}{end} {_ranges(places)}")
                if name != human:
                    commit.noted[author] = commit.noted.get(author, 0) + len(places)
    metadata = {
        "schema_version": "authorship/3.0.0", "git_ai_version": "1.4.5",
        "base_commit_sha": commit.commit_hash, "prompts": {},
        "humans": {human: {"author": f"{person.name} <{person.email}>"}}, "sessions": told,
    }  # fmt: skip
    text = "\n".join([*parts, "---", json.dumps(metadata, indent=2)])
    checkout.git(
        "notes", "--ref=ai", "add", "--force", "--message", text, commit.commit_hash, by=person
    )


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:14]


def _ranges(places: Sequence[int]) -> str:
    found: list[list[int]] = []
    for place in places:
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return ",".join(f"{a}-{b}" if a != b else str(a) for a, b in found)
