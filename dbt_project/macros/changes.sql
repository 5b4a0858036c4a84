{#-
    What is made anew when records come: whole units, each a session or, of records that name none,
    what else holds them together. How they hang together is in `stg_changed_units`.
-#}

{#- The unit of a typed record. `kind` is the end of its staging model's name. -#}
{% macro unit_of(agent, kind) -%}
    {%- if kind == 'session_records' -%}
        session_id
    {%- elif kind == 'metric_points' -%}
        coalesce(session_id, 'run:' || {{ counter_run() }})
    {%- elif agent == 'claude_code' -%}
        coalesce(session_id, 'prompt:' || prompt_id, 'event:' || cast(id as varchar))
    {%- elif kind == 'spans' -%}
        coalesce(session_id, 'trace:' || trace_id, 'none:{{ agent }}')
    {%- else -%}
        coalesce(session_id, 'none:{{ agent }}')
    {%- endif -%}
{%- endmacro %}


{#-
    Of each staging model of typed records: (agent, kind, ties, sessions named, moment). A tie is SQL
    of a text that records of several units share when one fact is made of them; `sessions` are
    columns that name the session which a record was copied from.
-#}
{% macro typed_records() -%}
    {%- set asked = "case when kind = 'prompt' then coalesce(nullif(prompt_id, ''), nullif(message_uuid, '')) end" -%}
    {%- set edited = "case when kind = 'edit' then tool_use_id end" -%}
    {{ return([
        ('claude_code', 'events', {
            'request': 'request_id', 'call': 'tool_use_id',
            'prompt': "coalesce(nullif(prompt_id, ''), message_uuid)",
        }, [], 'occurred_at'),
        ('claude_code', 'session_records', {
            'request': 'request_id', 'call': 'tool_use_id', 'prompt': asked,
            'message': "case when kind = 'request' then coalesce(nullif(message_id, ''), message_uuid)"
                ~ " || '|' || cast(occurred_at as varchar) end",
        }, ['forked_from'], 'occurred_at'),
        ('claude_code', 'metric_points', {}, [], 'measured_at'),
        ('codex', 'events', {'call': 'call_id'}, [], 'occurred_at'),
        ('codex', 'session_records', {
            'call': 'tool_use_id', 'turn': 'turn_id',
            'prompt': "case when kind = 'prompt' then message_uuid end",
            'unnamed': "case when kind = 'prompt' then prompt_id end",
        }, ['forked_from', 'thread_id'], 'occurred_at'),
        ('gemini_cli', 'events', {}, [], 'occurred_at'),
        ('gemini_cli', 'session_records', {
            'request': "case when kind = 'request' then request_id end",
            'prompt': "case when kind = 'prompt' then prompt_id end", 'call': edited,
        }, ['forked_from'], 'occurred_at'),
        ('gemini_cli', 'metric_points', {}, [], 'measured_at'),
        ('copilot_cli', 'spans', {
            'trace': 'trace_id',
            'call': "case when session_id is null then call_id end",
            'prompt': "case when session_id is null then interaction_id end",
        }, [], 'ended_at'),
        ('copilot_cli', 'session_records', {'call': edited},
            ['forked_from', 'source_session_id'], 'occurred_at'),
        ('cursor', 'session_records', {'call': edited}, [], 'occurred_at'),
    ]) }}
{%- endmacro %}


{#- The whole of a model: those of a staging model's rows that are of changed units. -#}
{% macro changed_records(records, unit='session_id') -%}
with

records as (

    select * from {{ ref(records) }}
    where {{ rows_where(ref(records),
        unit ~ ' in (select changed.unit from ' ~ ref('stg_changed_units') ~ ' as changed)'
    ) }}

)

select * from records
{%- endmacro %}


{#-
    For `where` over a table of which few rows are wanted: DuckDB finds them by the columns of the
    condition alone and reads of the others only the parts of the table where they are.
-#}
{% macro rows_where(relation, condition) -%}
    {{ adapter.dispatch('rows_where')(relation, condition) }}
{%- endmacro %}

{% macro default__rows_where(relation, condition) -%}
    {{ condition }}
{%- endmacro %}

{% macro duckdb__rows_where(relation, condition) -%}
    rowid in (select rowid from {{ relation }} where {{ condition }})
{%- endmacro %}


{#- For `where` in a model that is made by session: its rows are in what changed. -#}
{% macro changed(session_id='session_id') -%}
    {%- if is_by_session_run() -%}
        ({{ session_id }} is null or {{ in_changed_units(session_id) }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#- The same where only the key of the session is at hand, which is not NULL. -#}
{% macro changed_key(session_key='session_key') -%}
    {%- if is_by_session_run() -%}
        {{ in_changed_units(session_of_key(session_key)) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#- A unit test has no relation of its own, and is of the whole model. -#}
{% macro is_by_session_run() -%}
    {{ return(this is not none and is_incremental()) }}
{%- endmacro %}


{#- The session's id in its key, behind the agent. -#}
{% macro session_of_key(session_key) -%}
    {{ adapter.dispatch('session_of_key')(session_key) }}
{%- endmacro %}

{% macro duckdb__session_of_key(session_key) -%}
    substr({{ session_key }}, instr({{ session_key }}, ':') + 1)
{%- endmacro %}


{% macro in_changed_units(unit) -%}
    {{ unit }} in (select changed.unit from {{ staging_relation('stg_changed_units') }} as changed)
{%- endmacro %}


{#-
    Not a `ref`: by what these models are made of they come behind it anyway, and their unit tests
    would have to name it.
-#}
{% macro staging_relation(name) -%}
    {{ return(made_relation('staging', name)) }}
{%- endmacro %}

{% macro made_relation(layer, name) -%}
    {{ return(api.Relation.create(
        database=target.database, schema=generate_schema_name(layer, none), identifier=name
    )) }}
{%- endmacro %}


{#-
    Incremental strategy: the rows of all changed sessions go and those made anew come. Rows without
    a session go by their `unique_key`, and where there is none all of them.
-#}
{% macro get_incremental_by_session_sql(arguments) -%}
    {%- set target = arguments['target_relation'] -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='name') | list -%}
    {%- set key = arguments['unique_key'] -%}
    {%- if 'session_id' in columns %}
    delete from {{ target }}
    where {{ in_changed_units('session_id') }}{{ ' or session_id is null' if not key }};
    {%- elif 'session_key' in columns %}
    delete from {{ target }} where {{ in_changed_units(session_of_key('session_key')) }};
    {%- endif %}
    {%- if key %}
    delete from {{ target }}
    where {{ key }} in (select anew.{{ key }} from {{ arguments['temp_relation'] }} as anew);
    {%- endif %}
    insert into {{ target }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from {{ arguments['temp_relation'] }}
{%- endmacro %}


{#- Incremental strategy of what a run makes anew: what is made goes, what is not stays. -#}
{% macro get_incremental_unmade_sql(arguments) -%}
    delete from {{ arguments['target_relation'] }} where is_made;
    insert into {{ arguments['target_relation'] }}
    select * from {{ arguments['temp_relation'] }}
{%- endmacro %}


{#-
    Before a model by session: where it is made from the ground up, alone or with all others,
    everything is what changed.
-#}
{% macro change_all_if_new() -%}
    {%- if execute and not is_incremental() -%}
    insert into {{ staging_relation('stg_changed_units') }}
    select distinct unit, cast(null as bigint), cast(null as varchar), {{ now_utc() }}, false
    from {{ staging_relation('stg_unit_ties') }}
    where unit not in (
        select changed.unit from {{ staging_relation('stg_changed_units') }} as changed
        where changed.unit is not null
    )
    {%- else -%}
    select 1
    {%- endif -%}
{%- endmacro %}


{#- After a run: the changes are made if every model by session and by commit is. -#}
{% macro settle_changes() -%}
    {%- if execute and flags.WHICH in ('build', 'run') and not flags.EMPTY -%}
        {%- set made = results | selectattr('status', 'equalto', 'success')
            | map(attribute='node.unique_id') | list -%}
        {%- set unmade = [] -%}
        {%- set pending = [] -%}
        {%- for node in graph.nodes.values() -%}
            {%- if node.config.incremental_strategy in [
                'by_session', 'by_commit', 'by_match', 'by_telling'
            ] and node.unique_id not in made -%}
                {%- do unmade.append(node.name) -%}
            {%- elif node.config.incremental_strategy in ['unmade', 'reweighed'] -%}
                {%- do pending.append(made_relation(node.fqn[1], node.name)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not unmade -%}
        {%- for relation in pending if load_relation(relation) %}
        update {{ relation }} set is_made = true where not is_made;
        {% endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- A text as a number of 64 bits: where two share one, more is made anew than must be. -#}
{% macro short_hash(text) -%}
    {{ adapter.dispatch('short_hash')(text) }}
{%- endmacro %}

{% macro duckdb__short_hash(text) -%}
    hash({{ text }})
{%- endmacro %}


{#- Of all rows of a relation in any order, something that is another when one of them is. -#}
{% macro fingerprint(relation) -%}
    {{ adapter.dispatch('fingerprint')(relation) }}
{%- endmacro %}

{% macro duckdb__fingerprint(relation) -%}
    (select count(*) || ':' || coalesce(sum(hash(contents)), 0) from {{ relation }} as contents)
{%- endmacro %}
