-- A table: five models read it, and each would scan all events again.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

{% set other_agents = ['codex', 'gemini_cli', 'copilot_cli', 'cursor'] %}

with

events as (

    select * from {{ ref('stg_claude_code__changed_events') }}
    where session_id is not null

),

-- A cumulative series is sent again while nothing happens: what adds nothing is no activity.
metrics as (

    {% for agent in ['claude_code', 'gemini_cli'] %}
    select
        '{{ agent }}' as agent,
        *
    from {{ ref('stg_' ~ agent ~ '__metrics') }}
    where session_id is not null and increment > 0 and {{ changed() }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- What session files tell, each fact on the session that first made it.
file_facts as (

    {% for model, began_at, ended_at, work in [
        ('requests', 'requested_at', 'requested_at', '1'),
        ('prompts', 'prompted_at', 'prompted_at', 'case when is_synthetic then 0 else 1 end'),
        ('tool_calls', 'called_at', 'finished_at', '0'),
    ] %}
    select
        session_id,
        developer_id,
        repository,
        project_path,
        git_branch,
        agent_version,
        {{ work }} as work,
        {{ began_at }} as started_at,
        {{ ended_at }} as ended_at
    from {{ ref('stg_claude_code__file_' ~ model) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Of the others: whatever they did, and what of it was work.
other_activity as (

    {% for agent in other_agents %}
    select
        '{{ agent }}' as agent,
        session_id,
        developer_id,
        repository,
        project_path,
        git_branch,
        agent_version,
        occurred_at
    from {{ ref('stg_' ~ agent ~ '__activity') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

other_work as (

    select
        agent,
        session_id
    from {{ ref('stg_agent_token_usage') }}
    where agent <> 'claude_code' and session_id is not null
    union
    select
        agent,
        session_id
    from {{ ref('stg_agent_prompts') }}
    where agent <> 'claude_code' and session_id is not null and not is_synthetic
    union
    select
        'copilot_cli' as agent,
        session_id
    from {{ ref('stg_copilot_cli__session_totals') }}
    union
    -- `cursor-agent -p` runs no hook for its prompt (2026.09.10).
    select
        'cursor' as agent,
        session_id
    from {{ ref('stg_cursor__changed_session_records') }}
    where kind in ('tool_call', 'file_edit')

),

folders as (

    select
        'claude_code' as agent,
        session_id,
        project_path,
        started_at
    from file_facts
    where project_path is not null
    union all
    select
        agent,
        session_id,
        project_path,
        occurred_at as started_at
    from other_activity
    where project_path is not null

),

first_folders as (

    select
        agent,
        session_id,
        min_by(project_path, (started_at, project_path)) as project_path
    from folders
    group by agent, session_id

),

machines as (

    select * from {{ ref('stg_agent_session_machines') }}

),

activity as (

    select
        'claude_code' as agent,
        session_id,
        developer_id,
        {{ normalized_repository('repository_url') }} as repository,
        null as file_repository,
        coalesce(head_name, git_branch) as git_branch,
        nullif(machine, '') as machine,
        agent_version,
        case
            when event_name in ('user_prompt', 'api_request', 'api_error') then 1
            else 0
        end as work,
        true as is_exact,
        occurred_at as started_at,
        occurred_at as ended_at
    from events
    union all
    select
        agent,
        session_id,
        developer_id,
        repository,
        null as file_repository,
        null as git_branch,
        machine,
        null as agent_version,
        case
            when metric_name like '%.token.usage' or metric_name like '%.cost.usage' then 1
            else 0
        end as work,
        false as is_exact,
        case when started_at < measured_at then started_at else measured_at end as started_at,
        measured_at as ended_at
    from metrics
    union all
    select
        'claude_code' as agent,
        session_id,
        developer_id,
        null as repository,
        repository as file_repository,
        git_branch,
        null as machine,
        agent_version,
        work,
        true as is_exact,
        started_at,
        ended_at
    from file_facts
    union all
    select
        others.agent,
        others.session_id,
        others.developer_id,
        null as repository,
        others.repository as file_repository,
        others.git_branch,
        null as machine,
        others.agent_version,
        1 as work,
        true as is_exact,
        others.occurred_at as started_at,
        others.occurred_at as ended_at
    from other_activity as others
    inner join other_work
        on others.agent = other_work.agent and others.session_id = other_work.session_id

),

aggregated as (

    select
        agent,
        session_id,
        {{ named_developer() }} as developer_id,
        min(case when developer_id not like '%.id:%' then developer_id end) as first_named,
        max(case when developer_id not like '%.id:%' then developer_id end) as last_named,
        min(repository) as first_repository,
        max(repository) as last_repository,
        min(file_repository) as first_file_repository,
        max(file_repository) as last_file_repository,
        case when min(git_branch) = max(git_branch) then min(git_branch) end as git_branch,
        case when min(machine) = max(machine) then min(machine) end as machine,
        max(agent_version) as agent_version,
        -- Metrics come up to a minute late: they tell the time only where nothing else does.
        coalesce(min(case when is_exact then started_at end), min(started_at)) as started_at,
        coalesce(max(case when is_exact then ended_at end), max(ended_at)) as ended_at,
        max(ended_at) as last_seen_at
    from activity
    group by agent, session_id
    -- `--continue` starts under a throw-away id and goes on under the old one (2.1.330): a session
    -- in which nobody asked and nothing was asked of a model is none.
    having sum(work) > 0

),

sessions as (

    select
        aggregated.agent || ':' || aggregated.session_id as session_key,
        aggregated.session_id,
        aggregated.agent,
        aggregated.developer_id,
        case when aggregated.first_named = aggregated.last_named then aggregated.first_named end
            as named_developer_id,
        -- Where a session names several, none of them is the session's. What the importer finds
        -- in the folder today counts where telemetry names none.
        case
            when aggregated.first_repository = aggregated.last_repository
                then aggregated.first_repository
            when
                aggregated.first_repository is null
                and aggregated.first_file_repository = aggregated.last_file_repository
                then aggregated.first_file_repository
        end as repository,
        first_folders.project_path,
        aggregated.git_branch,
        -- What telemetry says of itself, else where the file was.
        coalesce(aggregated.machine, machines.machine) as machine,
        aggregated.agent_version,
        aggregated.started_at,
        aggregated.ended_at,
        aggregated.last_seen_at
    from aggregated
    left join first_folders
        on
            aggregated.agent = first_folders.agent
            and aggregated.session_id = first_folders.session_id
    left join machines
        on
            aggregated.agent = machines.agent
            and aggregated.session_id = machines.session_id

)

select * from sessions
