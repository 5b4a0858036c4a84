{#- All measures of a fact of usage: those in `values` (name: SQL), none of the others. -#}
{% macro usage_measures(values) -%}
    {%- for name in [
        'requests', 'prompts', 'tool_calls', 'edits_accepted', 'edits_rejected', 'lines_added',
        'lines_removed', 'unpriced_requests',
    ] -%}
        {{ values.get(name, 0) }} as {{ name }},
        {% endfor -%}
    {%- for name in [
        'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
        'output_tokens', 'reasoning_tokens',
    ] -%}
        {{ values.get(name, 'cast(null as bigint)') }} as {{ name }},
        {% endfor -%}
    {{ values.get('active_seconds', 'cast(0 as decimal(18, 3))') }} as active_seconds,
        {{ values.get('cost_usd', 'cast(null as decimal(18, 9))') }} as cost_usd
{%- endmacro %}
