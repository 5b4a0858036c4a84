"""What a folder holds, for comparing it byte by byte; settings files of many kinds."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

Tree = dict[str, tuple[int, bytes]]


def tree(*folders: Path, without: Path | None = None) -> Tree:
    """(mode, content) of every file, folder and link below; modification times do not count."""
    found: Tree = {}
    for folder in folders:
        for root, names, files in os.walk(folder):
            for name in [*names, *files, "."]:
                path = Path(root, name)
                if without is not None and without in (path, *path.parents):
                    continue
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode):
                    content = os.fsencode(os.readlink(path))
                else:
                    content = path.read_bytes() if stat.S_ISREG(mode) else b""
                found[str(path)] = (mode, content)
    return found


def only_git(folder: Path) -> str:
    """A PATH with git and no agent on it, whatever is installed here."""
    folder.mkdir()
    (folder / "git").symlink_to(shutil.which("git") or "git")
    return str(folder)


SETTINGS = {
    "missing": None,
    "empty": "",
    "braces": "{}",
    "usual": '{\n  "model": "opus",\n  "env": {\n    "FOO": "bar"\n  }\n}\n',
    "no env": '{\n  "permissions": {\n    "allow": ["Bash(ls:*)"]\n  },\n  "model": "opus"\n}\n',
    "no newline at the end": '{\n  "model": "opus"\n}',
    "tabs": '{\n\t"env": {\n\t\t"FOO": "bar"\n\t},\n\t"model": "opus"\n}\n',
    "crlf": '{\r\n    "env": {},\r\n    "model": "opus"\r\n}\r\n',
    "one line": '{"model":"opus","env":{"FOO":"bar"}}',
    "comments": '{\n  // mine\n  "env": {\n    "FOO": "bar", // why\n    /* later */\n  },\n}\n',
    "odd order": '{"zeta": 1,\n\n\n      "alpha":2 , "env"  :{"B":"1","A":"2"}\n}\n\n\n',
    "byte order mark": '\ufeff{\n  "model": "opus"\n}\n',
    "unicode": '{\n  "language": "日本語 \\u00e9",\n  "env": {\n  }\n}\n',
}
"""Contents of Claude Code's settings.json; None is no file."""
