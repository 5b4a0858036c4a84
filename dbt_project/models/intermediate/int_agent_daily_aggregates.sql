{% set grain = ['usage_date', 'developer_id', 'agent', 'model', 'project_id'] | join(', ') %}
{% set tokens = [
    'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
    'output_tokens', 'reasoning_tokens',
] %}

with

facts as (

    select * from {{ ref('int_usage_facts') }}

),

aggregated as (

    select
        {{ grain }},
        count(distinct session_key) as sessions,
        {{ sum_bigint('requests') }} as requests,
        {{ sum_bigint('prompts') }} as prompts,
        {% for class in tokens %}
        {{ sum_bigint(class) }} as {{ class }},
        {% endfor %}
        {{ sum_bigint('tool_calls') }} as tool_calls,
        {{ sum_bigint('edits_accepted') }} as edits_accepted,
        {{ sum_bigint('edits_rejected') }} as edits_rejected,
        {{ sum_bigint('lines_added') }} as lines_added,
        {{ sum_bigint('lines_removed') }} as lines_removed,
        {{ sum_bigint('unpriced_requests') }} as unpriced_requests,
        cast(sum(active_seconds) as decimal(18, 3)) as active_seconds,
        {{ usd('sum(cost_usd)') }} as cost_usd
    from facts
    group by {{ grain }}

)

select * from aggregated
