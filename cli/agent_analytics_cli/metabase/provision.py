"""Database, collection, questions and dashboards in Metabase: made, brought up to date, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent_analytics_cli.metabase import places
from agent_analytics_cli.metabase.client import MetabaseClient
from agent_analytics_cli.metabase.entities import Cards, Dashboards
from agent_analytics_cli.metabase.keeping import UNKNOWN_ID, Action, Keeper, Step
from agent_analytics_cli.metabase.layout import dashboard_entity, filters_of
from agent_analytics_cli.metabase.questions import choices_entity, question_entity
from agent_analytics_collector.dashboards import CHOICES, FILTERS, Dashboard

DEFAULT_COLLECTION = "agent-analytics"
VALUES = "Filter values"
"""The collection, in ours, of the questions that fill filters' lists."""
_ABOUT = (
    "What AI coding agents cost, what they were used for, what they shipped and whether it "
    "survived. Kept by `agent-analytics metabase provision`, which leaves alone what is changed "
    "here by hand."
)
_ABOUT_VALUES = "What the filters of the dashboards offer to choose from."


@dataclass(slots=True)
class Provisioned:
    """What was done, or would be."""

    steps: list[Step] = field(default_factory=list)

    @property
    def kept(self) -> list[Step]:
        """What is not as we would have it."""
        return [step for step in self.steps if step.action is Action.KEPT]

    def dashboard_paths(self) -> list[tuple[str, str]]:
        """Name and path under Metabase's address, of the dashboards that are there."""
        return [
            (step.name, f"/dashboard/{step.id}")
            for step in self.steps
            if step.kind == Dashboards.kind and step.id not in (None, UNKNOWN_ID)
        ]


class Provisioner:
    """`Provisioner(client, "agent-analytics").provision(views, database_path)`."""

    def __init__(
        self,
        client: MetabaseClient,
        name: str = DEFAULT_COLLECTION,
        *,
        dry_run: bool = False,
        force: bool = False,
        is_new: bool = False,
    ) -> None:
        """`name` is the collection's and the database's. `is_new`: nobody may ask yet."""
        self._client, self._name = client, name
        self._dry_run, self._force, self._is_new = dry_run, force, is_new
        self._done = Provisioned()

    def provision(
        self, views: Sequence[Dashboard], database_path: str | None, default_path: str
    ) -> Provisioned:
        """Everything as `views` want it, what is so already untouched.

        `database_path` is the published database as Metabase sees it; None keeps the one that is
        there, else takes `default_path`. Raises MetabaseError.
        """
        database_id = self._database(database_path, default_path)
        collection_id = self._collection(self._name, _ABOUT)
        values_id = self._collection(VALUES, _ABOUT_VALUES, collection_id)
        trash = [] if self._is_new else places.items_in_trash(self._client)
        choices = self._choices(views, values_id, database_id, trash)
        cards = self._keeper(Cards(self._client), collection_id, trash)
        dashboards = self._keeper(Dashboards(self._client), collection_id, trash)
        for view in views:
            ids: dict[str, int] = {}
            for question in view.questions:
                step = cards.ensure(
                    f"{view.id}/{question.id}", question_entity(question, database_id)
                )
                self._done.steps.append(step)
                if step.id is not None:
                    ids[question.id] = step.id
            self._done.steps.append(
                dashboards.ensure(view.id, dashboard_entity(view, ids, choices))
            )
        self._done.steps += [*cards.left_over(), *dashboards.left_over()]
        return self._done

    def remove(self) -> Provisioned:
        """The collection in the trash, from where Metabase can bring it back; the database stays.

        Deleting the database would delete every question that anybody asked of it.
        """
        found = places.find_collection(self._client, self._name)
        if found is not None:
            if not self._dry_run:
                self._client.put(f"/api/collection/{found}", {"archived": True})
            self._note("collection", self._name, Action.TRASH, found)
        return self._done

    def _database(self, wanted: str | None, default: str) -> int:
        found = None if self._is_new else places.find_database(self._client, self._name)
        if found is None:
            path = wanted or default
            made = UNKNOWN_ID
            if not self._dry_run:
                made = places.add_database(self._client, self._name, path)
            return self._note("database", self._name, Action.CREATE, made, path)
        path = wanted or found.path or default
        if places.opens(found, path):
            return self._note("database", self._name, Action.UNCHANGED, found.id, path)
        if not self._dry_run:
            places.change_database(self._client, found, path)
        return self._note("database", self._name, Action.UPDATE, found.id, path)

    def _collection(self, name: str, about: str, parent_id: int | None = None) -> int:
        found = None
        if not self._is_new and parent_id != UNKNOWN_ID:
            found = places.find_collection(self._client, name, parent_id)
        if found is not None:
            return self._note("collection", name, Action.UNCHANGED, found)
        made = UNKNOWN_ID
        if not self._dry_run:
            made = places.add_collection(self._client, name, about, parent_id)
        return self._note("collection", name, Action.CREATE, made)

    def _choices(
        self,
        views: Sequence[Dashboard],
        collection_id: int,
        database_id: int,
        trash: Sequence[places.Item],
    ) -> dict[str, int]:
        """Text filter → the card of its values."""
        keeper = self._keeper(Cards(self._client), collection_id, trash)
        used = {name for view in views for name in filters_of(view)}
        choices = {}
        for name in (name for name in FILTERS if name in used and name in CHOICES):
            step = keeper.ensure(f"values/{name}", choices_entity(name, database_id))
            self._done.steps.append(step)
            if step.id is not None:
                choices[name] = step.id
        return choices

    def _keeper(
        self, store: Cards | Dashboards, collection_id: int, trash: Sequence[places.Item]
    ) -> Keeper:
        items: list[places.Item] = []
        if collection_id != UNKNOWN_ID:
            items = [*places.items_of(self._client, collection_id), *trash]
        return Keeper(
            self._client, store, collection_id=collection_id, items=items,
            dry_run=self._dry_run, force=self._force,
        )  # fmt: skip

    def _note(
        self, kind: str, name: str, action: Action, entity_id: int, reason: str | None = None
    ) -> int:
        self._done.steps.append(Step(kind, name, action, entity_id, reason))
        return entity_id
