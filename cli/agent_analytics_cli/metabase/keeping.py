"""Makes questions and dashboards as wanted, and leaves alone what somebody changed by hand."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from agent_analytics_cli.metabase.client import MetabaseClient
from agent_analytics_cli.metabase.entities import Entity, Found, Marker, Store, split_description
from agent_analytics_cli.metabase.places import Item

UNKNOWN_ID = 0
"""Of what a dry run would have made."""


class Action(enum.Enum):
    CREATE = "create"
    UPDATE = "update"
    RESTORE = "restore"
    TRASH = "move to the trash"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """It is not as wanted, and it is not for us to change."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is, or in a dry run would be, done with one thing in Metabase."""

    kind: str
    name: str
    action: Action
    id: int | None
    reason: str | None = None

    @property
    def writes(self) -> bool:
        return self.action not in (Action.UNCHANGED, Action.KEPT)


class Keeper:
    """Brings the entities of one kind in a collection to what is wanted, one by one."""

    def __init__(
        self,
        client: MetabaseClient,
        store: Store,
        *,
        collection_id: int,
        items: Iterable[Item],
        dry_run: bool,
        force: bool,
    ) -> None:
        self._client, self._store = client, store
        self._collection_id = collection_id
        self._dry_run, self._force = dry_run, force
        self._items: dict[str, Item] = {}
        # Of an original and copies made in Metabase, which copy the marker too, the original.
        for item in sorted(items, key=lambda each: each.id):
            marker = split_description(item.description)[1]
            if item.model == store.model and marker is not None:
                self._items.setdefault(marker.key, item)
        self._asked_for: set[str] = set()

    def ensure(self, key: str, wanted: Entity) -> Step:
        """`key` is of this collection: `cost_tracking/spend`."""
        full_key = f"{self._collection_id}/{key}"
        self._asked_for.add(full_key)
        found = self._find(full_key)
        if found is None:
            return self._create(full_key, wanted)
        step = self._decide(found, wanted)
        if step.writes and not self._dry_run:
            if found.is_in_trash:
                self._put(found.id, archived=False)
            self._store.write(found.id, wanted, _marker(full_key, wanted))
            self._settle(found.id, full_key, wanted)
        return step

    def left_over(self) -> list[Step]:
        """What earlier releases made in the collection and nobody has asked for now."""
        mine = f"{self._collection_id}/"
        keys = [key for key in self._items if key.startswith(mine) and key not in self._asked_for]
        found = [self._find(key) for key in keys]
        return [
            Step(self._store.kind, each.entity.name, Action.KEPT, each.id, "no longer in use")
            for each in found
            if each is not None and not each.is_in_trash
        ]

    def _decide(self, found: Found, wanted: Entity) -> Step:
        action, reason = Action.UNCHANGED, None
        if found.is_in_trash:
            action, reason = Action.KEPT, "in the trash"
            if self._force:
                action = Action.RESTORE
        elif found.was_changed_by_hand:
            action, reason = Action.KEPT, "changed by hand"
            if self._force:
                action = Action.UPDATE
        elif found.marker.wanted != wanted.fingerprint:
            action = Action.UPDATE
        gone = action is Action.KEPT and found.is_in_trash
        return Step(self._store.kind, wanted.name, action, None if gone else found.id, reason)

    def _create(self, key: str, wanted: Entity) -> Step:
        made = UNKNOWN_ID
        if not self._dry_run:
            made = self._store.create(wanted, _marker(key, wanted), self._collection_id)
            self._settle(made, key, wanted)
        return Step(self._store.kind, wanted.name, Action.CREATE, made)

    def _find(self, key: str) -> Found | None:
        item = self._items.get(key)
        if item is None:
            return None
        marker = split_description(item.description)[1]
        assert marker is not None
        entity, is_in_trash = self._store.read(item.id)
        return Found(item.id, entity, marker, is_in_trash)

    def _settle(self, entity_id: int, key: str, wanted: Entity) -> None:
        """Note how Metabase spells what it was given, where that is another way than ours."""
        stored, _ = self._store.read(entity_id)
        if stored.fingerprint != wanted.fingerprint:
            marker = Marker(key, wanted.fingerprint, stored.fingerprint)
            self._put(entity_id, description=marker.under(wanted.text))

    def _put(self, entity_id: int, **fields: object) -> None:
        self._client.put(f"/api/{self._store.model}/{entity_id}", fields)


def _marker(key: str, wanted: Entity) -> Marker:
    return Marker(key, wanted.fingerprint, wanted.fingerprint)
