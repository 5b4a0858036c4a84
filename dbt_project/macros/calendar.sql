{#- Days as whole numbers: what engines spell differently, beside dialect.sql. -#}

{#- The day so many days later; `days` may be negative. -#}
{% macro add_days(day, days) -%}
    {{ adapter.dispatch('add_days')(day, days) }}
{%- endmacro %}

{% macro duckdb__add_days(day, days) -%}
    cast({{ day }} + cast({{ days }} as integer) as date)
{%- endmacro %}


{#- Whole days from one day to another. -#}
{% macro days_between(earlier, later) -%}
    {{ adapter.dispatch('days_between')(earlier, later) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    (cast({{ later }} as date) - cast({{ earlier }} as date))
{%- endmacro %}


{#- The last day of a day's month. -#}
{% macro month_end(day) -%}
    {{ adapter.dispatch('month_end')(day) }}
{%- endmacro %}

{% macro duckdb__month_end(day) -%}
    last_day({{ day }})
{%- endmacro %}


{#- 1 is Monday, 7 Sunday. -#}
{% macro weekday(day) -%}
    {{ adapter.dispatch('weekday')(day) }}
{%- endmacro %}

{% macro duckdb__weekday(day) -%}
    isodow({{ day }})
{%- endmacro %}


{#- The day so many months later, within the month. -#}
{% macro add_months(day, months) -%}
    {{ adapter.dispatch('add_months')(day, months) }}
{%- endmacro %}

{% macro duckdb__add_months(day, months) -%}
    cast({{ day }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}


{#- For `from`: the whole numbers from 0 to 999 as `number`. -#}
{% macro thousand_numbers() -%}
    {%- set digits -%}
        (
            {%- for digit in range(10) -%}
            select {{ digit }} as digit{{ ' union all ' if not loop.last }}
            {%- endfor -%}
        )
    {%- endset -%}
    (
            select ones.digit + 10 * tens.digit + 100 * hundreds.digit as number
            from {{ digits }} as ones
            cross join {{ digits }} as tens
            cross join {{ digits }} as hundreds
        )
{%- endmacro %}
