with

tool_calls as (

    select * from {{ ref('int_tool_calls') }}
    where session_key is not null

),

totals as (

    select
        session_key,
        count(*) as tool_calls,
        sum(case when not success then 1 else 0 end) as tool_failures,
        sum(edits_accepted) as edits_accepted,
        sum(edits_rejected) as edits_rejected,
        max(case when decision is not null then 1 else 0 end) as has_decisions,
        count(distinct git_commit_id) as commits_reported
    from tool_calls
    group by session_key

)

select * from totals
