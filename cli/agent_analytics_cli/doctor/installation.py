"""Checks of what is installed: settings, the home, its disk, the programs and their versions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agent_analytics_cli import __version__
from agent_analytics_cli.doctor.situation import Situation, sentence_of
from agent_analytics_cli.doctor.verdict import Verdict, fail, in_units, ok, warn
from agent_analytics_collector.home import Home

Version = tuple[int, ...]

WANTED: dict[str, tuple[Version, Version]] = {
    "dbt-core": ((1, 11, 16), (1, 12)),
    "dbt-duckdb": ((1, 11), (1, 12)),
    "duckdb": ((1, 5, 5), (1, 6)),
}
"""From this version on, below that one; the same as in pyproject.toml."""
PYTHON: Version = (3, 11)
GIT: Version = (2, 22)
"""Oldest that knows the `separator` of `%(trailers)`, with which commits are read."""
CLAUDE_CODE: Version = (2, 1, 197)
"""Oldest whose telemetry was recorded and is known to be read right."""
_PROGRAM_TIMEOUT_S = 2.0
_SILENT = "of unknown version"


def check_configuration(situation: Situation) -> Verdict:
    file = situation.home.config_file
    if situation.trouble is not None:
        detail = f"{sentence_of(situation.trouble)} The other checks use the defaults."
        return fail(detail, f"Correct {file}, or the variable named, and run doctor again")
    if not file.exists():
        return warn(f"There is no {file}; the defaults are in force.", "agent-analytics init")
    mode = file.stat().st_mode & 0o777
    if mode & 0o077:
        return warn(
            f"{file} may hold a secret and others can read it (mode {mode:04o}).",
            f"chmod 600 {file}",
        )
    return ok(f"{file} is in force.")


def check_home(situation: Situation) -> Verdict:
    root = situation.home.root
    if not root.is_dir():
        nearest = next(path for path in (root, *root.parents) if os.path.lexists(path))
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            why = "cannot be written" if nearest.is_dir() else "is no folder"
            return fail(
                f"{root} cannot be made: {nearest} {why}.",
                "Set AGENT_ANALYTICS_HOME to a folder of yours, or mend this one",
            )
        return warn(f"{root} does not exist yet.", "agent-analytics init")
    if foreign := _foreign(situation.home):
        return fail(
            f"Another user than that of {root} owns {', '.join(map(str, foreign))}, so commits and "
            "records may be stuck.",
            how_to_own(situation.home),
        )
    for folder in (root, situation.home.data, situation.home.spool, situation.home.outbox):
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK) and folder.exists():
            return fail(
                f"{folder} cannot be read and written by this user.",
                f"Run doctor as its owner, or `chmod u+rwx {folder}`",
            )
    mode = root.stat().st_mode & 0o777
    if mode & 0o077:
        return warn(f"Others can look into {root} (mode {mode:04o}).", f"chmod 700 {root}")
    return ok(f"{root} can be written.")


def how_to_own(home: Home) -> str:
    """What to type for every file of the home to be its owner's."""
    owner = home.root.stat().st_uid
    if os.geteuid() not in (owner, 0):
        return f"Run doctor as the owner of {home.root}"
    return f"sudo chown -R {owner}: {home.root}"


def _foreign(home: Home) -> list[Path]:
    """Files that another user made, as `sudo agent-analytics` does."""
    owner = home.root.stat().st_uid
    folders = (home.root, home.outbox, home.logs, home.run)
    paths = [path for folder in folders for path in folder.glob("*")]
    return [path for path in paths if os.path.lexists(path) and path.lstat().st_uid != owner]


def check_disk(situation: Situation) -> Verdict:
    """Whether the spool can grow to its limit, and at least take one request."""
    home, settings = situation.home, situation.settings
    free = shutil.disk_usage(_nearest_folder(home.root)).free
    used = sum(path.stat().st_size for path in home.spool.glob("*.segment"))
    limit = settings.spool.max_bytes
    room = max(limit - used, 0)
    said = f"{in_units(free)} are free; the spool may grow by {in_units(room)}"
    lower = f"Free some space, or lower spool.max_bytes ({limit}) in {home.config_file}"
    if free < settings.otlp.max_request_bytes:
        return fail(f"{said}, and not even one request of the largest size has room.", lower)
    if free < room:
        return warn(f"{said} until its limit, more than there is.", lower)
    return ok(f"{said} until its limit.")


def check_versions(situation: Situation) -> Verdict:
    """All versions in one sentence; what is too old or unknown with what to do."""
    said, steps = [], []
    said.append(f"agent-analytics {__version__}")
    running = situation.service.version if situation.service else __version__
    if running != __version__:
        said.append(f"the running collector {running}")
        steps.append("stop the collector and start `agent-analytics up` again")
    said.append(f"Python {'.'.join(map(str, sys.version_info[:3]))}")
    if sys.version_info[:2] < PYTHON:
        steps.append(f"use Python {_text(PYTHON)} or later")
    for package, (least, below) in WANTED.items():
        found = _installed(package)
        said.append(f"{package} {found or 'not installed'}")
        if not least <= _numbers(found) < below:
            steps.append(f"install {package} from {_text(least)} on and below {_text(below)}")
    for program, least, missing in (
        ("git", GIT, f"install git {_text(GIT)} or later"),
        ("claude", CLAUDE_CODE, None),
    ):
        found = _program_version(program)
        said.append(f"{program} {found}" if found else f"{program} not on PATH")
        if found is None:
            steps += [missing] if missing else []
        elif found == _SILENT:
            steps.append(f"find out why `{program} --version` does not tell it")
        elif _numbers(found) < least:
            steps.append(f"upgrade {program} to {_text(least)} or later")
    sentence = f"{', '.join(said)}."
    if not steps:
        return ok(sentence)
    step = "; ".join(steps)
    return warn(sentence, step[0].upper() + step[1:])


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _program_version(program: str) -> str | None:
    """What `<program> --version` says; _SILENT when it does not, None when it is not on PATH."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_PROGRAM_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return _SILENT
    found = re.search(r"\d+(\.\d+)+", done.stdout.decode(errors="replace"))
    return found[0] if found else _SILENT


def _numbers(text: str | None) -> Version:
    found = re.match(r"\d+(\.\d+)*", text or "")
    return tuple(map(int, found[0].split("."))) if found else ()


def _text(numbers: Version) -> str:
    return ".".join(map(str, numbers))
