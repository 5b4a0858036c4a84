{#- Stop with a sentence a person can act on, not with 40 models that miss their sources. -#}
{% macro require_raw_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test') -%}
        {%- set missing = [] -%}
        {%- for source in graph.sources.values() -%}
            {%- if not adapter.get_relation(source.database, source.schema, source.identifier) -%}
                {%- do missing.append(source.identifier) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                target.path ~ ' has no ' ~ (missing | sort | join(', '))
                ~ '. Run `agent-analytics up --once` first: it creates the raw tables.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#-
    One row in main.dbt_runs per run or build, also a failed one; a running `up` publishes it. Not
    of `--empty`, which leaves marts without rows.
-#}
{% macro record_run() -%}
    {%- if execute and flags.WHICH in ('build', 'run') and not flags.EMPTY -%}
        {%- set models = results | selectattr('node.resource_type', 'equalto', 'model') | list -%}
        {%- set errors = results | selectattr('status', 'in', ['error', 'fail', 'runtime error']) | list -%}
        insert into {{ source('raw', 'dbt_runs') }}
            (run_id, started_at, finished_at, status, models, errors, published_at, has_read_raw)
        values (
            '{{ invocation_id }}',
            cast('{{ run_started_at.isoformat() }}' as {{ type_timestamp_utc() }}),
            {{ now_utc() }},
            '{{ "error" if errors else "success" }}',
            {{ models | length }},
            {{ errors | length }},
            null,
            {{ has_read_raw(models | map(attribute='node.unique_id') | list) }}
        )
    {%- endif -%}
{%- endmacro %}
