{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

tool_calls as (

    select * from {{ ref('int_tool_calls') }}
    where session_key is not null and {{ changed() }}

),

reported_commits as (

    select
        tool_calls.session_key,
        count(distinct reported.git_commit_id) as commits_reported
    from {{ ref('stg_agent_reported_commits') }} as reported
    inner join tool_calls on reported.tool_call_key = tool_calls.tool_call_key
    group by tool_calls.session_key

),

totals as (

    select
        session_key,
        count(*) as tool_calls,
        sum(case when not success then 1 else 0 end) as tool_failures,
        sum(edits_accepted) as edits_accepted,
        sum(edits_rejected) as edits_rejected,
        sum(counted_lines_added) as lines_added,
        sum(counted_lines_removed) as lines_removed
    from tool_calls
    group by session_key

),

joined as (

    select
        totals.*,
        reported_commits.commits_reported
    from totals
    left join reported_commits on totals.session_key = reported_commits.session_key

)

select * from joined
