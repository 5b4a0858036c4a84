"""Questions and dashboards in Metabase that are ours, and whether somebody changed them since.

The last line of a description tells it: a key, and two fingerprints. The first is of what we
wanted when we last wrote; another one now means that ours has changed. The second is of what
Metabase made of it, which may spell it differently; another one now means that somebody has
changed it there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from agent_analytics_cli.metabase.client import MetabaseClient

_MARKER = re.compile(r"\n*\[agent-analytics (\S+) ([0-9a-f]{8})-([0-9a-f]{8})\]\s*\Z")


@dataclass(frozen=True, slots=True)
class Entity:
    """A question or dashboard: what a person sees of it."""

    name: str
    text: str
    """The description without its last line."""
    content: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        plain = msgspec.json.encode([self.name, self.text, dict(self.content)], order="sorted")
        return hashlib.sha256(plain).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Marker:
    """The last line of a description."""

    key: str
    """`<collection's id>/<view>/<question>` or `<collection's id>/<view>`."""
    wanted: str
    stored: str

    def under(self, text: str) -> str:
        """The description with the marker in it."""
        return f"{text}\n\n[agent-analytics {self.key} {self.wanted}-{self.stored}]"


def split_description(description: str | None) -> tuple[str, Marker | None]:
    """The text for people, and the marker when there is one."""
    description = description or ""
    found = _MARKER.search(description)
    if found is None:
        return description, None
    return description[: found.start()], Marker(found[1], found[2], found[3])


@dataclass(frozen=True, slots=True)
class Found:
    """An entity in Metabase that has our marker."""

    id: int
    entity: Entity
    marker: Marker
    is_in_trash: bool

    @property
    def was_changed_by_hand(self) -> bool:
        return self.entity.fingerprint != self.marker.stored


class Store(Protocol):
    """How a kind of entity is read and written."""

    kind: str
    """What people call it."""
    model: str
    """What the API calls it, in paths and in `model` of a collection's items."""

    def read(self, entity_id: int) -> tuple[Entity, bool]:
        """It and whether it is in the trash."""

    def create(self, entity: Entity, marker: Marker, collection_id: int) -> int:
        """Its id."""

    def write(self, entity_id: int, entity: Entity, marker: Marker) -> None:
        """It becomes like `entity`; one in the trash has to be taken out of it before."""


class _Card(msgspec.Struct):
    name: str
    display: str
    dataset_query: dict[str, Any]
    visualization_settings: dict[str, Any]
    description: str | None = None
    archived: bool = False


class Cards:
    """Questions. Content: `dataset_query` as legacy MBQL, `display`, `visualization_settings`."""

    kind, model = "question", "card"

    def __init__(self, client: MetabaseClient) -> None:
        self._client = client

    def read(self, entity_id: int) -> tuple[Entity, bool]:
        # Since v57 the query comes as MBQL 5 unless asked otherwise.
        found = self._client.get(f"/api/card/{entity_id}", _Card, **{"legacy-mbql": "true"})
        query = found.dataset_query
        native = query.get("native") or {}
        content = {
            "dataset_query": {
                "database": query.get("database"),
                "type": query.get("type"),
                "native": {
                    "query": native.get("query"),
                    "template-tags": native.get("template-tags") or {},
                },
            },
            "display": found.display,
            "visualization_settings": found.visualization_settings,
        }
        return Entity(found.name, split_description(found.description)[0], content), found.archived

    def create(self, entity: Entity, marker: Marker, collection_id: int) -> int:
        body = {**_body(entity, marker), "type": "question", "collection_id": collection_id}
        return self._client.post("/api/card", body, _Id).id

    def write(self, entity_id: int, entity: Entity, marker: Marker) -> None:
        self._client.put(f"/api/card/{entity_id}", _body(entity, marker))


class _Id(msgspec.Struct):
    id: int


class _Tab(msgspec.Struct):
    id: int
    name: str


class _DashCard(msgspec.Struct):
    id: int
    row: int
    col: int
    size_x: int
    size_y: int
    card_id: int | None = None
    dashboard_tab_id: int | None = None
    series: list[_Id] | None = None
    parameter_mappings: list[dict[str, Any]] | None = None
    visualization_settings: dict[str, Any] | None = None


class _Dashboard(msgspec.Struct):
    name: str
    dashcards: list[_DashCard]
    parameters: list[dict[str, Any]] | None = None
    tabs: list[_Tab] | None = None
    description: str | None = None
    archived: bool = False


class Dashboards:
    """Content: `parameters`, and `dashcards` from top left to bottom right, without their ids.

    `tabs` and what belongs to them only where somebody has made some: ours have none.
    """

    kind, model = "dashboard", "dashboard"

    def __init__(self, client: MetabaseClient) -> None:
        self._client = client

    def read(self, entity_id: int) -> tuple[Entity, bool]:
        found = self._get(entity_id)
        placed = sorted(found.dashcards, key=lambda card: (card.row, card.col, card.id))
        content = {
            "parameters": found.parameters or [],
            "dashcards": [
                {
                    "card_id": card.card_id,
                    "row": card.row, "col": card.col,
                    "size_x": card.size_x, "size_y": card.size_y,
                    "parameter_mappings": card.parameter_mappings or [],
                    "visualization_settings": card.visualization_settings or {},
                    **({"dashboard_tab_id": card.dashboard_tab_id} if found.tabs else {}),
                    **({"series": [each.id for each in card.series]} if card.series else {}),
                }
                for card in placed
            ],
            **({"tabs": [tab.name for tab in found.tabs]} if found.tabs else {}),
        }  # fmt: skip
        return Entity(found.name, split_description(found.description)[0], content), found.archived

    def create(self, entity: Entity, marker: Marker, collection_id: int) -> int:
        # Made empty, and marked as such, so that a run that ends between the two requests leaves
        # a dashboard that the next run fills.
        empty = Entity(entity.name, entity.text, {"parameters": [], "dashcards": []})
        unfinished = Marker(marker.key, empty.fingerprint, empty.fingerprint)
        body = {
            "name": entity.name,
            "description": unfinished.under(entity.text),
            "collection_id": collection_id,
        }
        made = self._client.post("/api/dashboard", body, _Id).id
        self.write(made, entity, marker)
        return made

    def write(self, entity_id: int, entity: Entity, marker: Marker) -> None:
        found = self._get(entity_id)
        # A card that stays keeps the id of its place, so links and subscriptions to it live on;
        # not where somebody's tabs go, and the places on them with these.
        stay = [] if found.tabs else found.dashcards
        places = {card.card_id: card.id for card in stay}
        cards = entity.content["dashcards"]
        dashcards = [
            {"id": places.get(card["card_id"], -1 - number), "series": [], **card}
            for number, card in enumerate(cards)
        ]
        body = {**_body(entity, marker), "dashcards": dashcards}
        if found.tabs:
            body["tabs"] = []
        self._client.put(f"/api/dashboard/{entity_id}", body)

    def _get(self, entity_id: int) -> _Dashboard:
        return self._client.get(f"/api/dashboard/{entity_id}", _Dashboard)


def _body(entity: Entity, marker: Marker) -> dict[str, Any]:
    return {"name": entity.name, "description": marker.under(entity.text), **entity.content}
