with

commits as (

    select
        measures.*,
        known.project_id,
        teams.team
    from {{ ref('int_commit_measures') }} as measures
    inner join {{ ref('fct_git_commits') }} as known on measures.commit_key = known.commit_key
    left join {{ ref('stg_teams') }} as teams on lower(known.developer_id) = teams.developer

),

summed as (

    select
        month,
        team,
        project_id,
        max(committed_at) as last_committed_at,
        count(case when at_start_30d is not null then 1 end) as cohort_commits,
        {{ sum_bigint('case when is_merged then ai_lines end') }} as merged_ai_lines,
        {{ sum_bigint('case when is_merged and cost_usd is not null then ai_lines end') }}
            as costed_ai_lines,
        sum(case when is_merged and ai_lines is not null then cost_usd end) as merged_cost_usd,
        {{ sum_bigint('case when ai_lines is not null then ai_alive_30d end') }}
            as surviving_ai_lines,
        sum(case when ai_alive_30d is not null then cost_usd end) as cohort_cost_usd
    from commits
    group by month, team, project_id

),

-- Commits of which no line is an agent's, and which cost none, are no part of what agents came to.
final as (

    select
        *,
        cohort_commits >= 20
        and {{ add_seconds('last_committed_at', 30 * 86400) }} <= {{ now_utc() }} as is_enough
    from summed
    where merged_ai_lines > 0 or surviving_ai_lines > 0 or merged_cost_usd > 0

)

select * from final
