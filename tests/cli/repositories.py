"""Real repositories for tests, made by the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str | bytes, stdin: bytes | None = None, **variables: str) -> str:
    """What git prints there, without the last newline; it must succeed."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=False,
        env=os.environ | {"GIT_EDITOR": "true", "GIT_ALLOW_PROTOCOL": "file"} | variables,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return os.fsdecode(done.stdout).rstrip("\n")


def make_repository(folder: Path, *options: str) -> Path:
    """An empty repository whose branch is `main`."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main", *options)
    return folder


def commit(
    repository: Path, message: str = "change", files: dict[str, bytes] | None = None, *more: str
) -> str:
    """Write files, commit everything, give the hash. Without files the commit is empty."""
    for name, content in (files or {}).items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", message, *more)
    return git(repository, "rev-parse", "HEAD")
