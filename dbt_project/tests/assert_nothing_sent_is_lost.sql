-- What agents sent and left in their session files is what the marts have: each answered request
-- once, and of each session at least the spend that its metrics tell. Looks at what was sent
-- itself, past all that is made of it.
with

sent_requests as (

    select distinct
        request_id,
        null as asked_by,
        null as occurred_at,
        null as event_sequence,
        null as input_tokens,
        null as output_tokens
    from {{ ref('stg_claude_code__events') }}
    where event_name = 'api_request' and request_id <> ''
    union all
    select distinct
        null as request_id,
        coalesce(session_id, prompt_id, '') as asked_by,
        occurred_at,
        event_sequence,
        input_tokens,
        output_tokens
    from {{ ref('stg_claude_code__events') }}
    where event_name = 'api_request' and coalesce(request_id, '') = ''

),

nameless as (

    select distinct session_id
    from {{ ref('stg_claude_code__events') }}
    where
        event_name = 'api_request'
        and coalesce(request_id, '') = ''
        and session_id is not null

),

requests_in_files as (

    select 'claude_code:' || files.request_id as request_key
    from {{ ref('stg_claude_code__session_records') }} as files
    left join nameless on files.session_id = nameless.session_id
    where
        files.kind = 'request'
        and files.request_id <> ''
        and coalesce(files.model, '') <> '<synthetic>'
        and not coalesce(files.is_api_error, false)
    group by files.request_id
    having count(nameless.session_id) = 0

),

answered_requests as (

    select * from {{ ref('fct_agent_requests') }}
    where agent = 'claude_code' and not is_error

),

-- What makes an answer one, by what its agent sends.
answers_of_others as (

    select distinct
        'codex' as agent,
        {{ hashed([
            'session_id', 'event_name', 'occurred_at', 'input_token_count', 'output_token_count',
            'cached_token_count', 'status_code', 'attempt', 'prompt_length',
        ]) }} as answer
    from {{ ref('stg_codex__events') }}
    where
        event_name = 'sse_event'
        and event_kind = 'response.completed'
        and coalesce(input_token_count, output_token_count) is not null
    union all
    select distinct
        'gemini_cli' as agent,
        {{ hashed([
            'session_id', 'event_name', 'occurred_at', 'model', 'role', 'input_token_count',
            'output_token_count', 'status_code', 'duration_ms', 'prompt_length',
        ]) }} as answer
    from {{ ref('stg_gemini_cli__events') }}
    where event_name = 'api_response'
    union all
    select distinct
        'copilot_cli' as agent,
        {{ hashed([
            'trace_id',
            "coalesce(nullif(span_id, ''), "
            ~ hashed(['session_id', 'occurred_at', 'response_id']) ~ ')',
        ]) }} as answer
    from {{ ref('stg_copilot_cli__spans') }}
    where
        operation = 'chat'
        and (
            coalesce(input_tokens, output_tokens) is not null
            or not (coalesce(status = 'error', false) or coalesce(error_type <> '', false))
        )

),

sent_answers as (

    select
        agent,
        count(*) as answers
    from answers_of_others
    group by agent

),

-- Each in the session that made it, where a copy says whose it is.
file_requests_of_others as (

    select distinct
        'codex:' || coalesce(nullif(thread_id, ''), session_id) || ':' || request_id
            as request_key
    from {{ ref('stg_codex__session_records') }}
    where
        kind = 'request'
        and request_id <> ''
        and coalesce(input_tokens, output_tokens) is not null
    union all
    select distinct 'gemini_cli:' || request_id as request_key
    from {{ ref('stg_gemini_cli__session_records') }}
    where kind = 'request' and request_id <> ''
    union all
    select distinct
        'copilot_cli:' || coalesce(nullif(source_session_id, ''), session_id) || ':' || request_id
            as request_key
    from {{ ref('stg_copilot_cli__session_records') }}
    where kind = 'request' and request_id <> ''

),

other_requests as (

    select * from {{ ref('fct_agent_requests') }}
    where agent in ('codex', 'gemini_cli', 'copilot_cli') and not is_error

),

counted_answers as (

    select
        agent,
        count(*) as answers
    from other_requests
    where seen_in <> 'session_file'
    group by agent

),

sent_spend as (

    select
        session_id,
        count(distinct model_reported) as models,
        sum(increment) as cost_usd
    from {{ ref('stg_claude_code__metrics') }}
    where metric_name = 'claude_code.cost.usage' and session_id is not null
    group by session_id

),

-- The build itself was not before this; a test may come long after it.
arrivals as (

    select max(created_at) as last_arrived_at
    from (
        select created_at from {{ ref('stg_claude_code__events') }}
        union all
        select created_at from {{ ref('stg_claude_code__metric_points') }}
    ) as stored

),

quiet_sessions as (

    select sessions.session_id
    from {{ ref('stg_agent_sessions') }} as sessions
    cross join arrivals
    where {{ add_seconds('sessions.last_seen_at', '600') }} <= arrivals.last_arrived_at

),

counted_spend as (

    select
        session_id,
        sum(requests) as requests,
        sum(cost_usd) as cost_usd
    from (
        select
            session_id,
            1 as requests,
            cost_usd
        from answered_requests
        union all
        select
            session_id,
            0 as requests,
            cost_usd
        from {{ ref('fct_metric_remainders') }}
    ) as spend
    group by session_id

),

-- The noise is what a remainder must reach to be one.
problems as (

    select 'requests sent and counted differ by ' || cast(sent - counted as varchar) as problem
    from (
        select
            (select count(*) from sent_requests) as sent,
            (
                select count(*) from answered_requests
                where seen_in <> 'session_file'
            ) as counted
    ) as requests
    where sent <> counted
    union all
    select 'a session file tells of another request: ' || requests_in_files.request_key as problem
    from requests_in_files
    left join answered_requests
        on
            requests_in_files.request_key = answered_requests.request_key
            and answered_requests.seen_in <> 'event'
    where answered_requests.request_key is null
    union all
    select
        sent.agent || ': answers sent and counted differ by '
        || cast(sent.answers - coalesce(counted.answers, 0) as varchar) as problem
    from sent_answers as sent
    left join counted_answers as counted on sent.agent = counted.agent
    where sent.answers <> coalesce(counted.answers, 0)
    union all
    select 'a session file tells of another request: ' || files.request_key as problem
    from file_requests_of_others as files
    left join other_requests
        on
            files.request_key = other_requests.request_key
            and other_requests.seen_in not in ('event', 'span')
    where other_requests.request_key is null
    union all
    select 'metrics tell of more spend: ' || sent_spend.session_id as problem
    from sent_spend
    inner join quiet_sessions on sent_spend.session_id = quiet_sessions.session_id
    left join counted_spend on sent_spend.session_id = counted_spend.session_id
    where
        coalesce(counted_spend.cost_usd, 0)
        < sent_spend.cost_usd
        - 0.000001 * cast(coalesce(counted_spend.requests, 0) + sent_spend.models as bigint)

)

select * from problems
