"""What Metabase's endpoints take, transcribed from their malli schemas (see metabase_emulator)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Callable[[Any], str | None]
"""None when the value fits, else what it should be."""


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


def check(schema: Schema, body: Any) -> None:
    """Raises Refused with the fields at fault, as Metabase does."""
    problem = schema(body)
    if problem is not None:
        raise Refused(400, {"errors": {"body": problem}})


def _is(kind: type | tuple[type, ...], name: str) -> Schema:
    def fits(value: Any) -> str | None:
        good = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
        return None if good else f"{value!r} is no {name}"

    return fits


def _where(schema: Schema, test: Callable[[Any], bool], name: str) -> Schema:
    def fits(value: Any) -> str | None:
        return schema(value) or (None if test(value) else f"{value!r} is no {name}")

    return fits


def maybe(schema: Schema) -> Schema:
    return lambda value: None if value is None else schema(value)


def one_of(*values: Any) -> Schema:
    return lambda value: None if value in values else f"{value!r} is none of {values}"


def list_of(schema: Schema) -> Schema:
    def fits(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"{value!r} is no list"
        return next((problem for each in value if (problem := schema(each))), None)

    return fits


def pair(first: Schema, *others: Schema) -> Schema:
    schemas = (first, *others)

    def fits(value: Any) -> str | None:
        if not isinstance(value, list) or len(value) != len(schemas):
            return f"{value!r} has not {len(schemas)} parts"
        problems = (schema(each) for schema, each in zip(schemas, value, strict=True))
        return next((problem for problem in problems if problem), None)

    return fits


def values_of(schema: Schema) -> Schema:
    def fits(value: Any) -> str | None:
        if not isinstance(value, dict):
            return f"{value!r} is no map"
        return next((problem for each in value.values() if (problem := schema(each))), None)

    return fits


def closed(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """A map with those keys and no others."""
    known = {**required, **(optional or {})}

    def fits(value: Any) -> str | None:
        if not isinstance(value, dict):
            return f"{value!r} is no map"
        if missing := required.keys() - value.keys():
            return f"missing required key: {sorted(missing)}"
        if unknown := value.keys() - known.keys():
            return f"disallowed key: {sorted(unknown)}"
        problems = ((key, known[key](each)) for key, each in value.items())
        return next((f"{key}: {problem}" for key, problem in problems if problem), None)

    return fits


string = _is(str, "string")
text = _where(string, lambda value: value.strip() != "", "non-blank string")
boolean = _is(bool, "boolean")
integer = _is(int, "integer")
positive = _where(integer, lambda value: value > 0, "positive integer")
not_negative = _where(integer, lambda value: value >= 0, "integer of 0 or more")
any_map = _is(dict, "map")
email = _where(string, lambda value: re.fullmatch(r"\S+@\S+\.\w+", value) is not None, "email")

SETUP = closed(
    {
        "token": text,
        "user": closed(
            {"email": email, "password": text},
            {"first_name": maybe(text), "last_name": maybe(text)},
        ),
        "prefs": closed({"site_name": text}, {"site_locale": maybe(text)}),
    }
)
LOGIN = closed({"username": text, "password": text})
SETTING = closed({"value": lambda value: None})

DETAILS = closed(
    {"database_file": text},
    {
        "read_only": boolean, "old_implicit_casting": boolean,
        "allow_unsigned_extensions": boolean, "memory_limit": maybe(text),
        "init_sql": maybe(text), "filter_by_search_path": boolean,
    },
)  # fmt: skip
"""The driver's connection properties (1.5.5.0), but those of MotherDuck and Azure."""
_DATABASE_OPTIONS = {
    "is_full_sync": maybe(boolean), "is_on_demand": maybe(boolean), "schedules": maybe(any_map),
    "auto_run_queries": maybe(boolean), "cache_ttl": maybe(positive),
    "provider_name": maybe(string),
}  # fmt: skip
DATABASE = closed(
    {"name": text, "engine": one_of("duckdb", "postgres", "h2"), "details": DETAILS},
    {**_DATABASE_OPTIONS, "connection_source": one_of("admin", "setup")},
)
DATABASE_UPDATE = closed(
    {}, {"name": maybe(text), "details": DETAILS, "description": maybe(string), **_DATABASE_OPTIONS}
)

