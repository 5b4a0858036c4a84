-- What agents wrote into files (feature agent_edit) has lines and never an acceptance: it is
-- counted apart, or acceptance rates would fall with every line of it.
{% set measures = ['acceptances', 'lines_suggested', 'suggestions', 'lines_accepted'] %}

with

metrics as (

    select * from {{ ref('stg_copilot_metrics') }}

),

breakdowns as (

    select
        *,
        lines_added as lines_accepted
    from {{ ref('stg_copilot_breakdowns') }}

),

identities as (

    select * from {{ ref('stg_developer_identities') }}

),

by_name as (

    select
        copilot_day_key,
        breakdown,
        name,
        {% for measure in measures %}
        sum(case when not is_agent_edit then {{ measure }} end) as {{ measure }},
        {% endfor %}
        sum(case when is_agent_edit then suggestions end) as agent_suggestions,
        sum(case when is_agent_edit then lines_added end) as agent_lines_added,
        sum(case when is_agent_edit then lines_removed end) as agent_lines_removed,
        count(*) over (partition by copilot_day_key, breakdown) as names
    from breakdowns
    group by copilot_day_key, breakdown, name

),

by_feature as (

    select
        copilot_day_key,
        {% for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {% endfor %}
        sum(agent_suggestions) as agent_suggestions,
        sum(agent_lines_added) as agent_lines_added,
        sum(agent_lines_removed) as agent_lines_removed
    from by_name
    where breakdown = 'feature'
    group by copilot_day_key

),

totals as (

    select
        metrics.copilot_day_key,
        'total' as breakdown,
        {% for measure in measures %}
        case
            when by_feature.copilot_day_key is not null then by_feature.{{ measure }}
            else metrics.{{ measure }}
        end as {{ measure }},
        {% endfor %}
        by_feature.agent_lines_added,
        by_feature.agent_lines_removed,
        cast(null as varchar) as name
    from metrics
    left join by_feature on metrics.copilot_day_key = by_feature.copilot_day_key

),

-- Editors are not split by feature: an agent's edits can be taken out of the only one, else nobody
-- knows which they were made in.
split as (

    select
        by_name.copilot_day_key,
        by_name.breakdown,
        by_name.acceptances,
        by_name.lines_suggested,
        {% for measure, agent_measure in [
            ('suggestions', 'agent_suggestions'), ('lines_accepted', 'agent_lines_added')
        ] %}
        case
            when by_name.breakdown <> 'editor' or coalesce(by_feature.{{ agent_measure }}, 0) = 0
                then by_name.{{ measure }}
            when by_name.names = 1 and by_name.{{ measure }} >= by_feature.{{ agent_measure }}
                then by_name.{{ measure }} - by_feature.{{ agent_measure }}
        end as {{ measure }},
        {% endfor %}
        {% for measure in ['agent_lines_added', 'agent_lines_removed'] %}
        case
            when by_name.breakdown <> 'editor' then by_name.{{ measure }}
            when by_name.names = 1 then by_feature.{{ measure }}
        end as {{ measure }},
        {% endfor %}
        by_name.name
    from by_name
    left join by_feature on by_name.copilot_day_key = by_feature.copilot_day_key

),

unioned as (

    select * from totals
    union all
    select * from split

),

-- Credits and users are told of the whole day alone.
final as (

    select
        {{ hashed(['unioned.copilot_day_key', 'unioned.breakdown', 'unioned.name']) }}
            as copilot_daily_key,
        coalesce(identities.developer_id, metrics.developer_id) as developer_id,
        metrics.organisation,
        unioned.breakdown,
        {% for breakdown in ['feature', 'language', 'editor', 'model'] %}
        case when unioned.breakdown = '{{ breakdown }}' then unioned.name end as {{ breakdown }},
        {% endfor %}
        {% for measure in [
            'suggestions', 'acceptances', 'lines_suggested', 'lines_accepted', 'agent_lines_added',
            'agent_lines_removed',
        ] %}
        cast(unioned.{{ measure }} as bigint) as {{ measure }},
        {% endfor %}
        case when unioned.breakdown = 'total' then metrics.active_users end as active_users,
        case when unioned.breakdown = 'total' then metrics.ai_credits end as ai_credits,
        metrics.is_organisation,
        metrics.usage_date,
        {{ utc_midnight('metrics.usage_date') }} as day_began_at
    from unioned
    inner join metrics on unioned.copilot_day_key = metrics.copilot_day_key
    left join identities on lower(metrics.developer_id) = identities.identity

)

select * from final
