{#-
    `https://host/owner/name` of a git remote: no credentials, no `.git`, ssh forms rewritten.
    What is no remote (an absolute path) stays as it is; the empty string is NULL.
-#}
{% macro normalized_repository(url) -%}
    {%- set sql = 'trim(' ~ url ~ ')' -%}
    {%- set sql = regex_replace(sql, '^(ssh|git|http|https)://([^@/]*@)?', 'https://') -%}
    {%- set sql = regex_replace(sql, '^[^@/:]+@([^:/]+):', 'https://\\1/') -%}
    {%- set sql = regex_replace(sql, '(\\.git)?/*$') -%}
    nullif({{ sql }}, '')
{%- endmacro %}


{#- An unknown repository may be any. -#}
{% macro may_be_same_repository(one, other) -%}
    (
                {{ one }}.repository = {{ other }}.repository
                or {{ one }}.repository is null
                or {{ other }}.repository is null
            )
{%- endmacro %}
