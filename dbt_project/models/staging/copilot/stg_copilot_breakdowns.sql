-- GitHub cuts a day four ways, which cannot be combined; its own sums are not among them.
{% set counts = {
    'suggestions': ['code_generation_activity_count', 'count'],
    'acceptances': ['code_acceptance_activity_count', 'count'],
    'lines_suggested': ['loc_suggested_to_add_sum', 'count'],
    'lines_added': ['loc_added_sum', 'count'],
    'lines_removed': ['loc_deleted_sum', 'count'],
} %}
{% set cuts = {
    'feature': ['payload', 'totals_by_feature', counts],
    'editor': ['payload', 'totals_by_ide', counts],
    'model': ['payload', 'totals_by_model_feature', counts],
    'language': ['language_breakdown', none, {
        'suggestions': ['suggestions', 'count'],
        'acceptances': ['acceptances', 'count'],
        'lines_suggested': ['lines_suggested', 'count'],
        'lines_added': ['lines_accepted', 'count'],
        'lines_removed': ['lines_removed', 'count'],
    }],
} %}
{% set keys = {'feature': 'feature', 'editor': 'ide', 'model': 'model', 'language': 'language'} %}

with

metrics as (

    select * from {{ source('raw', 'raw_copilot_metrics') }}

),

ranked as (

    select
        {{ hashed(['date', 'developer_id']) }} as copilot_day_key,
        payload,
        language_breakdown,
        row_number() over (
            partition by date, developer_id order by created_at desc, cast(payload as varchar) asc
        ) as newest_first
    from metrics

),

{% for cut, (column, key, fields) in cuts.items() %}
{% set names = {'name': [keys[cut], 'varchar'], 'feature': ['feature', 'varchar']} %}
{% do names.update(fields) %}
{{ cut }}_items as (

    select
        copilot_day_key,
        {{ json_items(column, key, names.values() | map('first') | unique) }} as item
    from ranked
    where newest_first = 1

),

{{ cut }}_rows as (

    select
        copilot_day_key,
        {{ json_columns('item', names) }}
        '{{ cut }}' as breakdown
    from {{ cut }}_items

),

{% endfor %}
unioned as (

    {% for cut in cuts %}
    select * from {{ cut }}_rows
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- One row per name; what an agent wrote into files is no suggestion that somebody could accept.
summed as (

    select
        copilot_day_key,
        breakdown,
        coalesce(name, 'unknown') as name,
        {% for count in counts %}
        {{ sum_bigint(count) }} as {{ count }},
        {% endfor %}
        coalesce(feature = 'agent_edit', false) as is_agent_edit
    from unioned
    group by copilot_day_key, breakdown, coalesce(name, 'unknown'), is_agent_edit

)

select * from summed
