{#-
    Every value of a column is in another model: `columns` maps a column to [ref, its column]. One
    query for all of them, because each test costs a dbt run some 30 ms.
-#}
{% test references(model, columns) %}

{% for column, target in columns.items() %}
select
    '{{ column }}' as column_name,
    cast(children.{{ column }} as varchar) as missing
from {{ model }} as children
left join {{ target[0] }} as parents on children.{{ column }} = parents.{{ target[1] }}
where children.{{ column }} is not null and parents.{{ target[1] }} is null
{{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
