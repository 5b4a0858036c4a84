-- An edit is told by the call's own hook, which has its id, and by that of the file, which has what
-- was changed: it is the call of its session that named the file at that time. An edit for which
-- no call was told (before Cursor 2.4) is one itself.
with

records as (

    select * from {{ ref('stg_cursor__changed_session_records') }}

),

failures as (

    select
        session_id,
        tool_use_id,
        max(nullif(failure_type, '')) as failure_type
    from records
    where kind = 'tool_result'
    group by session_id, tool_use_id

),

calls as (

    select
        found.*,
        failures.failure_type,
        -- What an MCP server or a command writes is no edit of the agent's.
        case
            when
                found.tool_name not like 'MCP:%'
                and found.tool_name not in ('Shell', 'Task')
                and (found.tool_name = 'Write' or found.lines_added is not null)
                and coalesce(found.success, true)
                then {{ hashed(['found.session_id', regex_replace('found.file_path', '^.*/')]) }}
        end as match_key
    from {{ file_tool_calls('records', "'cursor:' || session_id || ':' || tool_use_id") }} as found
    left join failures
        on
            found.session_id = failures.session_id
            and found.tool_use_id = failures.tool_use_id

),

edits as (

    select
        *,
        'cursor:' || {{ hashed([
            'session_id', 'occurred_at', 'file_path', 'lines_added', 'lines_removed',
        ]) }} as edit_key,
        {{ hashed(['session_id', regex_replace('file_path', '^.*/')]) }} as match_key
    from records
    where kind = 'file_edit'

),

pairs as (

    select * from {{ pairs_in_time(
        'calls', 'tool_call_key', 'finished_at', 'edits', 'edit_key', 'occurred_at', 10
    ) }}

),

joined as (

    select
        'cursor' as agent,
        coalesce(calls.tool_call_key, edits.edit_key) as tool_call_key,
        calls.tool_use_id,
        coalesce(calls.session_id, edits.session_id) as session_id,
        coalesce(calls.prompt_id, edits.prompt_id) as prompt_id,
        cast(null as varchar) as request_key,
        coalesce(calls.developer_id, edits.developer_id) as developer_id,
        coalesce(calls.repository, edits.repository) as repository,
        coalesce(calls.git_branch, edits.git_branch) as git_branch,
        case when calls.tool_call_key is null then 'Write' else calls.tool_name end as tool_name,
        calls.command,
        coalesce(edits.file_path, calls.file_path) as file_path,
        case when calls.failure_type = 'permission_denied' then 'reject' end as decision,
        cast(null as varchar) as decision_source,
        calls.failure_type as error_type,
        'hook' as seen_in,
        calls.duration_ms,
        coalesce(edits.lines_added, calls.lines_added) as lines_added,
        coalesce(edits.lines_removed, calls.lines_removed) as lines_removed,
        calls.exit_code,
        case
            when calls.failure_type = 'permission_denied' then null
            when calls.tool_call_key is null then true
            else calls.success
        end as success,
        false as is_session_from_file,
        -- A hook runs when the call is over.
        coalesce(
            {{ add_seconds('calls.called_at', '-coalesce(calls.duration_ms, 0) / 1000.0') }},
            edits.occurred_at
        ) as called_at
    from calls
    left join pairs on calls.tool_call_key = pairs.event_key
    full outer join edits on pairs.file_key = edits.edit_key

)

select * from joined
