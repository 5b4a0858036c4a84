-- What sessions of the last 180 days add to each metric by which agents are compared: numerator
-- and denominator in millionths, as whole numbers, because their sums do not hang on the order in
-- which they are added up. A table: two models read it.
{{ config(materialized='table') }}

{% set days = 180 %}

with

sessions as (

    select
        *,
        coalesce(repository, worktree) as place,
        coalesce(lines_added, 0) + coalesce(lines_removed, 0) as changed_lines,
        -- Of a part of its requests a session would look cheap.
        case when not is_partly_unpriced then cost_usd end as whole_cost_usd
    from {{ ref('int_session_quality') }}
    where started_at >= {{ add_seconds(now_utc(), -86400 * days) }}

),

-- Session files name no developer. Where nothing names a second one, all is one author's work.
authors as (

    select
        count(distinct developer_id) as developers,
        max(developer_id) as only_developer_id
    from sessions

),

outcomes as (

    select * from {{ ref('int_session_outcomes') }}

),

recorded_repositories as (

    select distinct repository
    from {{ ref('int_commits_with_agent_context') }}
    where repository is not null

),

links as (

    select
        session_key,
        commit_key,
        attributed_lines,
        sum(attributed_lines) over (partition by commit_key) as commit_lines
    from {{ ref('int_commit_sessions') }}
    where attributed_lines > 0

),

-- Which of several sessions a living line is of, is not kept: each has its share.
survival as (

    select
        links.session_key,
        sum(cast(
            commits.ai_lines * 1000000.0 * links.attributed_lines / links.commit_lines as bigint
        )) as lines_then,
        sum(cast(
            commits.ai_alive_30d * 1000000.0 * links.attributed_lines / links.commit_lines as bigint
        )) as lines_alive
    from links
    inner join {{ ref('int_commit_measures') }} as commits on links.commit_key = commits.commit_key
    where commits.ai_alive_30d is not null and commits.ai_lines > 0
    group by links.session_key

),

measured as (

    select
        sessions.*,
        case
            when authors.developers = 1 then authors.only_developer_id
            else sessions.developer_id
        end as author_id,
        case
            when sessions.changed_lines > 200 then 'large'
            when sessions.changed_lines > 20 then 'medium'
            when sessions.changed_lines > 0 then 'small'
            when sessions.tool_calls > 50 then 'large'
            when sessions.tool_calls > 10 then 'medium'
            else 'small'
        end as task_size,
        recorded_repositories.repository is not null as is_recorded,
        outcomes.linkage,
        outcomes.has_edits,
        outcomes.lines_written,
        coalesce(outcomes.lines_committed, 0) as lines_committed,
        survival.lines_then,
        survival.lines_alive
    from sessions
    cross join authors
    inner join outcomes on sessions.session_key = outcomes.session_key
    left join recorded_repositories on sessions.repository = recorded_repositories.repository
    left join survival on sessions.session_key = survival.session_key

),

-- The condition says of which sessions the metric is known.
{% set committed = "is_recorded and linkage <> 'pending'" %}
{% set metrics = {
    'cost_per_session_usd': ['whole_cost_usd', '1', 'whole_cost_usd is not null'],
    'cost_per_ai_line_usd': [
        'whole_cost_usd', 'lines_committed',
        'whole_cost_usd is not null and lines_written is not null and ' ~ committed,
    ],
    'tool_failure_rate': ['tool_failures', 'tool_runs', 'tool_runs > 0'],
    'acceptance_rate': [
        'edits_accepted', 'edits_accepted + edits_rejected', 'edits_accepted + edits_rejected > 0',
    ],
    'retry_rate': ['attempts_again', 'attempts', 'attempts > 0'],
    'one_shot_rate': ['one_shot_turns', 'edit_turns', 'edit_turns > 0'],
    'committed_share': [
        "case when linkage = 'linked' then 1 else 0 end", '1', 'has_edits and ' ~ committed,
    ],
    'survival_30d': ['lines_alive / 1000000.0', 'lines_then / 1000000.0', 'lines_then > 0'],
    'minutes_per_session': ['working_seconds / 60', '1', 'working_seconds is not null'],
} %}

by_metric as (

    {% for metric, parts in metrics.items() %}
    select
        session_key,
        place as repository,
        task_size,
        author_id as developer_id,
        agent,
        '{{ metric }}' as metric,
        cast(({{ parts[0] }}) * 1000000.0 as bigint) as numerator,
        cast(({{ parts[1] }}) * 1000000.0 as bigint) as denominator
    from measured
    where {{ parts[2] }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

keyed as (

    select
        *,
        {{ digest(
            "coalesce(repository, '') || '|' || task_size || '|' || coalesce(developer_id, '') "
            ~ "|| '|' || agent || '|' || metric"
        ) }} as cell_key
    from by_metric

)

select * from keyed
