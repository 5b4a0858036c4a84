with

days as (

    select * from {{ ref('int_copilot_days') }}

),

final as (

    select
        copilot_daily_key,
        developer_id,
        organisation,
        breakdown,
        feature,
        language,
        editor,
        model,
        suggestions,
        acceptances,
        lines_suggested,
        lines_accepted,
        agent_lines_added,
        agent_lines_removed,
        active_users,
        ai_credits,
        is_organisation,
        usage_date
    from days

)

select * from final
