{#-
    What session files tell in the words that all agents but Claude Code share: their readers copy
    and rename, so that cache is inside input here wherever the agent writes it so.
-#}
{% macro session_file_fields() -%}
    {%- set fields = {'exit_code': ['exit_code', 'bigint']} -%}
    {%- for type, names in {
        'varchar': [
            'request_id', 'thread_id', 'turn_id', 'prompt_id', 'message_uuid', 'tool_use_id',
            'agent_id', 'agent_role', 'parent_tool_use_id', 'forked_from', 'source_session_id',
            'agent_version', 'model', 'service_tier', 'effort', 'initiator', 'tool_name',
            'command', 'file_path', 'git_commit_id', 'git_commit_branch', 'prompt_source', 'event',
            'machine',
        ],
        'tokens': [
            'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens',
            'reasoning_tokens', 'tool_tokens', 'last_input_tokens', 'last_cached_input_tokens',
            'last_cache_write_input_tokens', 'last_output_tokens', 'last_reasoning_output_tokens',
        ],
        'count': [
            'total_input_tokens', 'total_cached_input_tokens', 'total_cache_write_input_tokens',
            'total_cache_read_tokens', 'total_cache_write_tokens', 'total_output_tokens',
            'total_reasoning_output_tokens', 'ordinal', 'sequence', 'lines_added',
            'lines_removed', 'duration_ms', 'ttft_ms', 'prompt_length',
        ],
        'boolean': [
            'is_sidechain', 'is_error', 'success', 'is_byok', 'is_autopilot_continuation',
        ],
    }.items() -%}
        {%- for name in names -%}
            {%- do fields.update({name: [name, type]}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(fields) }}
{%- endmacro %}


{#-
    The records of one agent's session files, typed: the whole of a model, appended by batch.
    `fields` of the payload as `json_fields` takes them; without them those that agents share.
-#}
{% macro session_file_records(agent, fields=none) -%}
{%- set fields = fields or session_file_fields() -%}
with

records as (

    select * from {{ source('raw', 'raw_agent_session_records') }}
    where
        agent = '{{ agent }}' and session_id <> '' and timestamp is not null
        -- Rows of a batch are committed together.
        {% if is_incremental() %}
        and batch_id > (select coalesce(max(seen.batch_id), 0) from {{ this }} as seen)
        {% endif %}

),

parsed as (

    select
        *,
        {{ json_fields('payload', fields) }} as parsed
    from records

),

typed as (

    select
        record_key,
        kind,
        session_id,
        nullif(developer_id, '') as developer_id,
        {{ normalized_repository('repository') }} as repository,
        nullif(project_path, '') as project_path,
        -- A detached HEAD is no branch.
        nullif(nullif(git_branch, ''), 'HEAD') as git_branch,
        {{ json_columns('parsed', fields) }}
        batch_id,
        timestamp as occurred_at,
        created_at
    from parsed

)

{{ with_archive('typed', 'stg_' ~ agent ~ '__session_records', [
    'record_key', 'kind', 'session_id', 'developer_id', 'repository', 'project_path', 'git_branch',
    'batch_id', 'occurred_at', 'created_at',
], fields) }}
{%- endmacro %}


{#-
    For `from`: one row per tool call of session files, `key` being what makes it. A call and its
    result may each be told several times, more fully here than there.
-#}
{% macro file_tool_calls(records, key) -%}
    (
        select
            {{ key }} as tool_call_key,
            max(tool_use_id) as tool_use_id,
            min_by(
                session_id,
                (
                    case when coalesce(forked_from, '') = '' then 0 else 1 end,
                    occurred_at,
                    session_id
                )
            ) as session_id,
            {{ named_developer() }} as developer_id,
            min(repository) as repository,
            min(git_branch) as git_branch,
            max(nullif(request_id, '')) as request_id,
            max(prompt_id) as prompt_id,
            max(tool_name) as tool_name,
            max(command) as command,
            coalesce(
                max(case when kind = 'tool_call' then file_path end), max(file_path)
            ) as file_path,
            max(duration_ms) as duration_ms,
            -- What the edit did to the file, else what it was asked to do.
            coalesce(
                max(case when kind = 'tool_result' then lines_added end), max(lines_added)
            ) as lines_added,
            coalesce(
                max(case when kind = 'tool_result' then lines_removed end), max(lines_removed)
            ) as lines_removed,
            max(exit_code) as exit_code,
            -- A command that ended with another code than 0 failed, whatever else is said of it.
            case
                when max(case when exit_code <> 0 or is_error or not success then 1 end) = 1
                    then false
                when max(case when exit_code = 0 or success then 1 end) = 1 then true
            end as success,
            min(occurred_at) as called_at,
            max(occurred_at) as finished_at
        from {{ records }}
        where kind in ('tool_call', 'tool_result') and tool_use_id <> ''
        group by 1
    )
{%- endmacro %}


{#-
    For `from`: which row of `events` is which row of `files`, where no id tells (event_key,
    file_key). Both have a key, a time and `match_key`, which is all that must be equal; NULL
    matches nothing. The two are written within milliseconds of each other: rows of one match_key
    are parted wherever none of them comes for `seconds` (a number or a column of both), and within
    a part the first of one side is the first of the other. So what both sides tell counts once and
    what one side alone tells counts too, and nothing hangs on the order of arrival.
-#}
{% macro pairs_in_time(events, event_key, event_at, files, file_key, file_at, seconds) -%}
    (
        with sides as (
            select
                match_key,
                {{ event_key }} as row_key,
                {{ event_at }} as row_at,
                {{ seconds }} as within_seconds,
                'event' as side
            from {{ events }}
            where match_key is not null
            union all
            select
                match_key,
                {{ file_key }} as row_key,
                {{ file_at }} as row_at,
                {{ seconds }} as within_seconds,
                'file' as side
            from {{ files }}
            where match_key is not null
        ),

        parted as (
            select
                *,
                case
                    when
                        {{ add_seconds(
                            'lag(row_at) over (partition by match_key order by row_at, side, row_key)',
                            'within_seconds'
                        ) }} < row_at
                        then 1
                    else 0
                end as begins_part
            from sides
        ),

        parts as (
            select
                *,
                sum(begins_part) over (
                    partition by match_key
                    order by row_at, side, row_key
                    rows between unbounded preceding and current row
                ) as part
            from parted
        ),

        numbered as (
            select
                *,
                row_number() over (
                    partition by match_key, part, side order by row_at, row_key
                ) as place
            from parts
        )

        select
            of_events.row_key as event_key,
            of_files.row_key as file_key
        from numbered as of_events
        inner join numbered as of_files
            on
                of_events.match_key = of_files.match_key
                and of_events.part = of_files.part
                and of_events.place = of_files.place
        where of_events.side = 'event' and of_files.side = 'file'
    )
{%- endmacro %}
