"""The installation's own secret: the API wants it even on loopback, which other users reach too."""

from __future__ import annotations

import os
import secrets

from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home


def installation_token(home: Home) -> str:
    """The secret in `token` of the home (0600), made when there is none. Raises HomeUnusable."""
    path = home.token
    try:
        try:
            found = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            found = ""
        if found:
            return found
        made = secrets.token_urlsafe(32)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(made + "\n")
        return made
    except (OSError, UnicodeDecodeError) as error:
        raise HomeUnusable(home.root, f"{path.name}: {error}") from error
