"""The README's sentences that a machine can check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent_analytics_cli.main import COMMANDS
from agent_analytics_collector.home import Home

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert f"`agent-analytics {name}" in README


def test_every_recipe_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for recipe in re.findall(r"make ([a-z-]+)", README):
        assert f"\n{recipe}:" in makefile or recipe in ("shows",)


def test_every_file_that_the_readme_links_exists() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link


@pytest.mark.slow
def test_the_demo_prints_the_table_of_the_readme(home: Home) -> None:
    ports = [word for name in ("grpc", "http", "api") for word in (f"--{name}-port", "0")]
    command = [sys.executable, "-m", "agent_analytics_cli.main", "up", "--demo", "--once", *ports]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ, timeout=180
    )
    assert done.returncode == 0, done.stderr
    ready, *table = done.stdout.splitlines()
    assert ready.startswith("ready grpc=127.0.0.1:")
    assert "\n".join(line.rstrip() for line in table) in README
    assert "recorded demo, not your data" in done.stderr
    assert home.demo.current_marts.exists()
    assert not home.current_marts.exists()
