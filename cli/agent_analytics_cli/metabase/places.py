"""Where our questions live: a DuckDB database and collections of Metabase's."""

from __future__ import annotations

from typing import Any

import msgspec

from agent_analytics_cli.metabase.client import MetabaseClient, MetabaseError, MetabaseRefused

ENGINE = "duckdb"
OPTIONS = {"read_only": True, "old_implicit_casting": False}
"""What the driver would otherwise do: open it to write, and compare anything with text."""


class DatabaseRefused(MetabaseError):
    """Metabase cannot open the published database."""

    def __init__(self, url: str, path: str, detail: str) -> None:
        self.url, self.path = url, path
        super().__init__(
            f"The Metabase at {url} cannot open {path}: {detail}. It must be there (it is made by "
            "`agent-analytics transform`), with its whole folder, at the path that Metabase sees "
            "(--database), and Metabase needs the DuckDB driver; docs/metabase.md says more."
        )


class Database(msgspec.Struct):
    id: int
    name: str
    engine: str
    details: dict[str, Any] = {}

    @property
    def path(self) -> str | None:
        """The file that it opens."""
        return self.details.get("database_file")


class Collection(msgspec.Struct):
    id: int | str
    name: str
    location: str | None = None
    archived: bool | None = None
    type: str | None = None


class Item(msgspec.Struct):
    id: int
    model: str
    description: str | None = None


class _Databases(msgspec.Struct):
    data: list[Database]


class _Items(msgspec.Struct):
    data: list[Item]


class _Id(msgspec.Struct):
    id: int


def find_database(client: MetabaseClient, name: str) -> Database | None:
    """The DuckDB database of that name, with its details."""
    listed = client.get("/api/database", _Databases).data
    ids = [database.id for database in listed if (database.engine, database.name) == (ENGINE, name)]
    return client.get(f"/api/database/{min(ids)}", Database) if ids else None


def add_database(client: MetabaseClient, name: str, path: str) -> int:
    """Its id. Raises DatabaseRefused."""
    details = {"database_file": path, **OPTIONS}
    body = {"name": name, "engine": ENGINE, "details": details}
    try:
        return client.post("/api/database", body, _Id).id
    except MetabaseRefused as error:
        raise _database_refused(error, path) from error


def opens(database: Database, path: str) -> bool:
    """Whether it opens that file as we want it to."""
    wanted = {"database_file": path, **OPTIONS}
    return all(database.details.get(key) == value for key, value in wanted.items())


def change_database(client: MetabaseClient, database: Database, path: str) -> None:
    """It opens that file; its other details stay. Raises DatabaseRefused."""
    details = {**database.details, "database_file": path, **OPTIONS}
    try:
        client.put(f"/api/database/{database.id}", {"details": details})
    except MetabaseRefused as error:
        raise _database_refused(error, path) from error


def find_collection(client: MetabaseClient, name: str, parent_id: int | None = None) -> int | None:
    """The id of the collection of that name, at the top or in that one."""
    location = "/" if parent_id is None else f"/{parent_id}/"
    return min(
        (
            found.id
            for found in client.get("/api/collection", list[Collection])
            if isinstance(found.id, int)
            and (found.name, found.location) == (name, location)
            and not found.archived
            and found.type is None
        ),
        default=None,
    )


def add_collection(
    client: MetabaseClient, name: str, description: str, parent_id: int | None = None
) -> int:
    """Its id."""
    body: dict[str, Any] = {"name": name, "description": description}
    if parent_id is not None:
        body["parent_id"] = parent_id
    return client.post("/api/collection", body, _Id).id


def items_of(client: MetabaseClient, collection_id: int) -> list[Item]:
    """Its questions and dashboards."""
    path = f"/api/collection/{collection_id}/items"
    return client.get(path, _Items, models=["card", "dashboard"]).data


def items_in_trash(client: MetabaseClient) -> list[Item]:
    """Questions and dashboards that somebody has thrown away."""
    return items_of(client, client.get("/api/collection/trash", _Id).id)


def _database_refused(error: MetabaseRefused, path: str) -> MetabaseError:
    return DatabaseRefused(error.url, path, error.detail) if error.status == 400 else error
