{% set grain = ['month', 'team', 'project_id'] %}

with

settings as (

    select * from {{ ref('stg_settings') }}

),

spend as (

    select
        {{ grain | join(',\n        ') }},
        {{ usd('sum(cost_usd)') }} as list_cost_usd,
        {{ usd('sum(metered_usd)') }} as metered_usd,
        {{ usd('sum(unknown_paid_list_usd)') }} as unknown_paid_list_usd
    from {{ ref('int_spend_paid') }}
    group by {{ grain | join(', ') }}

),

plans as (

    select
        {{ grain | join(',\n        ') }},
        {{ usd('sum(plan_usd)') }} as plan_usd
    from {{ ref('int_plan_shares') }}
    group by {{ grain | join(', ') }}

),

hours as (

    select
        {{ grain | join(',\n        ') }},
        -- The order of addition must not show.
        cast(round(sum(hours_low), 6) as decimal(18, 6)) as hours_saved_low,
        cast(round(sum(hours_high), 6) as decimal(18, 6)) as hours_saved_high,
        round(sum(known_days) / sum(days), 6) as hours_coverage,
        case
            when min(hours_source) <> max(hours_source) then 'survey+setting'
            else min(hours_source)
        end as hours_source
    from {{ ref('int_hours_shares') }}
    group by {{ grain | join(', ') }}

),

commits as (

    select * from {{ ref('int_roi_commits') }}

),

sessions as (

    select
        {{ month_of('sessions.started_date') }} as month,
        teams.team,
        sessions.project_id,
        sessions.developer_id,
        1 as sessions
    from {{ ref('fct_agent_sessions') }} as sessions
    left join {{ ref('stg_teams') }} as teams on lower(sessions.developer_id) = teams.developer

),

activity as (

    select
        {{ grain | join(',\n        ') }},
        developer_id,
        sessions
    from sessions
    union all
    select
        {{ grain | join(',\n        ') }},
        developer_id,
        0 as sessions
    from {{ ref('int_spend_paid') }}

),

active as (

    select
        {{ grain | join(',\n        ') }},
        -- Usage by people whom nothing names is not usage by nobody.
        case when count(developer_id) > 0 then count(distinct developer_id) end as developers,
        {{ sum_bigint('sessions') }} as sessions
    from activity
    group by {{ grain | join(', ') }}

),

{% set parts = ['spend', 'plans', 'hours', 'commits', 'active'] %}
grains as (

    {% for part in parts %}
    select
        {{ grain | join(',\n        ') }}
    from {{ part }}
    {{ 'union' if not loop.last }}
    {% endfor %}

),

joined as (

    select
        grains.month,
        grains.team,
        grains.project_id,
        case when active.sessions is null then 0 else active.developers end as developers,
        coalesce(active.sessions, 0) as sessions,
        spend.list_cost_usd,
        spend.metered_usd,
        spend.unknown_paid_list_usd,
        plans.plan_usd,
        {{ usd('coalesce(spend.metered_usd + plans.plan_usd, spend.metered_usd, plans.plan_usd)') }}
            as paid_usd,
        commits.merged_ai_lines,
        commits.surviving_ai_lines,
        {{ usd('commits.merged_cost_usd / nullif(commits.costed_ai_lines, 0)') }}
            as cost_per_merged_line_usd,
        {{ usd(
            'case when commits.is_enough then commits.cohort_cost_usd '
            ~ '/ nullif(commits.surviving_ai_lines, 0) end'
        ) }} as cost_per_surviving_line_usd,
        {{ usd(
            'case when commits.is_enough then spend.list_cost_usd '
            ~ '/ nullif(commits.surviving_ai_lines, 0) end'
        ) }} as loaded_cost_per_surviving_line_usd,
        hours.hours_saved_low,
        hours.hours_saved_high,
        hours.hours_coverage,
        hours.hours_source,
        settings.hourly_rate_usd,
        {{ usd('hours.hours_saved_low * settings.hourly_rate_usd') }} as value_low_usd,
        {{ usd('hours.hours_saved_high * settings.hourly_rate_usd') }} as value_high_usd
    from grains
    cross join settings
    {% for part in parts %}
    left join {{ part }}
        on
            grains.month = {{ part }}.month
            and coalesce(grains.team, '') = coalesce({{ part }}.team, '')
            and coalesce(grains.project_id, '') = coalesce({{ part }}.project_id, '')
    {% endfor %}

),

-- The worst case is that what nobody says how it was paid was paid at list price.
final as (

    select
        {{ hashed(grain) }} as roi_month_key,
        team,
        project_id,
        hours_source,
        developers,
        sessions,
        merged_ai_lines,
        surviving_ai_lines,
        list_cost_usd,
        paid_usd,
        plan_usd,
        metered_usd,
        unknown_paid_list_usd,
        cost_per_merged_line_usd,
        cost_per_surviving_line_usd,
        loaded_cost_per_surviving_line_usd,
        cast(hours_saved_low as double) as hours_saved_low,
        cast(hours_saved_high as double) as hours_saved_high,
        cast(case when hours_saved_low is not null then hours_coverage end as double)
            as hours_coverage,
        hourly_rate_usd,
        value_low_usd,
        value_high_usd,
        cast(
            value_low_usd / nullif(paid_usd + coalesce(unknown_paid_list_usd, 0), 0) - 1 as double
        ) as roi_low,
        cast(value_high_usd / nullif(paid_usd, 0) - 1 as double) as roi_high,
        cast(paid_usd / nullif(hourly_rate_usd, 0) as double) as break_even_hours,
        month
    from joined

)

select * from final
