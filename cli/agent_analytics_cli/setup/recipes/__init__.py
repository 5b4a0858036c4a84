"""Recipes for agents that run elsewhere: what to type and to paste, with nothing changed here."""

from __future__ import annotations

from agent_analytics_cli.setup.recipes.ci import GITHUB, GITLAB, ci
from agent_analytics_cli.setup.recipes.devcontainer import devcontainer
from agent_analytics_cli.setup.recipes.recipe import Circumstances, Recipe
from agent_analytics_cli.setup.recipes.ssh import ssh
from agent_analytics_cli.setup.recipes.wsl import wsl

__all__ = ["GITHUB", "GITLAB", "Circumstances", "Recipe", "ci", "devcontainer", "ssh", "wsl"]
