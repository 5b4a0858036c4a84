-- What metrics count for a day: lines, time and, of sessions without decision events, edits.
with

increments as (

    select * from {{ ref('int_metric_increments') }}
    where metric_name not like '%.token.usage' and metric_name not like '%.cost.usage'

),

main_models as (

    select
        session_key,
        main_model
    from {{ ref('int_session_requests') }}

),

sessions as (

    select
        session_key,
        tells_edits
    from {{ ref('int_session_metrics') }}

),

measured as (

    select
        increments.*,
        coalesce(increments.model, main_models.main_model) as counted_model,
        increments.metric_name = 'claude_code.code_edit_tool.decision'
        and coalesce(sessions.tells_edits, false) as is_edit,
        increments.metric_name = 'claude_code.lines_of_code.count' as is_lines,
        increments.metric_name = 'claude_code.active_time.total' as is_time
    from increments
    left join main_models on increments.session_key = main_models.session_key
    left join sessions on increments.session_key = sessions.session_key

),

facts as (

    select
        agent,
        session_key,
        developer_id,
        project_id,
        counted_model as model,
        case when is_edit and decision = 'accept' then increment else 0 end as edits_accepted,
        case when is_edit and decision = 'reject' then increment else 0 end as edits_rejected,
        case when is_lines and type = 'added' then increment else 0 end as lines_added,
        case when is_lines and type = 'removed' then increment else 0 end as lines_removed,
        case when is_time then increment else 0 end as active_seconds,
        measured_date
    from measured
    where is_edit or is_lines or is_time

)

select * from facts
