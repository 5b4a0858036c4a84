"""Which files are nobody's work: lock, generated, minified, vendored and snapshot files.

The list is that of Anthropic's contribution metrics (code.claude.com/docs/en/analytics, 2026-11),
so that shares of AI code compare; what a repository's own .gitattributes call
`linguist-generated` or `linguist-vendored` is left out as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from agent_analytics_cli.git.repository import GitFailed, Repository, git_version, run_git

_FOLDERS = (
    "node_modules", "bower_components", "vendor", "third_party", "third-party", "dist", "build",
    "target", "out", ".next", ".nuxt", "__snapshots__", "snapshots", "cassettes", ".venv",
    "site-packages", "Pods",
)  # fmt: skip
_LOCK_FILES = (
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
    "bun.lockb", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "Cargo.lock",
    "Gemfile.lock", "composer.lock", "go.sum", "flake.lock", "Podfile.lock", "mix.lock",
    "pubspec.lock", "packages.lock.json", "gradle.lockfile", "deno.lock", ".terraform.lock.hcl",
)  # fmt: skip
_NAMES = (
    r"\.min\.(?:js|css|mjs)", r"[.-]bundle\.js", r"\.map", r"\.snap", r"\.pb\.(?:go|cc|h)",
    r"_pb2(?:_grpc)?\.pyi?", r"\.pb\.swift", r"_pb\.(?:js|d\.ts|rb)", r"\.generated\.\w+",
    r"\.g\.(?:dart|cs)", r"\.designer\.cs", r"_generated\.\w+",
)  # fmt: skip
_EXCLUDED = re.compile(
    rf"(?:^|/)(?:{'|'.join(map(re.escape, _FOLDERS))})/"
    rf"|(?:^|/)(?:{'|'.join(map(re.escape, _LOCK_FILES))})$"
    rf"|(?:{'|'.join(_NAMES)})$",
    re.IGNORECASE,
)
_ATTRIBUTES = ("linguist-generated", "linguist-vendored")
_UNSET = ("unspecified", "unset", "false")


def is_excluded(path: str) -> bool:
    """Whether a file of this path (relative, `/`) is left out by its name alone."""
    return _EXCLUDED.search(path) is not None


def excluded_by_attributes(
    repository: Repository, folder: Path, paths: Iterable[str]
) -> frozenset[str]:
    """Those that the repository's .gitattributes, as they are now, call generated or vendored.

    Of a bare repository those of its HEAD, from git 2.40 on. Empty when git cannot tell.
    """
    asked = sorted(set(paths))
    if not asked:
        return frozenset()
    source = () if repository.top_level else ("--source=HEAD",)
    if source and git_version() < (2, 40):
        return frozenset()
    stdin = b"".join(os.fsencode(path) + b"\0" for path in asked)
    try:
        said = run_git(
            "check-attr", *source, "-z", "--stdin", *_ATTRIBUTES,
            git_dir=repository.git_dir, cwd=folder, stdin=stdin,
        )  # fmt: skip
    except GitFailed:
        return frozenset()
    parts = said.split(b"\0")
    return frozenset(
        os.fsdecode(path)
        for path, value in zip(parts[::3], parts[2::3], strict=False)
        if value.decode("utf-8", "replace") not in _UNSET
    )
