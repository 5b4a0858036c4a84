"""Causes of cost in what real agents sent, and their prices as dbt publishes them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow


def test_the_request_after_the_rejected_edit_is_the_one_that_followed_it(built: Warehouse) -> None:
    """Claude Code logs the decision 50 ms before the answer that asks for the edit is over."""
    [(rejected, follower, cost)] = built.rows(
        """
        select told.request_key, causes.request_key, causes.cause_cost_usd
        from marts.fct_cost_causes as causes
        inner join staging.stg_agent_tool_calls as told
            on causes.session_id = told.session_id and told.decision = 'reject'
        where causes.cause = 'rejected_edit'"""
    )
    in_order = [
        key
        for (key,) in built.rows(
            f"""
            select request_key from marts.fct_agent_requests
            where session_key = (
                select session_key from marts.fct_agent_requests where request_key = '{rejected}'
            )
            order by requested_at"""
        )
    ]
    assert in_order.index(follower) == in_order.index(rejected) + 1
    assert cost == Decimal("0.014588")


def test_what_a_sub_agent_spent_is_its_own_requests(built: Warehouse) -> None:
    spent = "select sum(cause_cost_usd) from marts.fct_cost_causes where cause = 'subagent'"
    whole = "select sum(cost_usd) from marts.fct_agent_requests where is_subagent"
    assert built.rows(spent) == built.rows(whole) == [(Decimal("0.014588"),)]


def test_agents_that_read_their_cache_each_time_lost_none(built: Warehouse) -> None:
    """Every recorded answer reads 15,000 tokens, within seconds of the one before."""
    causes = {cause for (cause,) in built.rows("select cause from marts.fct_cost_causes")}
    assert causes == {"rejected_edit", "subagent"}


def test_published_prices_give_the_costs_that_were_computed(built: Warehouse) -> None:
    [(compared, wrong)] = built.rows(
        """
        select count(*), count(*) filter (abs(requests.computed_cost_usd - (
            coalesce(input_tokens, 0) * input_usd_per_million
            + coalesce(cache_read_tokens, 0) * cache_read_usd_per_million
            + coalesce(cache_write_5m_tokens, 0) * cache_write_5m_usd_per_million
            + coalesce(output_tokens, 0) * output_usd_per_million
        ) / 1000000) > 0.0000000005)
        from marts.fct_agent_requests as requests
        inner join marts.dim_model_prices as prices
            on requests.model = prices.model and requests.service_tier = prices.service_tier
        where prices.is_current and prices.tier_from_tokens = 0 and prices.origin = 'seed'
            and requests.requested_date >= coalesce(prices.valid_from, date '1970-01-01')
            and requests.requested_date < coalesce(prices.valid_to, date '9999-12-31')"""
    )
    assert compared >= 60
    assert wrong == 0
