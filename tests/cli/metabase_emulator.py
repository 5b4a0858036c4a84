"""A Metabase of this machine: its REST API over real HTTP, strict, and with a memory.

Requests are checked as Metabase's source says at each endpoint (`metabase/metabase`, v0.63; its
malli schemas are closed maps, so a field that is not named is an error):

- `src/metabase/setup_rest/api.clj`, `src/metabase/session/api.clj`
- `src/metabase/warehouses_rest/api.clj`, and the driver's `resources/metabase-plugin.yaml`
- `src/metabase/collections_rest/api.clj`, `src/metabase/queries_rest/api/card.clj`
- `src/metabase/dashboards_rest/api.clj`, `src/metabase/parameters/schema.cljc`
- `src/metabase/lib/schema/{parameter,template_tag}.cljc`

A database is opened with DuckDB for real, so a path that Metabase could not open is refused.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import duckdb

from tests.cli.metabase_schemas import (
    CARD,
    CARD_UPDATE,
    COLLECTION,
    COLLECTION_UPDATE,
    DASHBOARD,
    DASHBOARD_UPDATE,
    DATABASE,
    DATABASE_UPDATE,
    LOGIN,
    SETTING,
    SETUP,
    Refused,
    check,
)

TRASH = 1
_TAG = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
Body = dict[str, Any]


@dataclass
class Metabase:
    """What it has, what was asked of it, and where it is."""

    version: str = "v0.63.19"
    url: str = ""
    setup_token: str | None = field(default_factory=lambda: str(uuid4()))
    users: dict[str, str] = field(default_factory=dict)
    admins: set[str] = field(default_factory=set)
    sessions: dict[str, str] = field(default_factory=dict)
    settings: Body = field(default_factory=dict)
    databases: dict[int, Body] = field(default_factory=dict)
    collections: dict[int, Body] = field(default_factory=dict)
    cards: dict[int, Body] = field(default_factory=dict)
    dashboards: dict[int, Body] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path, and the body as it came."""
    respells: bool = False
    """Store visualization settings with a key more than they came with."""
    fails_at: tuple[str, str] | None = None
    """Method and start of a path that it is too ill to answer, once."""
    _last_id: int = TRASH

    def __post_init__(self) -> None:
        self.collections[TRASH] = {
            "id": TRASH, "name": "Trash", "type": "trash", "location": "/", "archived": False,
        }  # fmt: skip

    @property
    def writes(self) -> list[str]:
        """Requests since `asked` was last cleared that change what people see."""
        return [
            f"{method} {path}"
            for method, path, _ in self.asked
            if method != "GET" and path != "/api/session"
        ]

    def add_user(self, email: str, password: str, *, is_admin: bool = True) -> None:
        """As after the set-up."""
        self.setup_token = None
        self.users[email] = password
        if is_admin:
            self.admins.add(email)

    def add_session(self, user: str) -> str:
        """The id of a session of that user."""
        session = str(uuid4())
        self.sessions[session] = user
        return session

    def card(self, name: str) -> Body:
        """The one question of that name that is not in the trash."""
        return _only(self.cards, name)

    def dashboard(self, name: str) -> Body:
        """The one dashboard of that name that is not in the trash."""
        return _only(self.dashboards, name)

    def sql(self, card: Body, values: Mapping[str, list[str]]) -> str:
        """The question's SQL as Metabase hands it to the driver, with those filters' values."""
        native = card["dataset_query"]["native"]
        tags = native["template-tags"]

        def literal(found: re.Match[str]) -> str:
            given = ", ".join(
                f"'{value.replace(chr(39), chr(39) * 2)}'" for value in values[found[1]]
            )
            return f"cast({given} as timestamp)" if tags[found[1]]["type"] == "date" else given

        def optional(found: re.Match[str]) -> str:
            named = set(_TAG.findall(found[1]))
            return _TAG.sub(literal, found[1]) if named <= values.keys() else ""

        return _TAG.sub(literal, _OPTIONAL.sub(optional, native["query"]))

    # What follows answers requests: each takes the path's id, the query and the body.

    def properties(self, _id: int, _query: Body, _body: Body) -> Any:
        return {
            "version": {"tag": self.version, "hash": "e1c1d03"},
            "has-user-setup": self.setup_token is None,
            "setup-token": self.setup_token,
            "available-locales": [["en", "English"]],
        }

    def set_up(self, _id: int, _query: Body, body: Body) -> Any:
        check(SETUP, body)
        if self.setup_token is None:
            raise Refused(403, "The /api/setup route can only be used to create the first user")
        if body["token"] != self.setup_token:
            raise Refused(400, {"errors": {"token": "Token does not match the setup token."}})
        user = body["user"]
        if len(user["password"]) < 6:
            raise Refused(400, {"errors": {"user": {"password": "password is too common."}}})
        self.add_user(user["email"], user["password"])
        self.settings |= {"site-name": body["prefs"]["site_name"], "anon-tracking-enabled": True}
        return {"id": self.add_session(user["email"])}

    def log_in(self, _id: int, _query: Body, body: Body) -> Any:
        check(LOGIN, body)
        if self.users.get(body["username"]) != body["password"]:
            raise Refused(401, {"errors": {"password": "did not match stored password"}})
        return {"id": self.add_session(body["username"])}

    def set_setting(self, key: str, _query: Body, body: Body) -> Any:
        check(SETTING, body)
        self.settings[key] = body["value"]

    def list_databases(self, _id: int, _query: Body, _body: Body) -> Any:
        data = [
            {k: v for k, v in each.items() if k != "details"} for each in self.databases.values()
        ]
        return {"data": data, "total": len(data)}

    def add_database(self, _id: int, _query: Body, body: Body) -> Any:
        check(DATABASE, body)
        _open(body["details"])
        return self._add(self.databases, body)

    def change_database(self, database: int, _query: Body, body: Body) -> Any:
        check(DATABASE_UPDATE, body)
        if "details" in body:
            _open(body["details"])
        _row(self.databases, database).update(body)
        return self.databases[database]

    def list_collections(self, _id: int, _query: Body, _body: Body) -> Any:
        root = {"id": "root", "name": "Our analytics", "can_write": True}
        kept = [each for each in self.collections.values() if not each["archived"]]
        return [root, *kept]

    def add_collection(self, _id: int, _query: Body, body: Body) -> Any:
        check(COLLECTION, body)
        parent = body.pop("parent_id", None)
        if parent is not None:
            _row(self.collections, parent)
        location = "/" if parent is None else f"/{parent}/"
        return self._add(
            self.collections, {**body, "location": location, "type": None, "archived": False}
        )

    def change_collection(self, collection: int, _query: Body, body: Body) -> Any:
        check(COLLECTION_UPDATE, body)
        found = _row(self.collections, collection)
        found.update(body)
        below = f"{found['location']}{collection}/"
        gone = {
            each["id"]
            for each in self.collections.values()
            if each is found or each["location"].startswith(below)
        }
        for each in (*self.cards.values(), *self.dashboards.values()):
            if each["collection_id"] in gone and body.get("archived"):
                each["archived"] = True
        return self.collections[collection]

    def items(self, collection: int, query: Body, _body: Body) -> Any:
        unknown = query.keys() - {"models", "archived"}
        if unknown:
            raise Refused(400, {"errors": dict.fromkeys(unknown, "disallowed key")})
        is_trash = collection == TRASH
        rows = [
            {"id": each["id"], "name": each["name"], "description": each["description"],
             "model": model, "entity_id": f"{each['id']:021}"}
            for model, all_of in (("card", self.cards), ("dashboard", self.dashboards))
            if model in query.get("models", [model])
            for each in all_of.values()
            if (each["thrown_away"] if is_trash
                else each["collection_id"] == collection and not each["archived"])
        ]  # fmt: skip
        return {"data": rows, "total": len(rows), "models": query.get("models", [])}

    def add_card(self, _id: int, _query: Body, body: Body) -> Any:
        check(CARD, body)
        self._check_query(body["dataset_query"])
        _row(self.collections, body["collection_id"])
        body["visualization_settings"] = self._respelt(body["visualization_settings"])
        return _as_mbql5(self._add(self.cards, {**body, "archived": False, "thrown_away": False}))

    def get_card(self, card: int, query: Body, _body: Body) -> Any:
        found = _row(self.cards, card)
        return found if query.get("legacy-mbql") == ["true"] else _as_mbql5(found)

    def change_card(self, card: int, _query: Body, body: Body) -> Any:
        check(CARD_UPDATE, body)
        if "dataset_query" in body:
            self._check_query(body["dataset_query"])
        if "visualization_settings" in body:
            body["visualization_settings"] = self._respelt(body["visualization_settings"])
        return _as_mbql5(_change(self.cards, card, body))

    def add_dashboard(self, _id: int, _query: Body, body: Body) -> Any:
        check(DASHBOARD, body)
        _row(self.collections, body["collection_id"])
        empty: Body = {"parameters": [], "dashcards": [], "archived": False, "thrown_away": False}
        return self._add(self.dashboards, {**empty, **body})

    def change_dashboard(self, dashboard: int, _query: Body, body: Body) -> Any:
        check(DASHBOARD_UPDATE, body)
        found = _row(self.dashboards, dashboard)
        if "dashcards" in body:
            if found["archived"]:
                raise Refused(404, "The object has been archived.")
            body["dashcards"] = self._placed(found, body)
        return _change(self.dashboards, dashboard, body)

    def log_out(self, _id: int, _query: Body, _body: Body) -> Any:
        self.sessions.clear()

    def _placed(self, dashboard: Body, body: Body) -> list[Body]:
        ids = [card["id"] for card in body["dashcards"]]
        if len(set(ids)) < len(ids):
            raise Refused(400, {"errors": {"dashcards": "ids must be unique"}})
        known = {card["id"] for card in dashboard["dashcards"]}
        parameters = {each["id"] for each in {**dashboard, **body}["parameters"]}
        placed = []
        for given in body["dashcards"]:
            card = _row(self.cards, given["card_id"])
            if card["archived"]:
                raise Refused(404, "The object has been archived.")
            if given["id"] >= 0 and given["id"] not in known:
                raise Refused(404, "Not found.")
            tags = card["dataset_query"]["native"]["template-tags"]
            for mapping in given.get("parameter_mappings") or []:
                if mapping["parameter_id"] not in parameters or mapping["card_id"] != card["id"]:
                    raise Refused(400, {"errors": {"parameter_mappings": "no such parameter"}})
                if mapping["target"][1][1] not in tags:
                    raise Refused(400, {"errors": {"parameter_mappings": "no such variable"}})
            new = self._next_id() if given["id"] < 0 else given["id"]
            placed.append({"dashboard_tab_id": None, "series": [], **given, "id": new})
        return placed

    def _check_query(self, query: Body) -> None:
        _row(self.databases, query["database"])
        native = query["native"]
        tags = native["template-tags"]
        if any(name != tag["name"] for name, tag in tags.items()):
            raise Refused(400, {"errors": {"template-tags": "keys must match the :name"}})
        if set(_TAG.findall(native["query"])) != tags.keys():
            raise Refused(400, {"errors": {"template-tags": "not the query's variables"}})

    def _respelt(self, settings: Body) -> Body:
        return {**settings, "table.column_widths": None} if self.respells else settings

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _add(self, rows: dict[int, Body], body: Body) -> Body:
        made = {"id": self._next_id(), "created_at": "2026-11-22T04:00:00Z", **body}
        rows[made["id"]] = made
        return made


