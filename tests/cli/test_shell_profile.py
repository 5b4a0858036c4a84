"""The opt-in block in the profile of bash, zsh and fish."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent_analytics_cli.changes import ChangeRefused, apply
from agent_analytics_cli.receipt import entry_for, undo
from agent_analytics_cli.shell_profile import plan_profile, profile_of, set_by

VARIABLES = {"OTEL_A": "http://127.0.0.1:4317", "OTEL_B": 'it\'s $HOME \\ `x`,y="z"'}
SHELLS = ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_block_sets_the_variables_in_the_shell_itself(shell: str, tmp_path: Path) -> None:
    path = tmp_path / "profile"
    apply(plan_profile(VARIABLES, path, shell).change)
    assert set_by(path.read_text()) == VARIABLES
    if shutil.which(shell) is None:
        return  # the text is read back above; the shell itself is not here to ask
    for name, value in VARIABLES.items():
        said = subprocess.run(
            [shell, "-c", f'source {path}; printf %s "${name}"'],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert (said.stdout, said.stderr) == (value, "")


@pytest.mark.parametrize("before", [None, "", "a=1\n", "a=1", "a=1\r\n\n\n"])
def test_the_block_comes_once_changes_in_place_and_goes_without_a_trace(
    tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "profile"
    if before is not None:
        path.write_text(before, newline="")
    first = plan_profile(VARIABLES, path, "bash")
    entry = entry_for(first.change, "profile", [first.fragment], None)
    apply(first.change)
    assert not plan_profile(VARIABLES, path, "bash", entry).change.is_change
    path.write_bytes(path.read_bytes() + b"alias ll=ls\n")
    second = plan_profile({"OTEL_A": "2"}, path, "bash", entry)
    entry = entry_for(second.change, "profile", [second.fragment], entry)
    apply(second.change)
    assert path.read_text().count(">>> agent-analytics >>>") == 1
    assert path.read_text().endswith("<<<\nalias ll=ls\n")
    change = undo(entry)
    assert change is not None
    missing_newline = "\n" if before == "a=1" else ""
    assert change.after == ((before or "") + missing_newline + "alias ll=ls\n").encode()


def test_a_block_without_a_receipt_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "profile"
    apply(plan_profile(VARIABLES, path, "bash").change)
    path.write_bytes(b"a=1\n" + path.read_bytes() + b"b=2\n")
    plan = plan_profile({"OTEL_A": "2"}, path, "bash")
    assert set_by(plan.fragment) == {"OTEL_A": "2"}
    apply(plan.change)
    assert path.read_text() == f"a=1\n{plan.fragment}b=2\n"


@pytest.mark.parametrize("cut", ["# >>> agent-analytics >>>\n", "# <<< agent-analytics <<<\n"])
def test_half_a_block_is_left_to_the_person(tmp_path: Path, cut: str) -> None:
    path = tmp_path / "profile"
    apply(plan_profile(VARIABLES, path, "bash").change)
    path.write_text(path.read_text().replace(cut, ""))
    with pytest.raises(ChangeRefused, match="no longer one pair"):
        plan_profile(VARIABLES, path, "bash")


def test_links_and_read_only_profiles_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "dotfiles")
    with pytest.raises(ChangeRefused, match="it is a link to"):
        plan_profile(VARIABLES, link, "bash")
    closed = tmp_path / "closed"
    closed.write_text("")
    closed.chmod(0o444)
    with pytest.raises(ChangeRefused, match="it is read-only"):
        plan_profile(VARIABLES, closed, "bash")


def test_each_shell_has_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = tmp_path / "user"
    monkeypatch.delenv("ZDOTDIR", raising=False)
    assert profile_of("zsh") == user / ".zshrc"
    assert profile_of("fish") == user / ".config/fish/conf.d/agent-analytics.fish"
    monkeypatch.setattr(sys, "platform", "linux")
    assert profile_of("bash") == user / ".bashrc"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert profile_of("bash") == user / ".bash_profile"
    (user / ".bashrc").touch()
    assert profile_of("bash") == user / ".bashrc"
    monkeypatch.setenv("ZDOTDIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert profile_of("zsh") == tmp_path / ".zshrc"
    assert profile_of("fish") == tmp_path / "fish/conf.d/agent-analytics.fish"
    with pytest.raises(ChangeRefused, match="the profile of tcsh is not known, only those of bash"):
        profile_of("tcsh")
