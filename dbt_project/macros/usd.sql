{#-
    What `tokens` of one class cost at `price` USD per million; exact, never through a double.
    No tokens (0 or NULL) cost nothing whatever the price; tokens without a price cost NULL.
    One factor is wider than 18 digits, because DuckDB multiplies narrower ones in 64 bits and
    fails above 999 USD.
-#}
{% macro usd_for_tokens(tokens, price) -%}
    case
        when coalesce({{ tokens }}, 0) = 0 then cast(0 as decimal(38, 15))
        else
            cast({{ tokens }} as decimal(20, 0))
            * cast({{ price }} as decimal(18, 9))
            * cast(0.000001 as decimal(7, 6))
    end
{%- endmacro %}


{% macro usd(amount) -%}
    cast({{ amount }} as decimal(18, 9))
{%- endmacro %}


{#- Sum of a column as count of something: BIGINT, where DuckDB would make a HUGEINT of it. -#}
{% macro sum_bigint(column) -%}
    cast(sum({{ column }}) as bigint)
{%- endmacro %}


{#-
    The smaller of two amounts, and not below 0; NULL where either is unknown (engines differ in
    what `least` makes of a NULL).
-#}
{% macro smaller(one, other) -%}
    case
        when {{ one }} < 0 or {{ other }} < 0 then 0
        when {{ one }} <= {{ other }} then {{ one }}
        when {{ one }} > {{ other }} then {{ other }}
    end
{%- endmacro %}
