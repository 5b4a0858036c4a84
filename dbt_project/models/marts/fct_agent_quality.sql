{% set counts = [
    'prompts', 'requests', 'errors', 'retries', 'subagent_requests', 'attempts', 'attempts_again',
    'tool_calls', 'tool_runs', 'tool_failures', 'edit_turns', 'one_shot_turns', 'edits_accepted',
    'edits_rejected', 'edits_auto_accepted', 'cache_read_tokens', 'cacheable_tokens',
] %}

with

sessions as (

    select
        *,
        {{ month_of('started_date') }} as month
    from {{ ref('int_session_quality') }}

),

months as (

    select
        {% for count in counts %}
        {{ sum_bigint(count) }} as {{ count }},
        {% endfor %}
        agent,
        developer_id,
        project_id,
        month,
        count(*) as sessions
    from sessions
    group by agent, developer_id, project_id, month

),

final as (

    select
        agent || ':' || cast(month as varchar) || ':' || coalesce(developer_id, '') || ':'
        || coalesce(project_id, '') as quality_key,
        agent,
        developer_id,
        project_id,
        sessions,
        prompts,
        requests,
        errors,
        retries,
        attempts,
        attempts_again,
        tool_calls,
        tool_runs,
        tool_failures,
        edit_turns,
        one_shot_turns,
        edits_accepted,
        edits_rejected,
        edits_auto_accepted,
        cast(one_shot_turns * 1.0 / nullif(edit_turns, 0) as double) as one_shot_rate,
        cast(errors * 1.0 / nullif(requests, 0) as double) as error_rate,
        cast(attempts_again * 1.0 / nullif(attempts, 0) as double) as retry_rate,
        cast(tool_failures * 1.0 / nullif(tool_runs, 0) as double) as tool_failure_rate,
        cast(tool_calls * 1.0 / nullif(prompts, 0) as double) as tool_calls_per_prompt,
        cast(subagent_requests * 1.0 / nullif(requests, 0) as double) as subagent_share,
        cast(cache_read_tokens * 1.0 / nullif(cacheable_tokens, 0) as double) as cache_hit_ratio,
        cast(edits_accepted * 1.0 / nullif(edits_accepted + edits_rejected, 0) as double)
            as acceptance_rate,
        cast(
            edits_auto_accepted * 1.0
            / nullif(edits_accepted + edits_rejected + edits_auto_accepted, 0) as double
        ) as auto_accepted_share,
        month
    from months

)

select * from final
