{#-
    Cache writes by lifetime, from what Claude Code calls cache creation. 2.1.197 does not split
    them: they count as five-minute ones.
-#}
{% macro cache_writes() -%}
    coalesce(
            cache_creation_5m_tokens,
            case
                when cache_creation_tokens > coalesce(cache_creation_1h_tokens, 0)
                    then cache_creation_tokens - coalesce(cache_creation_1h_tokens, 0)
                when cache_creation_tokens is not null then 0
            end
        ) as cache_write_5m_tokens,
        coalesce(
            cache_creation_1h_tokens,
            case when cache_creation_tokens is not null then 0 end
        ) as cache_write_1h_tokens
{%- endmacro %}
