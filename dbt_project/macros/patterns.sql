{#- Texts that people write by a pattern: tickets, pull requests. -#}

{#- What a ticket looks like unless `git.ticket_pattern` says otherwise. -#}
{% macro default_ticket_pattern() -%}
    [A-Z][A-Z0-9]+-[0-9]+
{%- endmacro %}


{#- What looks like one and never is: UTF-8, SHA-256, ISO-8601 … -#}
{% macro no_tickets() -%}
    ^(AES|CVE|CWE|ECMA|GPT|HTTP|IEEE|IPV|ISO|MD|PEP|RFC|SHA|TLS|UCS|UTF|WCAG)[0-9]*-
{%- endmacro %}


{#- The first match of `pattern`, an SQL expression, that does not match `except`; NULL for none. -#}
{% macro first_match(value, pattern, except=none) -%}
    {{ adapter.dispatch('first_match')(value, pattern, except) }}
{%- endmacro %}

{% macro duckdb__first_match(value, pattern, except) -%}
    {%- set found = 'regexp_extract_all(' ~ value ~ ', ' ~ pattern ~ ')' -%}
    {%- if except is not none -%}
        {%- set found = 'list_filter(' ~ found ~ ", match -> not regexp_matches(match, '"
            ~ except ~ "'))" -%}
    {%- endif -%}
    nullif({{ found }}[1], '')
{%- endmacro %}


{#- What the first group of `pattern` matches; NULL where nothing does. -#}
{% macro first_group(value, pattern) -%}
    {{ adapter.dispatch('first_group')(value, pattern) }}
{%- endmacro %}

{% macro duckdb__first_group(value, pattern) -%}
    nullif(regexp_extract({{ value }}, '{{ pattern }}', 1), '')
{%- endmacro %}


{#- The first line of a text. -#}
{% macro first_line(value) -%}
    split_part({{ value }}, chr(10), 1)
{%- endmacro %}
