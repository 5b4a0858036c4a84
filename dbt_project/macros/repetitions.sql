{#-
    What makes records the same and which of them counts; never the order in which they came.
-#}

{#- An event's own id, else a hash of where and when it was and of `more` columns. -#}
{% macro record_id(id, more=[]) -%}
    coalesce(nullif({{ id }}, ''), md5(
            coalesce(session_id, prompt_id, '')
            || '|' || cast(occurred_at as varchar)
            {%- for column in ['event_sequence'] + more %}
            || '|' || coalesce(cast({{ column }} as varchar), '')
            {%- endfor %}
        ))
{%- endmacro %}


{#-
    1 for the event that counts of those with one `key`: the `better` one, then the earliest, then
    the record itself decides.
-#}
{% macro best_first(key, better=[]) -%}
    row_number() over (
            partition by {{ key }}
            order by
                {%- for column in better %}
                {{ column }} desc nulls last,
                {%- endfor %}
                occurred_at asc,
                session_id asc nulls last,
                {{ named_developer_first() }},
                record_hash asc
        )
{%- endmacro %}


{#-
    The session that first made what the session files tell under one `key`. A fork's file repeats
    what was before it under the fork's own id (`--fork-session`, 2.1.330): so not one that says it
    was copied, then the earliest; of equal copies the one of the session that ended first, because
    a fork goes on where the other stopped. Where only copies are left, they say whose they are.
    `session_ended_at` is the time of the session's last such record.
-#}
{% macro first_session(key) -%}
    first_value(coalesce(nullif(forked_from, ''), session_id)) over (
            partition by {{ key }}
            order by
                case when coalesce(forked_from, '') = '' then 0 else 1 end asc,
                occurred_at asc,
                session_ended_at asc,
                session_id asc
        )
{%- endmacro %}


{#-
    The answer that a line of a Claude Code session file is of: its request id. A sidechain repeats
    its parent's answers under request ids of its own (`/btw`), and a line may lack the id that
    another line of its message has. Gateways without request ids give message ids again: copies of
    an answer keep its time, other answers have another. A line without any id is one by itself.
-#}
{% macro answer_id() -%}
    {%- set message = "coalesce(nullif(message_id, ''), nullif(message_uuid, ''), "
        ~ "cast(record_key as varchar))" -%}
    {%- set lines = "over (partition by session_id, " ~ message ~ ")" -%}
    coalesce(
            case
                when is_sidechain
                    then max(case when is_sidechain then null else nullif(request_id, '') end)
                        {{ lines }}
            end,
            nullif(request_id, ''),
            max(nullif(request_id, '')) {{ lines }},
            {{ hashed([message, "min(occurred_at) " ~ lines]) }}
        )
{%- endmacro %}


{#-
    Where a fact was seen, of two joined relations by the key that only those have who saw it;
    `word` is what the first is.
-#}
{% macro seen_in(event_key, file_key, word='event') -%}
    case
            when {{ file_key }} is null then '{{ word }}'
            when {{ event_key }} is null then 'session_file'
            else '{{ word }}+session_file'
        end
{%- endmacro %}
