"""Files of a home that are made once and then stay: secret keys, and the installation's id."""

from __future__ import annotations

import os
import secrets
import uuid
from contextlib import suppress
from pathlib import Path

from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home

KEY_BYTES = 32


def secret_key(home: Home, path: Path, *, make: bool = True) -> bytes:
    """The 32 bytes in `path` (hex digits, 0600), made on first need unless `make` is False.

    Raises HomeUnusable.
    """
    try:
        key = bytes.fromhex(_kept(path, secrets.token_hex(KEY_BYTES) if make else None))
    except (OSError, ValueError) as error:
        raise HomeUnusable(home.root, f"{path}: {error}") from error
    if len(key) != KEY_BYTES:
        raise HomeUnusable(home.root, f"{path} must hold {2 * KEY_BYTES} hex digits")
    return key


def installation_id(home: Home, *, make: bool = True) -> str:
    """What tells this home from all others, made on first need unless `make` is False; no secret.

    Raises HomeUnusable.
    """
    try:
        return str(uuid.UUID(_kept(home.installation, str(uuid.uuid4()) if make else None)))
    except (OSError, ValueError) as error:
        raise HomeUnusable(home.root, f"{home.installation}: {error}") from error


def _kept(path: Path, new: str | None) -> str:
    """The text in `path`; where there is none `new`, or that of whoever was faster to make one."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        if new is None:
            raise
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            belong_to_owner(file.fileno(), path.parent)
            file.write(new + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    return path.read_text(encoding="ascii").strip()


def belong_to_owner(descriptor: int, folder: Path) -> None:
    """Made by root, the file belongs to its folder's owner: the server must be able to read it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
