{#-
    Facts outlive their raw rows. When raw rows become too old, the collector moves what a staging
    model made of them into `raw_fact_archive`, a JSON object per row, in one transaction. A full
    refresh of the model reads them from there; a run that only adds has them already.
-#}

{#-
    The end of a staging model that reads raw rows which retention takes: all of `rows`, and what is
    archived under the model's name. `own` are its columns besides those of `fields`, which is as
    `json_fields` takes it.
-#}
{% macro with_archive(rows, kind, own, fields={}) -%}
    {%- set columns = {} -%}
    {%- for name, field in fields.items() -%}
        {%- do columns.update({name: [name, field[1]]}) -%}
    {%- endfor -%}
    {%- for name in own -%}
        {%- do columns.update({name: [name, archived_types().get(name, 'varchar')]}) -%}
    {%- endfor -%}
select * from {{ rows }}
    {%- if not is_incremental() %}
union all by name
select
    {% for name, field in columns.items() -%}
    {% if field[1] == 'digest' -%}
    {{ digest_of_text(json_field('parsed', name, 'varchar')) }}
    {%- else -%}
    {{ json_field('parsed', name, field[1]) }}
    {%- endif %} as {{ name }}{{ ',' if not loop.last }}
    {% endfor -%}
from (
    select {{ json_fields('fact', columns) }} as parsed
    from {{ source('raw', 'raw_fact_archive') }}
    where kind = '{{ kind }}'
) as archived
    {%- endif %}
{%- endmacro %}


{#- Of columns that models of typed records have in common, the types of those that are no text. -#}
{% macro archived_types() -%}
    {{ return({
        'id': 'bigint',
        'batch_id': 'bigint',
        'record_key': 'uuid',
        'record_hash': 'digest',
        'series_key': 'digest',
        'value': 'decimal(38, 9)',
        'part': 'bigint',
        'added_line_hashes': 'varchar[]',
        'removed_line_hashes': 'varchar[]',
        'occurred_at': type_timestamp_utc(),
        'measured_at': type_timestamp_utc(),
        'started_at': type_timestamp_utc(),
        'ended_at': type_timestamp_utc(),
        'edited_at': type_timestamp_utc(),
        'created_at': type_timestamp_utc(),
    }) }}
{%- endmacro %}


{#- The digest that the archive has as 32 hexadecimal digits. -#}
{% macro digest_of_text(text) -%}
    {{ adapter.dispatch('digest_of_text')(text) }}
{%- endmacro %}

{% macro duckdb__digest_of_text(text) -%}
    (
        (cast(try_cast('0x' || left({{ text }}, 16) as ubigint) as uhugeint) << 64)
        + try_cast('0x' || right({{ text }}, 16) as ubigint)
    )
{%- endmacro %}


{#- Whether `made`, the ids of models that a run made, has every model that can read the archive. -#}
{% macro has_read_raw(made) -%}
    {%- set unmade = [] -%}
    {%- for node in graph.nodes.values() -%}
        {%- if
            node.resource_type == 'model'
            and 'source.agent_analytics.raw.raw_fact_archive' in node.depends_on.nodes
            and node.unique_id not in made
        -%}
            {%- do unmade.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(not unmade) }}
{%- endmacro %}
