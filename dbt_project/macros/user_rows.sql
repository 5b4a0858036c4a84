{#-
    CTE `from_user`: the rows of one of the user's CSV files, by `fields` (see `json_fields`), each
    with the moment from which it counts, `changed_at`.
-#}
{% macro user_rows(kind, fields) -%}
overrides as (

    select
        changed_at,
        {{ json_fields('"row"', fields) }} as parsed
    from {{ source('raw', 'raw_user_overrides') }}
    where kind = '{{ kind }}'

),

from_user as (

    select
        {{ json_columns('parsed', fields) }}
        changed_at
    from overrides

)
{%- endmacro %}
