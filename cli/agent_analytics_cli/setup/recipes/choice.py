"""Which recipe was asked for, and printing it."""

from __future__ import annotations

from typing import Any

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.setup.recipes import Circumstances, Recipe, ci, devcontainer, ssh, wsl

OPTIONS = ("devcontainer", "wsl", "ci", "ssh")
"""Of `init`; each prints a recipe."""


def recipe_named(name: str, value: Any, circumstances: Circumstances) -> Recipe:
    """The recipe that the option of that name, with that value, asks for."""
    match name:
        case "devcontainer":
            return devcontainer(circumstances)
        case "wsl":
            return wsl(circumstances)
        case "ci":
            return ci(circumstances, value)
        case _:
            return ssh(circumstances, value)


def print_recipe(recipe: Recipe, *, as_json: bool) -> None:
    """The text on stdout, so that it can go into a file; what there is to know on stderr."""
    if as_json:
        print_json(
            {"recipe": recipe.text, "notes": recipe.notes, "next": recipe.next_commands}
        )  # fmt: skip
        return
    click.echo(recipe.text, nl=False)
    note("")
    for sentence in recipe.notes:
        note(f"note  {sentence}")
    if recipe.next_commands:
        note("\nThen, on this machine:")
        for typed in recipe.next_commands:
            note(f"  {typed}")
