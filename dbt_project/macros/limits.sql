{#- The hour of UTC that a moment falls into, by its first moment. -#}
{% macro utc_hour(moment) -%}
    {{ adapter.dispatch('utc_hour')(moment) }}
{%- endmacro %}

{% macro duckdb__utc_hour(moment) -%}
    to_timestamp(floor(epoch({{ moment }}) / 3600) * 3600)
{%- endmacro %}
