-- What each source tells of a session, whatever the others say: `requests` are the answered ones.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

{% set tokens = [
    'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
    'output_tokens', 'reasoning_tokens',
] %}

with

requests as (

    select * from {{ ref('int_agent_requests') }}
    where not is_error and {{ changed() }}

),

-- Telemetry's facts count column by column, so what it saw of a request is what the request has.
by_telemetry as (

    select
        session_key,
        case when seen_in like 'span%' then 'telemetry_spans' else 'telemetry_events' end
            as source,
        {{ tokens | join(',\n        ') }},
        coalesce(reported_cost_usd, computed_cost_usd) as cost_usd,
        requested_at
    from requests
    where seen_in <> 'session_file' and session_key is not null

),

file_requests as (

    {% for agent in ['claude_code', 'codex', 'gemini_cli', 'copilot_cli'] %}
    select
        '{{ agent }}' as agent,
        request_key,
        session_id,
        {{ tokens | join(',\n        ') }},
        requested_at
    from {{ ref('stg_' ~ agent ~ '__file_requests') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

prices as (

    select * from {{ ref('int_request_price_rows') }}
    where {{ changed() }}

),

-- By the price of the request that both tell of; where events name no request ids (Claude Code with
-- a gateway), none is known to be the file's, and its cost is unknown.
by_file as (

    select
        coalesce(requests.session_key, files.agent || ':' || files.session_id) as session_key,
        'session_file' as source,
        {% for class in tokens %}
        files.{{ class }},
        {% endfor %}
        {{ usd(
            usd_for_tokens('files.input_tokens', 'prices.input')
            ~ '\n+ ' ~ usd_for_tokens('files.cache_read_tokens', 'prices.cache_read')
            ~ '\n+ ' ~ usd_for_tokens('files.cache_write_5m_tokens', 'prices.cache_write_5m')
            ~ '\n+ ' ~ usd_for_tokens('files.cache_write_1h_tokens', 'prices.cache_write_1h')
            ~ '\n+ ' ~ usd_for_tokens('files.output_tokens', 'prices.output')
        ) }} as cost_usd,
        files.requested_at
    from file_requests as files
    left join requests on files.request_key = requests.request_key
    left join prices on files.request_key = prices.request_key

),

each_request as (

    select * from by_telemetry
    union all
    select * from by_file

),

-- A sum that leaves an unknown cost out would look like a gap.
by_requests as (

    select
        session_key,
        source,
        count(*) as requests,
        {% for class in tokens %}
        {{ sum_bigint(class) }} as {{ class }},
        {% endfor %}
        case when count(cost_usd) = count(*) then {{ usd('sum(cost_usd)') }} end as cost_usd,
        min(requested_at) as first_at,
        max(requested_at) as last_at
    from each_request
    group by session_key, source

),

-- Sums alone: of counters, and at the end of a session of Copilot CLI, whose file counts by request
-- where it tells of requests. Neither splits cache writes by lifetime.
by_sums as (

    select
        session_key,
        case when session_key like 'copilot_cli:%' then 'session_file' else 'telemetry_metrics' end
            as source,
        cast(null as bigint) as requests,
        {{ sum_bigint('input_tokens') }} as input_tokens,
        {{ sum_bigint('cache_read_tokens') }} as cache_read_tokens,
        {{ sum_bigint('cache_write_tokens') }} as cache_write_5m_tokens,
        cast(0 as bigint) as cache_write_1h_tokens,
        {{ sum_bigint('output_tokens') }} as output_tokens,
        cast(null as bigint) as reasoning_tokens,
        case when min(cast(tells_cost as integer)) = 1 then {{ usd('sum(cost_usd)') }} end
            as cost_usd,
        min(measured_from) as first_at,
        max(measured_at) as last_at
    from {{ ref('int_spend_by_metrics') }}
    where {{ changed_key() }}
    group by session_key

),

unioned as (

    select * from by_requests
    union all
    select by_sums.*
    from by_sums
    left join by_requests
        on
            by_sums.session_key = by_requests.session_key
            and by_sums.source = by_requests.source
    where by_requests.session_key is null

)

select * from unioned
