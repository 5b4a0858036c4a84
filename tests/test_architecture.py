"""Arrows point one way: cli → collector; the acknowledging path needs neither DuckDB nor Arrow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_the_collector_imports_nothing_from_the_cli() -> None:
    for path in (ROOT / "collector").rglob("*.py"):
        wrong = [name for name in imported(path) if name.startswith("agent_analytics_cli")]
        assert not wrong, f"{path} imports {wrong}"


def test_the_environment_is_read_in_three_places() -> None:
    readers = {
        path.name
        for folder in ("collector", "cli")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"environ(\[|\.get|\.items)|getenv", path.read_text())
    }
    assert readers == {"settings.py", "home.py", "machine.py"}


def test_the_service_holds_no_duckdb_and_no_arrow() -> None:
    script = (
        "import sys, agent_analytics_collector.service, agent_analytics_cli.commands.up\n"
        "print(sorted({'duckdb', 'pyarrow', 'dbt', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_project_is_free_of_this_workplace() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    foreign = ("python" + "hosted", "npm" + "js", "../" + "shared", "/work" + "/main")
    for name in tracked:
        path = ROOT / name
        if path.suffix in (".py", ".md", ".sql", ".yml", ".toml", ".sh") and path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not [word for word in foreign if word in text], name
