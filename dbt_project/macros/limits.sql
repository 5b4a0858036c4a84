{#- The hour of UTC that a moment falls into, by its first moment. -#}
{% macro utc_hour(moment) -%}
    {{ adapter.dispatch('utc_hour')(moment) }}
{%- endmacro %}

{% macro duckdb__utc_hour(moment) -%}
    to_timestamp(floor(epoch({{ moment }}) / 3600) * 3600)
{%- endmacro %}


{#- Seconds from one moment to another, with fractions. -#}
{% macro seconds_between(begin, end) -%}
    {{ adapter.dispatch('seconds_between')(begin, end) }}
{%- endmacro %}

{% macro duckdb__seconds_between(begin, end) -%}
    (epoch({{ end }}) - epoch({{ begin }}))
{%- endmacro %}
