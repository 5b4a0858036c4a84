-- Everything that outcomes count of a commit; copies of others are left out.
with

commits as (

    select * from {{ ref('fct_git_commits') }}

),

outcomes as (

    select * from {{ ref('int_commit_outcomes') }}

),

fixes as (

    select * from {{ ref('int_commit_fixes') }}

),

rework as (

    select * from {{ ref('int_commit_rework') }}

),

survival as (

    select
        {% for age in [14, 30, 90] %}
        max(case when age_days = {{ age }} then lines_alive end) as alive_{{ age }}d,
        max(case when age_days = {{ age }} then lines_at_start end) as at_start_{{ age }}d,
        max(case when age_days = {{ age }} then ai_lines_alive end) as ai_alive_{{ age }}d,
        {% endfor %}
        max(ai_lines_known) as ai_lines_known,
        commit_key
    from {{ ref('int_commit_ai_survival') }}
    group by commit_key

),

joined as (

    select
        commits.commit_key,
        commits.repository,
        commits.committed_at,
        commits.committed_date,
        {{ month_of('commits.committed_date') }} as month,
        commits.attribution_tier,
        commits.is_merge,
        commits.effective_lines_added,
        commits.ai_lines,
        commits.cost_usd,
        commits.is_reverted,
        fixes.commit_key is not null as is_fixed,
        coalesce(outcomes.in_default_branch, false) as is_merged,
        rework.changed_lines,
        {% for age in [14, 30, 90] %}
        survival.alive_{{ age }}d,
        survival.at_start_{{ age }}d,
        -- Which of the lines that a note alone gives to an agent are alive, nobody knows, unless
        -- they are all the commit has.
        case
            when commits.ai_lines <= survival.ai_lines_known then survival.ai_alive_{{ age }}d
            when commits.ai_lines >= commits.effective_lines_added then survival.alive_{{ age }}d
        end as ai_alive_{{ age }}d,
        {% endfor %}
        rework.reworked_lines
    from commits
    inner join outcomes on commits.commit_key = outcomes.commit_key
    left join fixes on commits.commit_key = fixes.commit_key
    left join rework on commits.commit_key = rework.commit_key
    left join survival on commits.commit_key = survival.commit_key
    where not outcomes.is_copy

)

select * from joined
