"""Who asks: the first administrator of a new Metabase, or a user that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from agent_analytics_cli.metabase import METABASE_VERSION
from agent_analytics_cli.metabase.client import MetabaseClient, MetabaseError, MetabaseRefused

SITE_NAME = "agent-analytics"


class LoginRefused(MetabaseError):
    """Metabase does not let this user in."""

    def __init__(self, url: str, user: str, detail: str) -> None:
        self.url, self.user = url, user
        super().__init__(
            f"{url} does not let {user} in: {detail}. Check the address of the user and the "
            "password; after several tries Metabase wants a pause."
        )


class NotSetUp(MetabaseError):
    """Metabase has no user yet."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"The Metabase at {url} is new and has no user yet. `agent-analytics metabase "
            "provision` makes the user that you name its administrator."
        )


class _Version(msgspec.Struct):
    tag: str | None = None


class _Properties(msgspec.Struct, rename="kebab"):
    version: _Version
    has_user_setup: bool = True
    setup_token: str | None = None


class _Session(msgspec.Struct):
    id: str


@dataclass(frozen=True, slots=True)
class Instance:
    """A Metabase as it presents itself to anybody."""

    url: str
    version: str | None
    setup_token: str | None
    """To make the first user with; None when there is one."""

    @property
    def is_new(self) -> bool:
        return self.setup_token is not None

    @property
    def is_known_version(self) -> bool:
        """Whether it is of the release that this was written for, up to its bug fixes."""
        release = METABASE_VERSION.rpartition(".")[0]
        return f"{self.version}.".startswith(f"{release}.")


def look_at(client: MetabaseClient) -> Instance:
    """Raises MetabaseUnreachable, NotMetabase, MetabaseRefused."""
    found = client.get("/api/session/properties", _Properties)
    token = None if found.has_user_setup else found.setup_token
    return Instance(client.url, found.version.tag, token)


@contextmanager
def logged_in(
    client: MetabaseClient, instance: Instance, user: str, password: str
) -> Iterator[None]:
    """The client asks as that user meanwhile; a new Metabase gets the user as administrator.

    Raises LoginRefused, MetabaseRefused (a password that Metabase finds too weak, for one).
    """
    if instance.setup_token:
        session_id = _set_up(client, instance.setup_token, user, password)
    else:
        session_id = _log_in(client, user, password)
    client.use_session(session_id)
    if instance.is_new:
        # Set-up switches it on, whatever is asked for.
        client.put("/api/setting/anon-tracking-enabled", {"value": False})
    try:
        yield
    finally:
        with suppress(MetabaseError):
            client.delete("/api/session")


def _set_up(client: MetabaseClient, token: str, user: str, password: str) -> str:
    body: dict[str, Any] = {
        "token": token,
        "user": {"email": user, "password": password},
        "prefs": {"site_name": SITE_NAME},
    }
    return client.post("/api/setup", body, _Session).id


def _log_in(client: MetabaseClient, user: str, password: str) -> str:
    try:
        found = client.post("/api/session", {"username": user, "password": password}, _Session)
    except MetabaseRefused as error:
        if error.status in (400, 401):
            raise LoginRefused(client.url, user, error.detail) from error
        raise
    return found.id
