-- A table: five models read it, and each would scan all events again.
{{ config(materialized='table') }}

with

events as (

    select * from {{ ref('stg_claude_code__events') }}
    where session_id is not null

),

-- A cumulative series is sent again while nothing happens: what adds nothing is no activity.
metrics as (

    select * from {{ ref('stg_claude_code__metrics') }}
    where session_id is not null and increment > 0

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

first_folders as (

    select
        session_id,
        project_path,
        row_number() over (partition by session_id order by started_at, project_path) as first_first
    from file_facts
    where project_path is not null

),

activity as (

    select
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
        session_id,
        developer_id,
        repository,
        null as file_repository,
        null as git_branch,
        machine,
        null as agent_version,
        case
            when metric_name in ('claude_code.token.usage', 'claude_code.cost.usage') then 1
            else 0
        end as work,
        false as is_exact,
        case when started_at < measured_at then started_at else measured_at end as started_at,
        measured_at as ended_at
    from metrics
    union all
    select
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

),

aggregated as (

    select
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
    group by session_id
    -- `--continue` starts under a throw-away id and goes on under the old one (2.1.330): a session
    -- in which nobody asked and nothing was asked of a model is none.
    having sum(work) > 0

),

sessions as (

    select
        'claude_code:' || aggregated.session_id as session_key,
        aggregated.session_id,
        'claude_code' as agent,
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
        aggregated.machine,
        aggregated.agent_version,
        aggregated.started_at,
        aggregated.ended_at,
        aggregated.last_seen_at
    from aggregated
    left join first_folders
        on aggregated.session_id = first_folders.session_id and first_folders.first_first = 1

)

select * from sessions
