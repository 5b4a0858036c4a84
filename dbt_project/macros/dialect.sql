{#- What engines spell differently. Each has a DuckDB version; another engine adds its own. -#}

{#- Now, as a time with zone. A macro of ours so that unit tests can set the clock. -#}
{% macro now_utc() -%}
    {{ adapter.dispatch('now_utc')() }}
{%- endmacro %}

{% macro duckdb__now_utc() -%}
    current_timestamp
{%- endmacro %}


{% macro type_timestamp_utc() -%}
    {{ adapter.dispatch('type_timestamp_utc')() }}
{%- endmacro %}

{% macro duckdb__type_timestamp_utc() -%}
    timestamptz
{%- endmacro %}


{#- NULL where the value is not of that type. -#}
{% macro cast_or_null(value, type) -%}
    {{ adapter.dispatch('cast_or_null')(value, type) }}
{%- endmacro %}

{% macro duckdb__cast_or_null(value, type) -%}
    try_cast({{ value }} as {{ type }})
{%- endmacro %}


{#- Every match of `pattern` replaced. -#}
{% macro regex_replace(value, pattern, replacement='') -%}
    {{ adapter.dispatch('regex_replace')(value, pattern, replacement) }}
{%- endmacro %}

{% macro duckdb__regex_replace(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}


{#- The day a moment falls on in a time zone (IANA name), days beginning at `rollover_hour`. -#}
{% macro local_date(moment, time_zone, rollover_hour) -%}
    {{ adapter.dispatch('local_date')(moment, time_zone, rollover_hour) }}
{%- endmacro %}

{% macro duckdb__local_date(moment, time_zone, rollover_hour) -%}
    cast(timezone({{ time_zone }}, {{ moment }}) - to_hours({{ rollover_hour }}) as date)
{%- endmacro %}


{#- The same by the user's settings; `stg_settings` is joined as `settings`. -#}
{% macro usage_date(moment) -%}
    {{ local_date(moment, 'settings.time_zone', 'settings.day_rollover_hour') }}
{%- endmacro %}


{#- The UTC day of a moment, whatever the session's time zone is. -#}
{% macro utc_date(moment) -%}
    {{ local_date(moment, "'UTC'", '0') }}
{%- endmacro %}


{#- The moment a UTC day begins. -#}
{% macro utc_midnight(day) -%}
    {{ adapter.dispatch('utc_midnight')(day) }}
{%- endmacro %}

{% macro duckdb__utc_midnight(day) -%}
    timezone('UTC', cast({{ day }} as timestamp))
{%- endmacro %}


{#- The quarter of an hour of UTC that a moment falls into, by its first moment. -#}
{% macro quarter_hour(moment) -%}
    {{ adapter.dispatch('quarter_hour')(moment) }}
{%- endmacro %}

{% macro duckdb__quarter_hour(moment) -%}
    to_timestamp(floor(epoch({{ moment }}) / 900) * 900)
{%- endmacro %}


{% macro add_seconds(moment, seconds) -%}
    {{ adapter.dispatch('add_seconds')(moment, seconds) }}
{%- endmacro %}

{% macro duckdb__add_seconds(moment, seconds) -%}
    {{ moment }} + to_seconds({{ seconds }})
{%- endmacro %}


{#- A 128-bit hash of a text, as whatever the engine compares and stores best. -#}
{% macro digest(text) -%}
    {{ adapter.dispatch('digest')(text) }}
{%- endmacro %}

{% macro duckdb__digest(text) -%}
    md5_number({{ text }})
{%- endmacro %}


{#- A digest as a text. -#}
{% macro digest_text(digest) -%}
    {{ adapter.dispatch('digest_text')(digest) }}
{%- endmacro %}

{#- As a decimal number it would take DuckDB 1.5 a thousand times as long. -#}
{% macro duckdb__digest_text(digest) -%}
    hex({{ digest }})
{%- endmacro %}


{#- Of all texts of a group, each of which is in it once, in any order. -#}
{% macro digest_of_set(text) -%}
    {{ adapter.dispatch('digest_of_set')(text) }}
{%- endmacro %}

{% macro duckdb__digest_of_set(text) -%}
    bit_xor(md5_number({{ text }}))
{%- endmacro %}


{#- A moment as microseconds since 1970. -#}
{% macro microseconds(moment) -%}
    {{ adapter.dispatch('microseconds')(moment) }}
{%- endmacro %}

{% macro duckdb__microseconds(moment) -%}
    epoch_us({{ moment }})
{%- endmacro %}


{#- The value below which that share of the group's values lie, interpolated. -#}
{% macro percentile(column, share) -%}
    {{ adapter.dispatch('percentile')(column, share) }}
{%- endmacro %}

{% macro duckdb__percentile(column, share) -%}
    quantile_cont({{ column }}, {{ share }})
{%- endmacro %}


{#- Whole and part seconds from one moment to another. -#}
{% macro seconds_between(earlier, later) -%}
    {{ adapter.dispatch('seconds_between')(earlier, later) }}
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    (epoch({{ later }}) - epoch({{ earlier }}))
{%- endmacro %}


{#- The first day of a day's month. -#}
{% macro month_of(day) -%}
    {{ adapter.dispatch('month_of')(day) }}
{%- endmacro %}

{% macro duckdb__month_of(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}


{#- The first of a column's moments in its partition that is at least that many seconds later. -#}
{% macro first_later(moment, partition, seconds) -%}
    {{ adapter.dispatch('first_later')(moment, partition, seconds) }}
{%- endmacro %}

{% macro duckdb__first_later(moment, partition, seconds) -%}
    min({{ moment }}) over (
            partition by {{ partition }}
            order by {{ moment }}
            range between interval '{{ seconds }} seconds' following and unbounded following
        )
{%- endmacro %}


{#- The texts of a group in an order, with commas between them. -#}
{% macro joined_text(text, in_order) -%}
    {{ adapter.dispatch('joined_text')(text, in_order) }}
{%- endmacro %}

{% macro duckdb__joined_text(text, in_order) -%}
    string_agg({{ text }}, ',' order by {{ in_order }})
{%- endmacro %}
