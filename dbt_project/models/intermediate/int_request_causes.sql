-- Why a request cost more than the work itself, before it is priced. What of its cost goes to a
-- lost cache, to a long-context tier, and to one reason for the request as a whole.
{% set least_lost_tokens = 1024 %}
{% set least_lost_share = 0.5 %}
{% set least_kept_share = 0.5 %}
{% set five_minutes_s = 300 %}
{% set one_hour_s = 3600 %}

with

followings as (

    select * from {{ ref('int_request_followings') }}

),

-- Tokens that the request before had in the cache and that this one could have read. A prompt that
-- became shorter is another one: a summary took its place, or it is another sub-agent's. Only
-- another model may count fewer tokens in the same text. Of requests at the same time none can read
-- what the other writes.
cached as (

    select
        *,
        case
            when thread like 'background:%' or pause_seconds < 0 then 0
            when prompt_tokens >= previous_cached_tokens then previous_cached_tokens
            when
                previous_model <> model
                and prompt_tokens >= {{ least_kept_share }} * previous_cached_tokens
                then prompt_tokens
            else 0
        end as readable_tokens
    from followings

),

-- A cache that is gone is gone for the most part, whatever a vendor keeps of it besides.
lost as (

    select
        *,
        case
            when
                readable_tokens - coalesce(cache_read_tokens, 0) >= {{ least_lost_tokens }}
                and readable_tokens - coalesce(cache_read_tokens, 0)
                >= {{ least_lost_share }} * readable_tokens
                then readable_tokens - coalesce(cache_read_tokens, 0)
            else 0
        end as wasted_tokens
    from cached

),

classed as (

    select
        *,
        case
            when wasted_tokens = 0 then null
            when previous_model <> model then 'model_switch'
            when
                pause_seconds > case
                    when has_written_for_an_hour then {{ one_hour_s }}
                    else {{ five_minutes_s }}
                end
                then 'cache_expired'
            else 'cache_rewritten'
        end as cache_cause,
        case
            when thread like 'background:%' then null
            when follows_rejected_edit then 'rejected_edit'
            when follows_failed_call then 'failed_tool'
            when follows_error then 'retry'
            when is_subagent then 'subagent'
        end as request_cause
    from lost

),

-- Lost tokens were written again before any was sent as plain input.
split as (

    select
        *,
        least(wasted_tokens, coalesce(cache_write_1h_tokens, 0)) as wasted_1h_tokens,
        least(
            wasted_tokens - least(wasted_tokens, coalesce(cache_write_1h_tokens, 0)),
            coalesce(cache_write_5m_tokens, 0)
        ) as wasted_5m_tokens
    from classed

)

select
    request_key,
    session_key,
    session_id,
    agent,
    developer_id,
    project_id,
    git_branch,
    model,
    previous_model,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    wasted_tokens,
    wasted_5m_tokens,
    wasted_1h_tokens,
    wasted_tokens - wasted_1h_tokens - wasted_5m_tokens as wasted_input_tokens,
    pause_seconds,
    cache_cause,
    request_cause,
    -- A test that fails is work too: what a failed command would have saved nobody knows.
    coalesce(request_cause = 'failed_tool' and not follows_failed_command, false) as is_avoidable,
    cost_usd,
    computed_cost_usd,
    requested_at,
    requested_date
from split
