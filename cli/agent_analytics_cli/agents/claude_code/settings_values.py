"""One setting of Claude Code's, as each of its settings files says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent_analytics_cli.agents.claude_code.settings_files import Source, settings_sources
from agent_analytics_cli.json_reader import NotJson, read


def values_of(
    name: str, config_dir: Path, project_dir: Path | None, managed: Sequence[Path] | None = None
) -> Iterator[tuple[Source, Any]]:
    """The files that set `name` and what to, the one with the last word first.

    Files that cannot be read say nothing. `managed` replaces the places of managed settings.
    """
    for source in settings_sources(config_dir, project_dir, managed):
        if source.path is None:
            continue
        try:
            node = read(source.path.read_bytes().decode())
        except (OSError, UnicodeDecodeError, NotJson):
            continue
        if node is not None and node.is_object and (found := node.find(name)) is not None:
            yield source, found.value.value
