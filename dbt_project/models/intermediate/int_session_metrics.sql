{% set measures = {
    'active_seconds': "metric_name = 'claude_code.active_time.total'",
    'lines_added': "metric_name like '%lines_of_code.count' and type = 'added'",
    'lines_removed': "metric_name like '%lines_of_code.count' and type = 'removed'",
    'edits_accepted': "metric_name like '%edit_tool.decision' and decision = 'accept'",
    'edits_rejected': "metric_name like '%edit_tool.decision' and decision = 'reject'",
    'commits_reported': "metric_name = 'claude_code.commit.count'",
} %}

with

increments as (

    select * from {{ ref('int_metric_increments') }}
    where session_key is not null

),

-- A counter that never counted is not sent: of a session with any metric, none is 0.
totals as (

    select
        {% for name, condition in measures.items() %}
        sum(case when {{ condition }} then increment else 0 end) as {{ name }},
        {% endfor %}
        session_key
    from increments
    group by session_key

)

select * from totals
