{% set low, high = 0.05, 0.95 %}
{% set replicate_value = 'cast(replicates.numerator as double) '
    ~ '/ nullif(cast(replicates.denominator as double), 0)' %}

with

cells as (

    select * from {{ ref('int_comparison_cells') }}

),

cell_intervals as (

    select
        replicates.cell_key,
        {{ percentile(replicate_value, low) }} as value_low,
        {{ percentile(replicate_value, high) }} as value_high
    from {{ ref('int_comparison_replicates') }} as replicates
    inner join cells on replicates.cell_key = cells.cell_key
    where cells.sessions >= {{ enough_sessions() }}
    group by replicates.cell_key

),

pairs as (

    select
        *,
        value - other_value as difference
    from {{ ref('int_comparison_pairs') }}

),

pair_values as (

    select
        agent,
        other_agent,
        metric,
        {% for measure in ['value', 'other_value', 'difference'] %}
        max(case when replicate = 0 then {{ measure }} end) as {{ measure }},
        {{ percentile('case when replicate > 0 then ' ~ measure ~ ' end', low) }}
            as {{ measure }}_low,
        {{ percentile('case when replicate > 0 then ' ~ measure ~ ' end', high) }}
            as {{ measure }}_high,
        {% endfor %}
        max(case when replicate = 0 then sessions end) as sessions,
        max(case when replicate = 0 then other_sessions end) as other_sessions
    from pairs
    group by agent, other_agent, metric

),

unioned as (

    select
        'cell' as comparison,
        cells.repository,
        cells.task_size,
        cells.developer_id,
        cells.agent,
        cast(null as varchar) as other_agent,
        cells.metric,
        cells.sessions,
        cast(null as bigint) as other_sessions,
        cast(cells.numerator as double) / nullif(cast(cells.denominator as double), 0) as value,
        cell_intervals.value_low,
        cell_intervals.value_high,
        {% for measure in ['other_value', 'difference'] %}
        cast(null as double) as {{ measure }},
        cast(null as double) as {{ measure }}_low,
        cast(null as double) as {{ measure }}_high,
        {% endfor %}
        cells.sessions >= {{ enough_sessions() }} and cells.denominator <> 0 as is_enough
    from cells
    left join cell_intervals on cells.cell_key = cell_intervals.cell_key
    union all
    select
        'matched' as comparison,
        cast(null as varchar) as repository,
        cast(null as varchar) as task_size,
        cast(null as varchar) as developer_id,
        agent,
        other_agent,
        metric,
        sessions,
        other_sessions,
        value,
        value_low,
        value_high,
        other_value,
        other_value_low,
        other_value_high,
        difference,
        difference_low,
        difference_high,
        sessions >= {{ enough_sessions() }}
        and other_sessions >= {{ enough_sessions() }}
        and difference is not null as is_enough
    from pair_values

),

-- A side without any spread is not known to the last digit.
margins as (

    select
        *,
        {{ unseen_share('value', 'sessions', 'value') }} as below,
        {{ unseen_share('value', 'sessions', '1 - value') }} as above,
        {{ unseen_share('other_value', 'other_sessions', 'other_value') }} as other_below,
        {{ unseen_share('other_value', 'other_sessions', '1 - other_value') }} as other_above
    from unioned

),

widened as (

    select
        comparison,
        repository,
        task_size,
        developer_id,
        agent,
        other_agent,
        metric,
        sessions,
        other_sessions,
        value,
        value_low - below as value_low,
        value_high + above as value_high,
        other_value,
        other_value_low - other_below as other_value_low,
        other_value_high + other_above as other_value_high,
        difference,
        difference_low - below - other_above as difference_low,
        difference_high + above + other_below as difference_high,
        is_enough
    from margins

),

final as (

    select
        comparison || '|' || coalesce(repository, '') || '|' || coalesce(task_size, '') || '|'
        || coalesce(developer_id, '') || '|' || agent || '|' || coalesce(other_agent, '') || '|'
        || metric as comparison_key,
        comparison,
        repository,
        task_size,
        developer_id,
        agent,
        other_agent,
        metric,
        case
            when not is_enough then 'not_enough_data'
            when difference_low > 0 then 'higher'
            when difference_high < 0 then 'lower'
            when comparison = 'matched' then 'no_clear_difference'
        end as verdict,
        cast(sessions as bigint) as sessions,
        cast(other_sessions as bigint) as other_sessions,
        {% for measure in ['value', 'other_value', 'difference'] %}
        {{ measure }},
        case when is_enough then {{ measure }}_low end as {{ measure }}_low,
        case when is_enough then {{ measure }}_high end as {{ measure }}_high,
        {% endfor %}
        is_enough
    from widened

)

select * from final
