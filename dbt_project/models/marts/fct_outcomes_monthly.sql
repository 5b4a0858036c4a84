{% set ages = [14, 30, 90] %}
{% set commit_columns = [
    'commits', 'assisted_commits', 'reverted_commits', 'fixed_commits', 'costed_commits',
    'effective_lines', 'covered_lines', 'ai_lines', 'merged_ai_lines', 'costed_ai_lines', 'changed_lines',
    'reworked_lines', 'linked_cost_usd', 'merged_cost_usd',
] %}
{% for age in ages %}
{% for measure in [
    'cohort', 'lines_at_start', 'lines_alive', 'ai_lines', 'ai_lines_alive', 'cohort_cost',
] %}{% do commit_columns.append(measure ~ '_' ~ age ~ 'd') %}{% endfor %}
{% endfor %}
{% set classes = ['productive', 'reverted', 'abandoned', 'ambiguous', 'pending', 'no_edits'] %}
{% set cost_columns = ['sessions', 'lines_written', 'lines_committed', 'spend_usd'] %}
{% for class in classes %}{% do cost_columns.append(class ~ '_usd') %}{% endfor %}

with

commits as (

    select * from {{ ref('int_commit_measures') }}

),

costs as (

    select
        *,
        {{ month_of('usage_date') }} as month
    from {{ ref('int_outcome_costs') }}

),

sessions as (

    select
        repository,
        {{ month_of('started_date') }} as month,
        seconds_to_commit
    from {{ ref('int_session_outcomes') }}
    where seconds_to_commit is not null

),

of_commits as (

    select
        {% for age in ages %}
        count(case when at_start_{{ age }}d is not null then 1 end) as cohort_{{ age }}d,
        {{ sum_bigint('at_start_' ~ age ~ 'd') }} as lines_at_start_{{ age }}d,
        {{ sum_bigint('alive_' ~ age ~ 'd') }} as lines_alive_{{ age }}d,
        {{ sum_bigint('case when ai_alive_' ~ age ~ 'd is not null then ai_lines end') }}
            as ai_lines_{{ age }}d,
        {{ sum_bigint('case when ai_lines is not null then ai_alive_' ~ age ~ 'd end') }}
            as ai_lines_alive_{{ age }}d,
        sum(case when ai_alive_{{ age }}d is not null then cost_usd end) as cohort_cost_{{ age }}d,
        {% endfor %}
        repository,
        month,
        count(*) as commits,
        max(committed_at) as last_committed_at,
        count(case when attribution_tier not in ('ambiguous', 'untracked') then 1 end)
            as assisted_commits,
        count(case when is_reverted then 1 end) as reverted_commits,
        count(case when is_fixed then 1 end) as fixed_commits,
        count(case when cost_usd is not null then 1 end) as costed_commits,
        {{ sum_bigint('effective_lines_added') }} as effective_lines,
        {{ sum_bigint(
            "case when attribution_tier not in ('ambiguous', 'untracked') "
            ~ 'then effective_lines_added else 0 end'
        ) }} as covered_lines,
        {{ sum_bigint('ai_lines') }} as ai_lines,
        {{ sum_bigint('case when is_merged then ai_lines end') }} as merged_ai_lines,
        {{ sum_bigint('case when is_merged and cost_usd is not null then ai_lines end') }}
            as costed_ai_lines,
        {{ sum_bigint('changed_lines') }} as changed_lines,
        {{ sum_bigint('reworked_lines') }} as reworked_lines,
        sum(cost_usd) as linked_cost_usd,
        sum(case when is_merged and ai_lines is not null then cost_usd end) as merged_cost_usd
    from commits
    group by repository, month

),

of_costs as (

    select
        repository,
        month,
        count(*) as sessions,
        {{ sum_bigint('lines_written') }} as lines_written,
        {{ sum_bigint('lines_committed') }} as lines_committed,
        sum(cost_usd) as spend_usd,
        {% for class in ['productive', 'reverted', 'abandoned', 'ambiguous', 'pending'] %}
        sum(case when yield_class = '{{ class }}' then cost_usd end) as {{ class }}_usd,
        {% endfor %}
        sum(case when yield_class in ('no_edits', 'no_session') then cost_usd end) as no_edits_usd
    from costs
    group by repository, month

),

of_sessions as (

    select
        repository,
        month,
        {{ percentile('seconds_to_commit', 0.5) }} as median_s,
        {{ percentile('seconds_to_commit', 0.9) }} as p90_s
    from sessions
    group by repository, month

),

grains as (

    select
        repository,
        month
    from of_commits
    union
    select
        repository,
        month
    from of_costs

),

