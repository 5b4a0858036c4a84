"""A file of an older version gets its home folders said as newer rows have them."""

from __future__ import annotations

import json

from agent_analytics_collector.home import Home
from agent_analytics_collector.scrub.text import without_home
from agent_analytics_collector.warehouse.lease import lease

PATHS = (
    "/home/ada/src/app", "/Users/ada", "/var/home/ada/x", "/mnt/c/Users/ada/x", "C:\\Users\\ada\\x",
    "cd /home/ada/x && ls /home/bob", "~/src/app", "/srv/app/home/page.py", "/opt/app",
    "C:/Users/ada/x", "/Users/Shared/tools", "/Users/SharedBy/x",
    "/home/ada/.claude/projects/-home-ada-app/a.jsonl",
    "https://github.com/acme/home", "https://x.example/Users/ada/x",
)  # fmt: skip


def test_folders_and_texts_become_what_newer_rows_have(home: Home) -> None:
    with lease(home.database) as connection:
        for path in PATHS:
            connection.execute(
                "INSERT INTO raw_agent_session_records (agent, record_key, kind, project_path, "
                "repository, payload, created_at) VALUES ('codex', uuid(), 'x', ?, ?, ?, now())",
                [path, path, json.dumps({"file_path": path})],
            )
        connection.execute("DELETE FROM schema_migrations WHERE version >= 11")
    with lease(home.database) as connection:
        rows = connection.execute(
            "SELECT project_path, repository, payload FROM raw_agent_session_records ORDER BY rowid"
        ).fetchall()
    for path, (project, repository, payload) in zip(PATHS, rows, strict=True):
        clean = without_home(path)
        assert (project, repository) == (clean, clean)
        assert json.loads(payload) == {"file_path": clean}
