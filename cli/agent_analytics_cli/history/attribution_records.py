"""Notes and records, held to what their commits changed, as `POST /v1/attributions` takes them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from agent_analytics_cli.git.added_lines import AddedLines, read_added_lines
from agent_analytics_cli.git.repository import Repository
from agent_analytics_cli.history.attributions import (
    GIT_AI,
    Attestation,
    Attributed,
    format_ranges,
    joined,
)
from agent_analytics_cli.outbound.delivery import Body
from agent_analytics_collector.line_hashes import normalised

PATH = "/v1/attributions"
BATCH = 250
"""Notes whose commits are looked at in one call of git."""
_MOST_RANGES = 3_000
"""In one record: its text has a bound."""


@dataclass(slots=True)
class Records:
    """Records of some notes."""

    bodies: list[Body]
    foreign: int
    """Parts of notes that were left out, because their commit added none of the lines."""


def records(
    attestations: Iterable[Attestation], repository: Repository | None
) -> Iterator[Records]:
    """Records of some hundred notes at a time. Raises GitFailed.

    `ranges` are those of the note that its commit added, each line given to one; `lines` counts
    those that are lines of work (line_hashes.py) in a file that is somebody's. Where the commit is
    not in `repository`, or is a merge, the note's own ranges are taken and `lines` is unknown.
    """
    waiting = iter(attestations)
    while group := list(islice(waiting, BATCH)):
        by_commit: dict[str, list[Attestation]] = {}
        for attestation in group:
            by_commit.setdefault(attestation.commit_hash, []).append(attestation)
        held = _held(by_commit, repository) if repository else {}
        found = Records([], 0)
        for commit_hash, told in by_commit.items():
            own = held.get(commit_hash) or _as_told(told)
            found.bodies += own.bodies
            found.foreign += own.foreign
        for body in found.bodies:
            body["repository"] = repository.identity if repository else None
        yield found


def _held(
    by_commit: Mapping[str, Sequence[Attestation]], repository: Repository
) -> Mapping[str, Records]:
    paths = {
        commit_hash: {attributed.path for each in told for attributed in each.lines}
        for commit_hash, told in by_commit.items()
    }

    def hold(commit_hash: str, added: Mapping[str, AddedLines[bool]]) -> Records:
        found = Records([], 0)
        for attestation in by_commit[commit_hash]:
            parts = list(_held_parts(attestation.lines, added))
            found.foreign += parts.count(None)
            found.bodies += _told(attestation, (part for part in parts if part))
        return found

    return read_added_lines(repository, paths, lambda line: normalised(line) is not None, hold)


def _as_told(attestations: Iterable[Attestation]) -> Records:
    bodies: list[Body] = []
    for attestation in attestations:
        parts = (
            _author(each)
            | {"ranges": format_ranges(each.ranges[start : start + _MOST_RANGES]), "lines": None}
            for each in attestation.lines
            for start in range(0, len(each.ranges), _MOST_RANGES)
        )
        bodies += _told(attestation, parts)
    return Records(bodies, 0)


def _told(attestation: Attestation, parts: Iterable[Body]) -> list[Body]:
    """Bodies of one note or record; a note that tells nothing replaces one that did."""
    head = {
        "commit_hash": attestation.commit_hash,
        "source": attestation.source,
        "note_id": attestation.note_id,
        "note_version": attestation.version,
    }
    return [head | part for part in parts] or ([head] if attestation.source == GIT_AI else [])


def _held_parts(
    lines: Sequence[Attributed], added: Mapping[str, AddedLines[bool]]
) -> Iterator[Body | None]:
    """Bodies of each part that has lines left, the last part first; None of a foreign one."""
    numbers = {path: list(each.by_number) for path, each in added.items()}
    given: dict[str, set[int]] = {path: set() for path in added}
    for each in reversed(lines):
        ours = numbers.get(each.path, [])
        covered = {
            number
            for first, last in each.ranges
            for number in ours[bisect_left(ours, first) : bisect_right(ours, last)]
        }
        if not covered:
            yield None
            continue
        file = added[each.path]
        ranges = joined(sorted(covered - given[each.path]))
        given[each.path] |= covered
        for start in range(0, len(ranges), _MOST_RANGES):
            part = ranges[start : start + _MOST_RANGES]
            counted = sum(
                file.by_number[number] for first, last in part for number in range(first, last + 1)
            )
            yield _author(each) | {
                "ranges": format_ranges(part),
                "lines": 0 if file.is_excluded else counted,
            }


def _author(each: Attributed) -> Body:
    author = each.author
    return {
        "contributor": author.contributor,
        "agent": author.agent,
        "agent_session_id": author.session_id,
        "model": author.model,
        "evidence_tier": author.evidence_tier,
        "path": each.path,
    }
