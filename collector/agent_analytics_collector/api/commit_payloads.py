"""What the API takes of commits: their files and lines, rewrites, and who wrote which lines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from agent_analytics_collector.api.payloads import Count, Name, Text

MOST_FILES = 2_000
"""Of one commit."""
MOST_HASHES = 20_000
"""Of the lines that a commit adds to a file or removes from it."""
MOST_ALIVE = 200_000
_HASH = r"^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$"
"""A whole SHA-1 or SHA-256: an abbreviated hash names no commit for good."""
_MOST_SECONDS = 253_402_300_799

Hash = Annotated[
    str,
    Field(pattern=_HASH, examples=["c9335bcb18f9e474573517f60b31b73d99d2217d"]),
    AfterValidator(str.lower),
]
Seconds = Annotated[int, Field(ge=0, le=_MOST_SECONDS, description="Unix time in seconds")]
LineHash = Annotated[
    str, Field(pattern=r"^[0-9a-f]{16}$", description="Keyed hash of a normalised line")
]
Path = Annotated[Name, Field(min_length=1)]


class CommitFile(BaseModel):
    """What a commit changes in one file; hashes are of effective lines, in their order."""

    path: Path
    old_path: Name | None = Field(None, description="Of a renamed or copied file")
    lines_added: Count | None = None
    lines_deleted: Count | None = None
    is_binary: bool | None = None
    is_excluded: bool | None = Field(None, description="Nobody's work: generated, vendored, locked")
    effective_lines_added: Count | None = Field(None, description="Also where hashes are cut off")
    added_line_hashes: list[LineHash] | None = Field(None, max_length=MOST_HASHES)
    removed_line_hashes: list[LineHash] | None = Field(None, max_length=MOST_HASHES)


class Commit(BaseModel):
    """A commit, as git tells of it. Which agent made it is decided later, from all evidence."""

    commit_hash: Hash
    timestamp: Seconds
    commit_message: Text | None = None
    author_name: Name | None = None
    author_email: Name | None = None
    files_changed: Count | None = None
    lines_added: Count | None = None
    lines_deleted: Count | None = None
    agent_assisted: bool | None = Field(None, description="What the client claims; kept, not used")
    agent_session_id: Name | None = None
    agent_type: Name | None = None
    authored_at: Seconds | None = None
    repository: Name | None = Field(
        None, description="https://host/owner/name of its origin, else its absolute path"
    )
    branch: Name | None = None
    parent_hashes: list[Hash] | None = Field(None, max_length=1000)
    is_merge: bool | None = None
    patch_id: Hash | None = None
    trailers: dict[Name, list[Text]] | None = None
    project_id: Name | None = None
    recorded_by: Name | None = Field(None, examples=["hook", "backfill"])
    files: list[CommitFile] | None = Field(None, max_length=MOST_FILES)


class Rewrite(BaseModel):
    """A commit that an amend or a rebase replaced by another."""

    repository: Name | None = None
    old_hash: Hash
    new_hash: Hash
    kind: Name | None = Field(None, examples=["amend", "rebase"])


class LineSurvival(BaseModel):
    """Which lines of a commit blame still gives to it, when they were so many days old."""

    repository: Name | None = None
    commit_hash: Hash
    age_days: Annotated[int, Field(ge=0, le=36_500)]
    measured_at: Seconds
    lines_alive: Count | None = None
    lines_at_start: Count | None = None
    alive_line_hashes: list[LineHash] | None = Field(None, max_length=MOST_ALIVE)
    in_default_branch: bool | None = None


class Attribution(BaseModel):
    """Lines of a file of a commit, and who wrote them, as a note or a record says it."""

    repository: Name | None = None
    commit_hash: Hash
    source: Literal["git_ai", "agent_trace"]
    note_id: Name | None = Field(
        None,
        description="The note's blob or the record's id: of a commit's notes the newest counts",
    )
    note_version: Name | None = Field(None, examples=["authorship/3.0.0"])
    evidence_tier: Literal["note", "tool_call", "lines"] | None = Field(
        None, description="By which tier another collector exported it"
    )
    contributor: Literal["ai", "human", "mixed", "unknown"] | None = None
    agent: Name | None = Field(None, examples=["claude"])
    agent_session_id: Name | None = None
    model: Name | None = None
    path: Path | None = None
    ranges: Annotated[str, Field(pattern=r"^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$")] | None = Field(
        None, max_length=65_536, description="Lines of the file in the commit, from 1"
    )
    lines: Count | None = Field(None, description="Effective lines that the commit added")