Answer = Callable[[Metabase, Any, Body, Body], Any]
_ROUTES: list[tuple[str, str, Answer]] = [
    ("GET", "/api/session/properties", Metabase.properties),
    ("POST", "/api/setup", Metabase.set_up),
    ("POST", "/api/session", Metabase.log_in),
    ("DELETE", "/api/session", Metabase.log_out),
    ("PUT", r"/api/setting/([\w-]+)", Metabase.set_setting),
    ("GET", "/api/database", Metabase.list_databases),
    ("POST", "/api/database", Metabase.add_database),
    ("GET", r"/api/database/(\d+)", lambda self, i, q, b: _row(self.databases, i)),
    ("PUT", r"/api/database/(\d+)", Metabase.change_database),
    ("GET", "/api/collection", Metabase.list_collections),
    ("POST", "/api/collection", Metabase.add_collection),
    ("GET", "/api/collection/trash", lambda self, i, q, b: self.collections[TRASH]),
    ("PUT", r"/api/collection/(\d+)", Metabase.change_collection),
    ("GET", r"/api/collection/(\d+)/items", Metabase.items),
    ("POST", "/api/card", Metabase.add_card),
    ("GET", r"/api/card/(\d+)", Metabase.get_card),
    ("PUT", r"/api/card/(\d+)", Metabase.change_card),
    ("POST", "/api/dashboard", Metabase.add_dashboard),
    ("GET", r"/api/dashboard/(\d+)", lambda self, i, q, b: _row(self.dashboards, i)),
    ("PUT", r"/api/dashboard/(\d+)", Metabase.change_dashboard),
]
_OPEN = {"/api/session/properties", "/api/setup", "/api/session"}
_OF_ADMINS = ("/api/database", "/api/setting")


