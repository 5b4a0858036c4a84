{#-
    A record that was sent without a developer's name has the agent's own id for him, marked as one
    (`user.id:…`, `installation.id:…`). A name is better than a mark, whatever came first.
-#}

{#- For `order by`: copies of one record by who sent them, so that nothing hangs on scan order. -#}
{% macro named_developer_first() -%}
    case when developer_id not like '%.id:%' then 0 else 1 end asc,
                developer_id asc nulls last
{%- endmacro %}


{#- The one developer of a group of rows. -#}
{% macro named_developer() -%}
    coalesce(
            min(case when developer_id not like '%.id:%' then developer_id end), min(developer_id)
        )
{%- endmacro %}


{#-
    Who a record counts for: where it names nobody, the only developer that its session names.
    `stg_agent_sessions` is joined as `sessions`.
-#}
{% macro developer_of(records) -%}
    case
            when {{ records }}.developer_id not like '%.id:%' then {{ records }}.developer_id
            else coalesce(sessions.named_developer_id, {{ records }}.developer_id)
        end
{%- endmacro %}
