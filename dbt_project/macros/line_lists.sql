{#-
    Lists of line hashes: one row per hash and row of `relation`, `keys` kept, with how often the
    lists have it (`added`, `removed`). For `from`.
-#}
{% macro counted_lines(relation, keys) -%}
    {{ adapter.dispatch('counted_lines')(relation, keys) }}
{%- endmacro %}

{% macro duckdb__counted_lines(relation, keys) -%}
    (
        select
            {{ keys | join(', ') }},
            line_hash,
            cast(sum(added) as bigint) as added,
            cast(sum(removed) as bigint) as removed
        from (
            select
                {{ keys | join(', ') }},
                unnest(added_line_hashes) as line_hash,
                1 as added,
                0 as removed
            from {{ relation }}
            union all
            select
                {{ keys | join(', ') }},
                unnest(removed_line_hashes) as line_hash,
                0 as added,
                1 as removed
            from {{ relation }}
        )
        group by {{ keys | join(', ') }}, line_hash
    )
{%- endmacro %}


{#- A text of hashes with spaces between them as a list; NULL and '' are an empty one. -#}
{% macro hash_list(text) -%}
    {{ adapter.dispatch('hash_list')(text) }}
{%- endmacro %}

{% macro duckdb__hash_list(text) -%}
    list_filter(string_split(coalesce({{ text }}, ''), ' '), hash -> hash <> '')
{%- endmacro %}


{#- The lines of a text as a list; of NULL one that is empty. -#}
{% macro text_lines(text) -%}
    {{ adapter.dispatch('text_lines')(text) }}
{%- endmacro %}

{% macro duckdb__text_lines(text) -%}
    string_split(coalesce({{ text }}, ''), chr(10))
{%- endmacro %}


{#- Whether a path as an agent told it (absolute, or relative to some folder) ends in `path`. -#}
{% macro is_same_file(told, path) -%}
    (
                    {{ told }} = {{ path }}
                    or right({{ told }}, length({{ path }}) + 1) = '/' || {{ path }}
                )
{%- endmacro %}


{#- Of a single list: one row for each time that it has a hash. For `from`. -#}
{% macro listed_hashes(relation, keys, hashes) -%}
    {{ adapter.dispatch('listed_hashes')(relation, keys, hashes) }}
{%- endmacro %}

{% macro duckdb__listed_hashes(relation, keys, hashes) -%}
    (
        select
            {{ keys | join(', ') }},
            unnest({{ hashes }}) as line_hash
        from {{ relation }}
    )
{%- endmacro %}


{#- The weight of a line that stands in so many files. -#}
{% macro line_weight(files) -%}
    case when {{ files }} < 100 then 1.0 / {{ files }} when {{ files }} >= 100 then 0.0 end
{%- endmacro %}