_COLLECTION_OPTIONS = {
    "description": maybe(text), "parent_id": maybe(positive), "authority_level": maybe(text),
}  # fmt: skip
COLLECTION = closed({"name": text}, {**_COLLECTION_OPTIONS, "namespace": maybe(text)})
COLLECTION_UPDATE = closed(
    {}, {**_COLLECTION_OPTIONS, "name": maybe(text), "archived": maybe(boolean)}
)

_TEMPLATE_TAG = closed(
    {"name": text, "display-name": text, "type": one_of("text", "number", "date", "boolean")},
    {"id": text, "default": lambda value: None, "required": boolean},
)
_NATIVE_QUERY = closed(
    {
        "database": positive,
        "type": one_of("native"),
        "native": closed({"query": text, "template-tags": values_of(_TEMPLATE_TAG)}),
    }
)
_FIELD = pair(one_of("field"), text, closed({"base-type": text}))
_VALUES_SOURCE = closed({}, {"card_id": positive, "value_field": _FIELD, "values": list_of(text)})
_PARAMETER = closed(
    {"id": text, "type": one_of("date/single", "date/all-options", "string/=", "number/=")},
    {
        "name": string, "slug": string, "sectionId": text, "default": lambda value: None,
        "isMultiSelect": boolean, "values_query_type": one_of("none", "list", "search"),
        "values_source_type": one_of("static-list", "card"),
        "values_source_config": _VALUES_SOURCE,
    },
)  # fmt: skip
_MAPPING = closed(
    {
        "parameter_id": text,
        "target": pair(one_of("variable"), pair(one_of("template-tag"), text)),
    },
    {"card_id": positive},
)

_DISPLAYS = one_of(
    "area", "bar", "combo", "funnel", "gauge", "line", "pie", "pivot", "progress", "row", "scalar",
    "scatter", "smartscalar", "table", "waterfall",
)  # fmt: skip
_CARD_OPTIONS = {
    "type": maybe(one_of("question", "model", "metric")),
    "parameters": maybe(list_of(_PARAMETER)), "collection_position": maybe(positive),
    "cache_ttl": maybe(positive), "dashboard_id": maybe(positive),
}  # fmt: skip
CARD = closed(
    {
        "name": text, "dataset_query": _NATIVE_QUERY, "display": _DISPLAYS,
        "visualization_settings": any_map,
    },
    {
        **_CARD_OPTIONS, "description": maybe(text), "collection_id": maybe(positive),
        "entity_id": maybe(text),
    },
)  # fmt: skip
CARD_UPDATE = closed(
    {},
    {
        **_CARD_OPTIONS, "name": maybe(text), "description": maybe(string),
        "dataset_query": _NATIVE_QUERY, "display": _DISPLAYS, "visualization_settings": any_map,
        "archived": maybe(boolean), "collection_id": maybe(positive),
    },
)  # fmt: skip

_DASHBOARD_OPTIONS = {
    "description": maybe(string), "parameters": maybe(list_of(_PARAMETER)),
    "cache_ttl": maybe(positive), "collection_id": maybe(positive),
    "collection_position": maybe(positive),
}  # fmt: skip
_DASHCARD = closed(
    {
        "id": integer, "size_x": positive, "size_y": positive,
        "row": not_negative, "col": not_negative,
    },
    {
        "card_id": maybe(positive), "parameter_mappings": maybe(list_of(_MAPPING)),
        "visualization_settings": maybe(any_map), "dashboard_tab_id": maybe(integer),
        "series": maybe(list_of(closed({"id": positive}))),
    },
)  # fmt: skip
DASHBOARD = closed({"name": text}, _DASHBOARD_OPTIONS)
DASHBOARD_UPDATE = closed(
    {},
    {
        **_DASHBOARD_OPTIONS, "name": maybe(text), "archived": maybe(boolean),
        "width": one_of("fixed", "full"), "auto_apply_filters": maybe(boolean),
        "dashcards": maybe(list_of(_DASHCARD)),
        "tabs": maybe(list_of(closed({"id": integer, "name": text}))),
    },
)  # fmt: skip
