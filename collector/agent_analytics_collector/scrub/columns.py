"""Raw rows without secrets: RE2 looks at a whole column, Python at what it finds there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from agent_analytics_collector.scrub.json_text import scrubbed_json
from agent_analytics_collector.scrub.text import SUSPICIOUS, scrubbed

JSON_COLUMNS = frozenset(
    ("attributes", "resource_attributes", "events", "links", "payload", "trailers",
     "language_breakdown", "record")
)  # fmt: skip
TEXT_COLUMNS = frozenset(("body", "commit_message"))
NAME_COLUMNS = frozenset(
    ("developer_id", "severity", "event_name", "name", "metric_name", "unit", "service_name",
     "scope_name", "scope_version", "project_path", "project_id", "source_file", "repository",
     "path", "old_path", "branch", "git_branch", "author_name", "author_email", "contributor",
     "actor", "model", "account", "organisation", "agent", "agent_type")
)  # fmt: skip
"""What names something: words that look random are ids here."""
UNTOUCHED = frozenset(
    ("trace_id", "span_id", "parent_span_id", "session_id", "agent_session_id", "commit_hash",
     "old_hash", "new_hash", "patch_id", "note_id", "note_version", "survey_id", "limit_id",
     "kind", "status", "metric_type", "temporality", "histogram", "evidence_tier", "source",
     "ranges", "recorded_by", "window", "plan_type", "vendor", "signal", "reason")
)  # fmt: skip
"""Ids, by which rows are found again, and words of our own."""


def scrubbed_table(table: pa.Table) -> pa.Table:
    """The rows of a raw table as they may be stored."""
    for place, name in enumerate(table.column_names):
        scrub = _scrub_of(name)
        if scrub is not None and pa.types.is_string(table.schema.field(place).type):
            column = table[name].combine_chunks()
            table = table.set_column(place, table.schema.field(place), _scrubbed(column, scrub))
    return table


def _scrub_of(name: str) -> Callable[[str], str] | None:
    if name in JSON_COLUMNS:
        return _json
    if name in TEXT_COLUMNS:
        return scrubbed
    return partial(scrubbed, random=False) if name in NAME_COLUMNS else None


def _json(encoded: str) -> str:
    try:
        return scrubbed_json(encoded)
    except orjson.JSONDecodeError:  # nothing of ours
        return scrubbed(encoded)


def _scrubbed(column: pa.Array, scrub: Callable[[str], str]) -> pa.Array:
    encoded = column.dictionary_encode()  # most columns repeat a few values
    values = encoded.dictionary
    found = pc.match_substring_regex(values, SUSPICIOUS)
    suspicious = values.filter(found).to_pylist()
    clean = [scrub(text) for text in suspicious]
    if clean == suspicious:
        return column
    values = pc.replace_with_mask(values, found, pa.array(clean, pa.string()))
    return pc.take(values, encoded.indices)
