with

lines as (

    select
        *,
        {{ answer_id() }} as answer_id
    from {{ ref('stg_claude_code__changed_session_records') }}
    where kind in ('request', 'tool_call', 'tool_result')

),

records as (

    select
        *,
        max(occurred_at) over (partition by session_id) as session_ended_at
    from lines
    where kind in ('tool_call', 'tool_result') and tool_use_id <> ''

),

requests as (

    select * from {{ ref('stg_claude_code__file_requests') }}

),

booked as (

    select
        *,
        {{ first_session('tool_use_id') }} as first_session_id
    from records

),

ranked as (

    select
        *,
        row_number() over (
            partition by tool_use_id, kind
            order by
                case when session_id = first_session_id then 0 else 1 end asc,
                occurred_at asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from booked

),

calls as (

    select
        *,
        'claude_code:' || answer_id as request_key
    from ranked
    where kind = 'tool_call' and best_first = 1

),

results as (

    select * from ranked
    where kind = 'tool_result' and best_first = 1

),

-- The session of a call is that of the answer it stands in. A rejected call did not run. One of the
-- two lines may be damaged or not read yet.
joined as (

    select
        'claude_code:' || coalesce(calls.tool_use_id, results.tool_use_id) as tool_call_key,
        {% for column in [
            'tool_use_id', 'developer_id', 'repository', 'project_path', 'git_branch',
            'agent_version',
        ] %}
        coalesce(calls.{{ column }}, results.{{ column }}) as {{ column }},
        {% endfor %}
        coalesce(requests.session_id, calls.first_session_id, results.first_session_id)
            as session_id,
        results.prompt_id,
        requests.request_key,
        calls.tool_name,
        calls.command,
        calls.file_path,
        case when results.decision in ('accept', 'reject') then results.decision end as decision,
        results.decision_source,
        results.duration_ms,
        -- What the edit did to the file, else what it was asked to do.
        coalesce(results.lines_added, calls.lines_added) as lines_added,
        coalesce(results.lines_removed, calls.lines_removed) as lines_removed,
        results.exit_code,
        case
            when results.tool_use_id is not null and coalesce(results.decision, '') <> 'reject'
                then not coalesce(results.is_error, false)
        end as success,
        coalesce(calls.occurred_at, results.occurred_at) as called_at,
        coalesce(results.occurred_at, calls.occurred_at) as finished_at
    from calls
    full outer join results on calls.tool_use_id = results.tool_use_id
    left join requests on calls.request_key = requests.request_key

)

select * from joined
