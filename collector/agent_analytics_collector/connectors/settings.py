"""Settings `vendors.*`: whose usage is fetched from which vendor's API, and with which secret."""

from __future__ import annotations

import msgspec


class GithubSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    organisation: str | None = None
    """Organisation whose Copilot metrics `sync copilot` reads."""
    enterprise: str | None = None
    """Or the enterprise."""
    token: str | None = None
    """Secret; better in the environment or in `token_file` than in config.yaml."""
    token_file: str | None = None
    """File that holds the secret alone, readable by its owner alone; relative to the home."""
    api_url: str = "https://api.github.com"


class ClaudeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str | None = None
    """Admin API key (sk-ant-admin…) for `sync claude`."""
    token_file: str | None = None
    api_url: str = "https://api.anthropic.com"


class CursorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str | None = None
    """Admin API key (key_…) for `sync cursor`."""
    token_file: str | None = None
    api_url: str = "https://api.cursor.com"


class VendorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    github: GithubSettings = GithubSettings()
    claude: ClaudeSettings = ClaudeSettings()
    cursor: CursorSettings = CursorSettings()
