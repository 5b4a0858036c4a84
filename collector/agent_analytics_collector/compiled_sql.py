"""The models' SQL as dbt compiled it, kept in the home so that it can be run without dbt.

It is the SQL of a full refresh: what makes a model from all rows there are. Relations are named
with the database `agent_analytics`, as which dbt knows the DuckDB file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from agent_analytics_collector.home import Home


class Model(msgspec.Struct, frozen=True):
    """A model: one query."""

    needs: tuple[str, ...]
    """`schema.name` of what the query reads; what is no model and no seed is a raw table."""
    sql: str


class Seed(msgspec.Struct, frozen=True):
    """A CSV file of the dbt project, whose first line names the columns."""

    file: str
    """Path in the dbt project."""
    types: dict[str, str]
    """DuckDB's type by column; the others are VARCHAR."""


class CompiledSql(msgspec.Struct, frozen=True):
    """All models and seeds, by `schema.name`."""

    project: str
    """`project_digest` of the dbt project."""
    models: dict[str, Model]
    seeds: dict[str, Seed]

    def needed_for(self, names: Iterable[str]) -> list[str]:
        """`names` and all that they are made from, each behind what it needs itself."""
        found: dict[str, None] = {}

        def add(name: str) -> None:
            if name not in found:
                for needed in self.models[name].needs if name in self.models else ():
                    add(needed)
                found[name] = None

        for name in names:
            add(name)
        return list(found)


def project_digest(dbt_project: Path) -> str:
    """Digest of all that the compiled SQL of a project depends on."""
    digest = blake2b(digest_size=16)
    digest.update((dbt_project / "dbt_project.yml").read_bytes())
    for path in _sources(dbt_project):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_compiled(home: Home, dbt_project: Path) -> CompiledSql | None:
    """What was kept of this very project; None when nothing was, or it has changed since."""
    kept = _read(home)
    return kept if kept and kept.project == project_digest(dbt_project) else None


def keep_compiled(home: Home, dbt_project: Path, target: Path) -> CompiledSql | None:
    """Keep what dbt's last run left in its `target` folder; None where that cannot be used.

    A run that only added to the incremental models did not compile their whole SQL, and one of what
    changes left out the views. Theirs is then what was kept before: `transform` makes a full
    refresh of a project in which it changed.
    """
    try:
        manifest = msgspec.json.decode((target / "manifest.json").read_bytes())
        run = msgspec.json.decode((target / "run_results.json").read_bytes())
        compiled = _compiled(manifest, run, project_digest(dbt_project), _read(home))
    except (OSError, KeyError, msgspec.DecodeError):
        return None
    path = _path(home)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(compiled))
    os.replace(temporary, path)
    return compiled


def _compiled(
    manifest: dict[str, Any], run: dict[str, Any], digest: str, before: CompiledSql | None
) -> CompiledSql:
    """Raises KeyError where something is missing."""
    nodes: dict[str, dict[str, Any]] = {**manifest["nodes"], **manifest["sources"]}
    names = {key: f"{node['schema']}.{node['name']}" for key, node in nodes.items()}
    whole = bool(run["args"].get("full_refresh"))
    sql = {result["unique_id"]: result["compiled_code"] for result in run["results"]}
    models, seeds = {}, {}
    for key, node in manifest["nodes"].items():
        if node["resource_type"] == "seed":
            types = node["config"]["column_types"]
            seeds[names[key]] = Seed(node["original_file_path"], types)
        elif node["resource_type"] == "model":
            needs = tuple(dict.fromkeys(names[each] for each in node["depends_on"]["nodes"]))
            is_whole = whole or node["config"]["materialized"] != "incremental"
            if key in sql and is_whole:
                models[names[key]] = Model(needs, sql[key])
            else:
                models[names[key]] = (before.models if before else {})[names[key]]
    return CompiledSql(digest, models, seeds)


def _sources(dbt_project: Path) -> list[Path]:
    return sorted(
        path
        for folder in ("macros", "models", "seeds")
        for path in (dbt_project / folder).rglob("*")
        if path.suffix in (".sql", ".yml")
    )


def _read(home: Home) -> CompiledSql | None:
    try:
        return msgspec.json.decode(_path(home).read_bytes(), type=CompiledSql)
    except (OSError, msgspec.DecodeError):
        return None


def _path(home: Home) -> Path:
    return home.dbt_target.parent / "compiled.json"
