"""Files that are not Python: in the checkout first, in an installed wheel's `_bundle` second.

An editable install carries a `_bundle` of its day of installation, so the checkout goes first.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def dbt_project() -> Path:
    """The folder of the dbt project, its profile included."""
    return _first_of(_CHECKOUT / "dbt_project", _PACKAGE / "_bundle" / "dbt_project")


def dashboards() -> Path:
    """The folder of the views, a folder each with `view.yml` and its queries."""
    return _first_of(_CHECKOUT / "dashboards", _PACKAGE / "_bundle" / "dashboards")


def hooks() -> Path:
    """The folder of stubs that git hooks source, before an installation is filled in."""
    return _first_of(_CHECKOUT / "hooks", _PACKAGE / "_bundle" / "hooks")


def demo_recordings() -> Path:
    """Recorded requests of the real Claude Code CLI, a folder a scenario."""
    return _first_of(_CHECKOUT / "tests" / "fixtures" / "claude", _PACKAGE / "_bundle" / "demo")


def _first_of(*folders: Path) -> Path:
    for folder in folders:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"This installation of agent-analytics lacks {folders[-1]}.")
