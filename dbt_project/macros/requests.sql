{#- A key for what has no id of its own: a hash of all that tells it from others. -#}
{% macro hashed(columns) -%}
    md5(
            {%- for column in columns %}
            {{ "|| '|' || " if not loop.first }}coalesce(cast({{ column }} as varchar), '')
            {%- endfor %}
        )
{%- endmacro %}


{#-
    Uncached input of agents that send cache inside input. Where the parts are more than the whole,
    there is none.
-#}
{% macro uncached(input, parts) -%}
    case
            when {{ input }}
                {%- for part in parts %} - coalesce({{ part }}, 0){% endfor %} > 0
                then {{ input }}
                {%- for part in parts %} - coalesce({{ part }}, 0){% endfor %}
            when {{ input }} is not null then 0
        end
{%- endmacro %}


{#-
    For `from`: of answers and failed attempts (`is_answer`) in one `turn` of a session, one row per
    request: an answer with the failures before it, or the last failure where no answer came.
    `attempt` is how often it was tried.
-#}
{% macro requests_of_attempts(steps) -%}
    (
        with counted as (
            select
                *,
                coalesce(sum(case when is_answer then 1 else 0 end) over (
                    partition by session_id, turn
                    order by occurred_at, is_answer, event_key
                    rows between unbounded preceding and 1 preceding
                ), 0) as answers_before
            from {{ steps }}
        )

        select
            *,
            count(*) over (partition by session_id, turn, answers_before) as attempts,
            row_number() over (
                partition by session_id, turn, answers_before
                order by is_answer desc, occurred_at desc, event_key desc
            ) as last_first
        from counted
    )
{%- endmacro %}


{#-
    Requests by telemetry and by session files as one: the whole of a model's end. Telemetry counts,
    the file tells what it does not. `pairs` says which are the same (event_key, file_key); `word` is
    what telemetry is called in `seen_in`.
-#}
{% macro requests_of_both(agent, events, files, pairs, word='event') -%}
    select
        '{{ agent }}' as agent,
        coalesce(files.request_key, events.request_key) as request_key,
        coalesce(events.request_id, files.request_id) as request_id,
        coalesce(events.session_id, files.session_id) as session_id,
        coalesce(events.prompt_id, files.prompt_id) as prompt_id,
        coalesce(events.developer_id, files.developer_id) as developer_id,
        files.repository,
        files.git_branch,
        cast(null as varchar) as machine,
        coalesce(events.model_reported, files.model_reported) as model_reported,
        coalesce(files.service_tier, 'standard') as service_tier,
        coalesce(events.query_source, files.query_source) as query_source,
        coalesce(events.subagent, files.subagent) as subagent,
        coalesce(events.effort, files.effort) as effort,
        coalesce(events.agent_version, files.agent_version) as agent_version,
        coalesce(nullif(events.billing_mode, 'unknown'), files.billing_mode, 'unknown')
            as billing_mode,
        coalesce(events.duration_ms, files.duration_ms) as duration_ms,
        coalesce(events.is_subagent, false) or coalesce(files.is_subagent, false) as is_subagent,
        coalesce(events.requested_at, files.requested_at) as requested_at,
        case
            when files.created_at < events.created_at or events.created_at is null
                then files.created_at
            else events.created_at
        end as created_at,
        events.model_requested,
        {{ seen_in('events.request_key', 'files.request_key', word) }} as seen_in,
        {% for column in [
            'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
            'output_tokens',
        ] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        case
            when
                coalesce(events.reasoning_tokens, files.reasoning_tokens)
                <= coalesce(events.output_tokens, files.output_tokens)
                then coalesce(events.reasoning_tokens, files.reasoning_tokens)
        end as reasoning_tokens,
        cast(null as decimal(18, 9)) as reported_cost_usd,
        coalesce(events.ttft_ms, files.ttft_ms) as ttft_ms,
        events.status_code,
        events.attempt,
        coalesce(events.is_error, false) as is_error
    from {{ events }} as events
    left join {{ pairs }} as pairs on events.request_key = pairs.event_key
    full outer join {{ files }} as files on pairs.file_key = files.request_key
{%- endmacro %}


{#- The same of tool calls; `request_key` is the key of the request that a file names. -#}
{% macro tool_calls_of_both(agent, events, files, pairs, request_key, word='event') -%}
    select
        '{{ agent }}' as agent,
        coalesce(files.tool_call_key, events.tool_call_key) as tool_call_key,
        {% for column in [
            'tool_use_id', 'session_id', 'prompt_id',
        ] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        {{ request_key }} as request_key,
        coalesce(events.developer_id, files.developer_id) as developer_id,
        files.repository,
        coalesce(events.git_branch, files.git_branch) as git_branch,
        {% for column in [
            'tool_name', 'command', 'file_path',
        ] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        events.decision,
        events.decision_source,
        {% for column in [
            'duration_ms', 'lines_added', 'lines_removed', 'exit_code',
        ] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        events.error_type,
        {{ seen_in('events.tool_call_key', 'files.tool_call_key', word) }} as seen_in,
        case
            when coalesce(events.decision, '') = 'reject' then null
            when coalesce(events.exit_code, files.exit_code, 0) <> 0 then false
            else coalesce(events.success, files.success)
        end as success,
        events.tool_call_key is not null and events.session_id is null as is_session_from_file,
        coalesce(events.called_at, files.called_at) as called_at
    from {{ events }} as events
    left join {{ pairs }} as pairs on events.tool_call_key = pairs.event_key
    full outer join {{ files }} as files on pairs.file_key = files.tool_call_key
{%- endmacro %}


{#- And of prompts. -#}
{% macro prompts_of_both(agent, events, files, pairs, word='event') -%}
    select
        '{{ agent }}' as agent,
        coalesce(files.prompt_key, events.prompt_key) as prompt_key,
        coalesce(events.session_id, files.session_id) as session_id,
        coalesce(events.prompt_id, files.prompt_id) as prompt_id,
        coalesce(events.developer_id, files.developer_id) as developer_id,
        files.repository,
        coalesce(events.prompt_length, files.prompt_length) as prompt_length,
        {{ seen_in('events.prompt_key', 'files.prompt_key', word) }} as seen_in,
        coalesce(files.is_synthetic, events.is_synthetic, false) as is_synthetic,
        coalesce(events.prompted_at, files.prompted_at) as prompted_at
    from {{ events }} as events
    left join {{ pairs }} as pairs on events.prompt_key = pairs.event_key
    full outer join {{ files }} as files on pairs.file_key = files.prompt_key
{%- endmacro %}
