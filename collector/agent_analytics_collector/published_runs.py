"""The runs that were published: which one is newest, and whether an older one is still there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent_analytics_collector.home import Home

_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One run's file of marts."""

    file: Path

    @property
    def name(self) -> str:
        return self.file.parent.name

    @property
    def at(self) -> datetime:
        """When it was published: its folder is named by it; else when the file was written."""
        try:
            return datetime.strptime(self.name, "%Y%m%dT%H%M%S_%fZ").replace(tzinfo=UTC)
        except ValueError:
            return datetime.fromtimestamp(self.file.stat().st_mtime, UTC)


def newest_run(home: Home) -> PublishedRun | None:
    """The latest published run; None when nothing is published yet.

    `current` is resolved here, so that all queries on the run see it although a newer one may be
    published meanwhile.
    """
    try:
        return PublishedRun(home.current_marts.resolve(strict=True))
    except (FileNotFoundError, NotADirectoryError):
        return None


def run_named(home: Home, name: str) -> PublishedRun | None:
    """A run that was published before; None when it is gone: the last three stay."""
    if not _NAME.fullmatch(name) or name == "current":
        return None
    file = home.published / name / "marts.duckdb"
    return PublishedRun(file) if file.is_file() else None
