"""What others stand on is there and described: marts, their columns, exposures, sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.dbt.conftest import Compiled
from tests.dbt.warehouse import Warehouse, problems

pytestmark = pytest.mark.slow

TOKENS = (
    "input_tokens cache_read_tokens cache_write_5m_tokens cache_write_1h_tokens output_tokens "
    "reasoning_tokens"
)
DATA_MODEL = {
    "fct_agent_requests": "request_key agent session_id developer_id project_id git_branch "
    f"requested_at requested_date model query_source is_subagent {TOKENS} duration_ms is_error "
    "cost_usd cost_source billing_mode paid_usd machine computed_cost_usd price_version seen_in "
    "model_reported",
    "fct_agent_sessions": "session_key session_id agent developer_id project_id git_branch "
    "started_at ended_at active_seconds prompts requests tool_calls tool_failures edits_accepted "
    "edits_rejected lines_added lines_removed errors retries total_tokens cost_usd commits outcome",
    "fct_tool_calls": "session_id agent called_at tool_name success decision duration_ms",
    "fct_daily_agent_usage": "usage_date developer_id agent model project_id sessions requests "
    f"prompts {TOKENS} tool_calls edits_accepted edits_rejected lines_added lines_removed "
    "active_seconds cost_usd unpriced_requests",
    "fct_usage_15min": f"developer_id agent model project_id requests {TOKENS} cost_usd",
    "fct_limit_windows": "used_percentage resets_at pace runs_out_at list_usd_per_percent "
    "estimated",
    "fct_agent_costs": "usage_date developer_id agent model project_id cost_source requests "
    f"{TOKENS} cost_usd computed_cost_usd paid_usd cache_savings_usd",
    "fct_git_commits": "commit_hash repository project_id developer_id committed_at committed_date "
    "branch is_merge files_changed lines_added lines_deleted effective_lines_added agent_assisted "
    "agent session_id attribution_tier attribution_confidence ai_lines cost_usd is_reverted "
    "survived_14d survived_30d survived_90d",
    "fct_commit_sessions": "commit_hash session_id agent attribution_tier attributed_lines "
    "cost_share_usd",
    "fct_copilot_daily": "usage_date developer_id organisation language editor model suggestions "
    "acceptances lines_suggested lines_accepted ai_credits",
    "fct_reconciliation": "session_key left_source right_source left_cost_usd right_cost_usd "
    "gap_tokens gap_cost_usd explanation",
    "fct_roi_monthly": "month team project_id list_cost_usd paid_usd merged_ai_lines "
    "surviving_ai_lines cost_per_merged_line_usd cost_per_surviving_line_usd hours_saved_low "
    "hours_saved_high roi_low roi_high break_even_hours",
    "fct_budget_status": "month_to_date_usd projected_usd projected_low_usd projected_high_usd",
    "fct_agent_comparison": "repository task_size developer_id agent metric sessions value "
    "value_low value_high is_enough",
    "fct_agent_quality": "agent sessions one_shot_rate error_rate retry_rate "
    "tool_calls_per_prompt subagent_share acceptance_rate cache_hit_ratio",
    "fct_outcomes_monthly": "assisted_commit_share ai_code_share coverage landing_rate "
    "survival_14d survival_30d survival_90d ai_survival_30d linked_cost_per_surviving_line_30d_usd "
    "loaded_cost_per_surviving_line_30d_usd revert_rate rework_ratio cost_per_commit_usd "
    "cost_per_merged_ai_line_usd median_seconds_to_commit p90_seconds_to_commit productive_usd "
    "reverted_usd abandoned_usd ambiguous_usd pending_usd",
    "dim_developers": "developer_id merged_identities",
    "dim_agents": "agent",
    "dim_models": "model",
    "dim_projects": "project_id",
}
"""Mart → the columns that the data model names; its metrics, where each of them is a column."""

WITHOUT_FRESHNESS = {
    "raw_surveys", "raw_price_epochs", "raw_settings", "raw_user_overrides", "dbt_runs",
    "raw_fact_archive",
}  # fmt: skip
"""What comes when somebody wants it to, not by itself."""


def layer(node: dict[str, Any]) -> str:
    return str(node["fqn"][1])


def marts(compiled: Compiled) -> dict[str, dict[str, Any]]:
    return {key: node for key, node in compiled.models.items() if layer(node) == "marts"}


def test_every_mart_and_column_of_the_data_model_is_there(built: Warehouse) -> None:
    columns: dict[str, set[str]] = {}
    for mart, column in built.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'marts'"
    ):
        columns.setdefault(mart, set()).add(column)
    missing = {mart: set(named.split()) - columns.get(mart, set())
               for mart, named in DATA_MODEL.items()}  # fmt: skip
    assert {mart: names for mart, names in missing.items() if names} == {}


def test_the_catalog_knows_every_model_as_it_is_promised(compiled: Compiled) -> None:
    assert not compiled.catalog["errors"]
    tables = compiled.catalog["nodes"]
    relations = {
        key
        for key, node in compiled.models.items()
        if node["config"]["materialized"] != "ephemeral"
    }
    assert relations - tables.keys() == set()
    for key, node in marts(compiled).items():
        assert list(tables[key]["columns"]) == list(node["columns"]), node["name"]


def test_every_model_and_every_column_of_a_mart_is_described(compiled: Compiled) -> None:
    undescribed = [
        node["name"] for node in compiled.models.values() if not node["description"].strip()
    ]
    assert undescribed == []
    columns = [
        f"{node['name']}.{column['name']}"
        for node in marts(compiled).values()
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    assert columns == []


def test_no_model_is_made_for_nobody(compiled: Compiled) -> None:
    """A mart is what some exposure shows; anything else is read by a model or an exposure."""
    readers = compiled.manifest["child_map"]
    unread = [
        node["name"]
        for key, node in compiled.models.items()
        if not any(
            reader.startswith("exposure." if layer(node) == "marts" else ("model.", "exposure."))
            for reader in readers[key]
        )
    ]
    assert unread == []


def test_every_seed_and_source_is_read(compiled: Compiled) -> None:
    readers = compiled.manifest["child_map"]
    sources = compiled.manifest["sources"]
    kept = {key for key, node in compiled.manifest["nodes"].items()
            if node["resource_type"] == "seed"}  # fmt: skip
    runs = {key for key, node in sources.items() if node["name"] == "dbt_runs"}
    for key in (kept | sources.keys()) - runs:
        assert any(reader.startswith("model.") for reader in readers[key]), key


def test_old_sources_are_warned_of_and_never_fail(compiled: Compiled) -> None:
    watched = set()
    for source in compiled.manifest["sources"].values():
        freshness = source["freshness"] or {}
        assert not (freshness.get("error_after") or {}).get("count"), source["name"]
        if (freshness.get("warn_after") or {}).get("count"):
            assert source["loaded_at_field"] == "created_at"
            watched.add(source["name"])
    known = {source["name"] for source in compiled.manifest["sources"].values()}
    assert known - watched == WITHOUT_FRESHNESS


def test_freshness_of_an_empty_installation_is_no_error(
    new_warehouse: Callable[[], Warehouse],
) -> None:
    warehouse = new_warehouse()
    with warehouse.open():
        pass
    result = warehouse.dbt("source", "freshness")
    assert result.success, problems(result)
    statuses = [
        each.status
        for each in getattr(result.result, "results", [])
        if each.node.resource_type == "source"
    ]
    assert statuses
    assert {str(status) for status in statuses} == {"warn"}
