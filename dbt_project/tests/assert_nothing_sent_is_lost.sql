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
