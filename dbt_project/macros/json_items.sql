{#-
    For a select list: one row per object of the array under `key` of a JSON column (or of the column
    itself where key is none), each with `names` as texts, for `json_columns`. No array is no row.
-#}
{% macro json_items(column, key, names) -%}
    {{ adapter.dispatch('json_items')(column, key, names) }}
{%- endmacro %}

{% macro duckdb__json_items(column, key, names) -%}
    {%- set shape = {} -%}
    {%- for name in names -%}
        {%- do shape.update({name: 'VARCHAR'}) -%}
    {%- endfor -%}
    {%- if key -%}
        unnest(json_transform({{ column }}, '{{ tojson({key: [shape]}) }}')."{{ key }}")
    {%- else -%}
        unnest(json_transform({{ column }}, '{{ tojson([shape]) }}'))
    {%- endif -%}
{%- endmacro %}
