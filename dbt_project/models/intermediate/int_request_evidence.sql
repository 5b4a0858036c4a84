-- Which rows of staging, and so of raw, tell of a request; repetitions that were left out as well.
-- Telemetry's time is the request's, so events without an id are found by it.
{% set of_file = "requests.seen_in like '%session_file'" %}
{% set of_telemetry = "requests.seen_in <> 'session_file'" %}

with

requests as (

    select * from {{ ref('int_agent_requests') }}

),

claude_code_events as (

    select
        *,
        'claude_code:' || case
            when event_name = 'api_error' then {{ record_id('request_id', ['status_code']) }}
            else {{ record_id('request_id', ['input_tokens', 'output_tokens']) }}
        end as request_key
    from {{ ref('stg_claude_code__events') }}
    where event_name in ('api_request', 'api_error')

),

claude_code_records as (

    select
        *,
        'claude_code:' || coalesce(nullif(request_id, ''), message_id) as request_key
    from {{ ref('stg_claude_code__session_records') }}
    where kind = 'request'

),

codex_records as (

    select
        *,
        'codex:' || coalesce(nullif(thread_id, ''), session_id) || ':' || request_id
            as request_key
    from {{ ref('stg_codex__session_records') }}
    where kind = 'request' and request_id <> ''

),

gemini_cli_records as (

    select
        *,
        'gemini_cli:' || request_id as request_key
    from {{ ref('stg_gemini_cli__session_records') }}
    where kind = 'request' and request_id <> ''

),

copilot_cli_records as (

    select
        *,
        'copilot_cli:' || coalesce(nullif(source_session_id, ''), session_id) || ':' || request_id
            as request_key
    from {{ ref('stg_copilot_cli__session_records') }}
    where kind = 'request' and request_id <> ''

),

events as (

    select
        requests.request_key,
        'stg_claude_code__events' as staging_model,
        events.id as raw_id,
        events.occurred_at
    from requests
    inner join claude_code_events as events on requests.request_key = events.request_key
    union all
    select
        requests.request_key,
        'stg_codex__events' as staging_model,
        events.id as raw_id,
        events.occurred_at
    from requests
    inner join {{ ref('stg_codex__events') }} as events
        on
            requests.session_id = events.session_id
            and requests.requested_at = events.occurred_at
            and requests.output_tokens is not distinct from events.output_token_count
    where
        requests.agent = 'codex'
        and {{ of_telemetry }}
        and events.event_name = case when requests.is_error then 'api_request' else 'sse_event' end
    union all
    select
        requests.request_key,
        'stg_gemini_cli__events' as staging_model,
        events.id as raw_id,
        events.occurred_at
    from requests
    inner join {{ ref('stg_gemini_cli__events') }} as events
        on
            requests.session_id = events.session_id
            and requests.requested_at = events.occurred_at
            and requests.model_reported is not distinct from events.model
    where
        requests.agent = 'gemini_cli'
        and {{ of_telemetry }}
        and events.event_name
        = case when requests.is_error then 'api_error' else 'api_response' end

),

spans as (

    select
        requests.request_key,
        'stg_copilot_cli__spans' as staging_model,
        spans.id as raw_id,
        spans.ended_at as occurred_at
    from requests
    inner join {{ ref('stg_copilot_cli__spans') }} as spans
        on
            requests.session_id is not distinct from spans.session_id
            and requests.requested_at = spans.ended_at
            and requests.output_tokens is not distinct from spans.output_tokens
    where requests.agent = 'copilot_cli' and {{ of_telemetry }} and spans.operation = 'chat'

),

-- One id may be of several answers of Copilot CLI's local models, told apart by `#2`.
records as (

    {% for agent, key in {
        'claude_code': 'requests.request_key',
        'codex': 'requests.request_key',
        'gemini_cli': 'requests.request_key',
        'copilot_cli': regex_replace('requests.request_key', '#[0-9]+$'),
    }.items() %}
    select
        requests.request_key,
        'stg_{{ agent }}__session_records' as staging_model,
        records.record_key,
        records.occurred_at
    from requests
    inner join {{ agent }}_records as records
        on {{ key }} = records.request_key
    where {{ of_file }}
    union all
    {% endfor %}
    -- Versions of Codex that tell of no response tell of what it added to the session's sums.
    select
        requests.request_key,
        'stg_codex__token_counts' as staging_model,
        sums.record_key,
        sums.occurred_at
    from requests
    inner join {{ ref('stg_codex__all_token_counts') }} as sums
        on
            substr(requests.request_key, length('codex:' || requests.session_id || ':') + 1)
            = sums.request_name
    where requests.agent = 'codex' and {{ of_file }}

),

unioned as (

    select
        request_key,
        staging_model,
        'raw_otel_logs' as raw_table,
        raw_id,
        cast(null as uuid) as record_key,
        occurred_at
    from events
    union all
    select
        request_key,
        staging_model,
        'raw_otel_spans' as raw_table,
        raw_id,
        cast(null as uuid) as record_key,
        occurred_at
    from spans
    union all
    select
        request_key,
        staging_model,
        'raw_agent_session_records' as raw_table,
        cast(null as bigint) as raw_id,
        record_key,
        occurred_at
    from records

)

select * from unioned
