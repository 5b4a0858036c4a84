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


{#-
    What surrounds a record: the settings, its session, its developer's identity. For `from`, after
    a relation with agent, session_id, developer_id and, for `project_of`, repository.
-#}
{% macro with_context(records) -%}
    cross join {{ ref('stg_settings') }} as settings
    left join {{ ref('stg_agent_sessions') }} as sessions
        on {{ records }}.agent = sessions.agent and {{ records }}.session_id = sessions.session_id
    left join {{ ref('stg_developer_identities') }} as identities
        on lower({{ developer_of(records) }}) = identities.identity
{%- endmacro %}


{#- The developer by all his names; after `with_context`. -#}
{% macro identified_developer(records) -%}
    coalesce(identities.developer_id, {{ developer_of(records) }})
{%- endmacro %}


{#- The configured project, else the repository, else the folder; after `with_context`. -#}
{% macro project_of(records) -%}
    coalesce(
            settings.project_id,
            {{ records }}.repository,
            sessions.repository,
            sessions.project_path
        )
{%- endmacro %}