joined as (

    select
        grains.repository,
        grains.month,
        {% for column in commit_columns %}
        of_commits.{{ column }},
        {% endfor %}
        {% for column in cost_columns %}
        of_costs.{{ column }},
        {% endfor %}
        {% for age in ages %}
        {{ add_seconds('of_commits.last_committed_at', age * 86400) }} <= {{ now_utc() }}
            as is_old_enough_{{ age }}d,
        {% endfor %}
        of_sessions.median_s,
        of_sessions.p90_s
    from grains
    left join of_commits
        on
            grains.month = of_commits.month
            and coalesce(grains.repository, '') = coalesce(of_commits.repository, '')
    left join of_costs
        on
            grains.month = of_costs.month
            and coalesce(grains.repository, '') = coalesce(of_costs.repository, '')
    left join of_sessions
        on
            grains.month = of_sessions.month
            and coalesce(grains.repository, '') = coalesce(of_sessions.repository, '')

),

final as (

    select
        coalesce(repository, '') || ':' || cast(month as varchar)
            as outcome_month_key,
        repository,
        cast(coalesce(commits, 0) as bigint) as commits,
        cast(coalesce(assisted_commits, 0) as bigint) as assisted_commits,
        cast(coalesce(reverted_commits, 0) as bigint) as reverted_commits,
        cast(coalesce(fixed_commits, 0) as bigint) as fixed_commits,
        effective_lines,
        covered_lines,
        ai_lines,
        merged_ai_lines,
        changed_lines,
        reworked_lines,
        cast(coalesce(sessions, 0) as bigint) as sessions,
        lines_written,
        lines_committed,
        {% for age in ages %}
        cast(coalesce(cohort_{{ age }}d, 0) as bigint) as cohort_commits_{{ age }}d,
        lines_at_start_{{ age }}d,
        lines_alive_{{ age }}d,
        ai_lines_alive_{{ age }}d,
        {% endfor %}
        cast(assisted_commits * 1.0 / nullif(commits, 0) as double) as assisted_commit_share,
        cast(covered_lines * 1.0 / nullif(effective_lines, 0) as double) as coverage,
        cast(ai_lines * 1.0 / nullif(effective_lines, 0) as double) as ai_code_share,
        cast(lines_committed * 1.0 / nullif(lines_written, 0) as double) as landing_rate,
        cast(reverted_commits * 1.0 / nullif(commits, 0) as double) as revert_rate,
        cast(fixed_commits * 1.0 / nullif(commits, 0) as double) as fix_follow_rate,
        cast(reworked_lines * 1.0 / nullif(changed_lines, 0) as double) as rework_ratio,
        {% for age in ages %}
        cast(lines_alive_{{ age }}d * 1.0 / nullif(lines_at_start_{{ age }}d, 0) as double)
            as survival_{{ age }}d,
        cast(ai_lines_alive_{{ age }}d * 1.0 / nullif(ai_lines_{{ age }}d, 0) as double)
            as ai_survival_{{ age }}d,
        {% endfor %}
        {{ usd('spend_usd') }} as spend_usd,
        {{ usd('linked_cost_usd') }} as linked_cost_usd,
        {% for class in classes %}
        {{ usd(class ~ '_usd') }} as {{ class }}_usd,
        {% endfor %}
        {{ usd('linked_cost_usd / nullif(costed_commits, 0)') }} as cost_per_commit_usd,
        {{ usd('merged_cost_usd / nullif(costed_ai_lines, 0)') }} as cost_per_merged_ai_line_usd,
        -- Only of months that are old enough as a whole; under 20 commits a ratio says more about
        -- chance than about anything else.
        {% for age in ages %}
        {{ usd(
            'case when cohort_' ~ age ~ 'd >= 20 and is_old_enough_' ~ age ~ 'd '
            ~ 'then cohort_cost_' ~ age ~ 'd '
            ~ '/ nullif(ai_lines_alive_' ~ age ~ 'd, 0) end'
        ) }} as linked_cost_per_surviving_line_{{ age }}d_usd,
        {{ usd(
            'case when cohort_' ~ age ~ 'd >= 20 and is_old_enough_' ~ age ~ 'd '
            ~ 'then spend_usd '
            ~ '/ nullif(ai_lines_alive_' ~ age ~ 'd, 0) end'
        ) }} as loaded_cost_per_surviving_line_{{ age }}d_usd,
        {% endfor %}
        cast(median_s as double) as median_seconds_to_commit,
        cast(p90_s as double) as p90_seconds_to_commit,
        month
    from joined

)

select * from final
