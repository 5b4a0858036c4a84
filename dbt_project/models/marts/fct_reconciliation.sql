{% set measures = [
    'requests', 'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens',
    'cache_write_1h_tokens', 'output_tokens', 'reasoning_tokens', 'cost_usd',
] %}
{% set columns = ['reconciliation_key', 'agent', 'session_key', 'session_id', 'developer_id',
                  'left_source', 'right_source', 'explanation'] %}
{% for side in ['left', 'right'] %}
{% for measure in measures %}{% do columns.append(side ~ '_' ~ measure) %}{% endfor %}
{% endfor %}
{% do columns.extend(['gap_tokens', 'gap_cost_usd', 'usage_date']) %}

with

sessions as (

    select
        {{ columns | join(',\n        ') }}
    from {{ ref('int_session_reconciliation') }}

),

days as (

    select
        {{ columns | join(',\n        ') }}
    from {{ ref('int_vendor_reconciliation') }}

),

final as (

    select * from sessions
    union all
    select * from days

)

select * from final
