"""When raw rows go, every model that reads them is made anew from the facts they left."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from agent_analytics_collector.envelope import Envelope, Signal
from agent_analytics_collector.server_settings import RetentionSettings
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.warehouse import retention
from agent_analytics_collector.warehouse.fact_archive import RAW
from agent_analytics_collector.warehouse.retention import Removed, apply_retention
from tests.conftest import FIXTURES
from tests.dbt.agents import session_files as files_of_others
from tests.dbt.agents import telemetry as telemetry_of_others
from tests.dbt.conftest import SCENARIOS, Compiled
from tests.dbt.records import delivered, session_files
from tests.dbt.test_cursor import a_session
from tests.dbt.warehouse import Warehouse, problems

pytestmark = pytest.mark.slow

ARCHIVE = "source.agent_analytics.raw.raw_fact_archive"
MODELS = [model for raw in RAW.values() for model in raw.models]
Retired = tuple[Warehouse, Removed, dict[str, list[str]], list[Envelope]]
"""What went, the models' rows before, and what was sent beside the telemetry of Claude Code."""
NINETY_DAYS = Settings(time_zone="UTC", retention=RetentionSettings(raw_days=90))


def retire(warehouse: Warehouse) -> Removed:
    """Let all raw rows become too old that dbt has read, and go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "_PAUSE_S", 0)
        return apply_retention(warehouse.home, NINETY_DAYS, datetime.now(UTC) + timedelta(days=91))


def test_every_model_that_reads_what_goes_is_archived_and_reads_the_archive(
    compiled: Compiled,
) -> None:
    readers: dict[str, set[str]] = {table: set() for table in (*RAW, "raw_fact_archive")}
    for node in compiled.models.values():
        for needed in node["depends_on"]["nodes"]:
            readers.get(needed.rpartition(".")[2], set()).add(node["name"])
    assert readers.pop("raw_fact_archive") == set(MODELS)
    assert readers == {table: set(raw.models) for table, raw in RAW.items()}


def test_the_archive_has_every_column_of_the_models_as_its_own_type(
    compiled: Compiled, built: Warehouse
) -> None:
    """A union of two types would be of a third one, and a column that it lacks NULL."""
    for model in MODELS:
        whole = compiled.whole[model]
        with built.open() as connection:
            is_of_both = connection.execute(f"DESCRIBE {whole}").fetchall()
        kept = built.rows(f"DESCRIBE staging.{model}")
        assert is_of_both == kept, model
        _, _, archived = whole.rpartition("union all by name")
        assert set(re.findall(r" as (\w+)", archived)) - {"archived", "parsed"} >= {
            name for name, *_ in kept
        }, model


@pytest.fixture(scope="module")
def retired(
    tmp_path_factory: pytest.TempPathFactory,
    built: Warehouse,
    recordings: dict[str, list[Envelope]],
) -> Retired:
    """All agents' recordings, read by dbt, and then too old."""
    warehouse = Warehouse(tmp_path_factory.mktemp("retired"))
    shutil.copyfile(built.home.database, warehouse.home.database)
    sent = [
        *telemetry_of_others(), *files_of_others(), delivered(Signal.SESSION_RECORDS, a_session()),
        *(session_files(FIXTURES / "claude" / name) for name in SCENARIOS
          if (FIXTURES / "claude" / name / "home").is_dir()),
    ]  # fmt: skip
    warehouse.load(sent)
    run = warehouse.dbt("run", "--select", *MODELS)
    assert run.success, problems(run)
    before = in_staging(warehouse)
    return warehouse, retire(warehouse), before, sent


def in_staging(warehouse: Warehouse) -> dict[str, list[str]]:
    return {model: sorted(map(str, warehouse.rows(f"FROM staging.{model}"))) for model in MODELS}


def test_all_raw_rows_go_and_every_model_leaves_its_facts(
    retired: Retired,
) -> None:
    warehouse, removed, before, _ = retired
    assert removed.facts == {model: len(found) for model, found in before.items() if found}
    assert removed.facts.keys() == set(MODELS)
    assert removed.rows.keys() == set(RAW)
    assert removed.unread == 0
    for table in RAW:
        assert warehouse.rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_no_text_is_archived(
    retired: Retired,
) -> None:
    warehouse, *_ = retired
    [(longest,)] = warehouse.rows(
        "SELECT max(length(value)) FROM (SELECT unnest(map_values(from_json(fact, "
        "'\"MAP(VARCHAR, VARCHAR)\"'))) AS value FROM raw_fact_archive "
        "WHERE kind NOT IN ('stg_agent_edits', 'stg_agent_event_edits'))"
    )
    assert longest < 200


def test_a_late_duplicate_of_anything_is_recognised(
    retired: Retired,
) -> None:
    """What no model had a use for may come again: there is none for it now."""
    warehouse, _, before, sent = retired
    warehouse.load(sent)
    run = warehouse.dbt("run", "--select", *MODELS)
    assert run.success, problems(run)
    assert in_staging(warehouse) == before
    retire(warehouse)


def test_a_full_refresh_makes_the_models_of_what_is_archived(
    retired: Retired,
) -> None:
    warehouse, _, before, _ = retired
    run = warehouse.dbt("run", "--full-refresh", "--select", *MODELS)
    assert run.success, problems(run)
    after = in_staging(warehouse)
    assert [model for model in MODELS if after[model] != before[model]] == []