def _answer(metabase: Metabase, method: str, target: str, session: str | None, body: Body) -> Any:
    parts = urlsplit(target)
    if metabase.fails_at and (method, parts.path[: len(metabase.fails_at[1])]) == metabase.fails_at:
        metabase.fails_at = None
        raise Refused(500, {"message": "Timed out waiting for a connection"})
    user = metabase.sessions.get(session or "")
    if user is None and parts.path not in _OPEN:
        raise Refused(401, "Unauthenticated")
    if method != "GET" and parts.path.startswith(_OF_ADMINS) and user not in metabase.admins:
        raise Refused(403, "You don't have permissions to do that.")
    for known, pattern, answer in _ROUTES:
        found = re.fullmatch(pattern, parts.path)
        if known == method and found:
            named = found[1] if found.groups() else "0"
            return answer(
                metabase, int(named) if named.isdigit() else named, parse_qs(parts.query), body
            )
    raise Refused(404, "API endpoint does not exist.")


@contextmanager
def emulated(metabase: Metabase) -> Iterator[Metabase]:
    """It answers on a free port; what breaks in it is raised at the end."""
    problems: list[Exception] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _do(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            metabase.asked.append((self.command, urlsplit(self.path).path, content.decode()))
            if content and self.headers["Content-Type"] != "application/json":
                problems.append(AssertionError(f"{self.path} was not sent as JSON"))
            body = json.loads(content) if content else {}
            try:
                session = self.headers["X-Metabase-Session"]
                status, said = 200, _answer(metabase, self.command, self.path, session, body)
            except Refused as refused:
                status, said = refused.status, refused.body
            except Exception as error:
                problems.append(error)
                status, said = 500, str(error)
            if said is None:
                status = 204
            self.send_response(status)
            encoded = b"" if said is None else (
                said.encode() if isinstance(said, str) else json.dumps(said).encode()
            )  # fmt: skip
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = do_PUT = do_DELETE = _do

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        metabase.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield metabase
        finally:
            server.shutdown()
            thread.join()
    for problem in problems:
        raise problem


def _only(rows: dict[int, Body], name: str) -> Body:
    [found] = [each for each in rows.values() if each["name"] == name and not each["archived"]]
    return found


def _row(rows: dict[int, Body], row_id: int) -> Body:
    if row_id not in rows:
        raise Refused(404, "Not found.")
    return rows[row_id]


def _change(rows: dict[int, Body], row_id: int, body: Body) -> Body:
    row = _row(rows, row_id)
    row.update(body)
    row["thrown_away"] = row["archived"] and (row["thrown_away"] or "archived" in body)
    return row


def _open(details: Body) -> None:
    path = details["database_file"]
    try:
        duckdb.connect(path, read_only=details["read_only"]).close()
    except duckdb.Error as error:
        raise Refused(400, {"message": str(error).splitlines()[0], "errors": {}}) from error


def _as_mbql5(card: Body) -> Body:
    """As v57 and later answer unless `legacy-mbql` is asked for."""
    said = copy.deepcopy(card)
    query = said["dataset_query"]
    said["dataset_query"] = {
        "lib/type": "mbql/query",
        "database": query["database"],
        "stages": [{
            "lib/type": "mbql.stage/native",
            "native": query["native"]["query"],
            "template-tags": query["native"]["template-tags"],
        }],
    }  # fmt: skip
    return said
