{#-
    A Poisson bootstrap: in each replicate every session counts as often as a draw from Poisson(1)
    says (0, 1, 2, …), which is resampling with replacement without having to know how many there
    are. The draws come from a hash of the session, so that a rebuild gives the same intervals.

    A session's draws are slope * replicate + start modulo a prime, both hashed from its key: equally
    likely everywhere, independent between sessions and pairwise between replicates, for one
    multiplication where a hash of each (session, replicate) would be most of the work.
-#}

{#- Replicates of which intervals are made; replicate 0 beside them is the data as they are. -#}
{% macro bootstrap_replicates() -%}
    200
{%- endmacro %}


{#- Sessions that each side must have before a difference is called one. -#}
{% macro enough_sessions() -%}
    10
{%- endmacro %}


{#-
    How far beyond a share the truth may be although all replicates have the same, because no session
    differs: what happened in none of n sessions happens in fewer than 3 of n (the rule of three, 95 %
    on that side), and no further than there is room. 0 for all else: its interval is of replicates.
-#}
{% macro unseen_share(measure, sessions, room) -%}
    case
        when
            {{ measure }}_low <> {{ measure }}_high
            or not (metric like '%rate' or metric like '%share' or metric like 'survival%')
            then 0
        when {{ room }} < 3.0 / {{ sessions }} then {{ room }}
        else 3.0 / {{ sessions }}
    end
{%- endmacro %}


{#- The prime: two factors below it multiply within 64 bits. -#}
{% macro bootstrap_modulus() -%}
    2147483647
{%- endmacro %}


{#- A whole number from 0 to below the modulus, the same for the same text. -#}
{% macro hashed_number(text) -%}
    {{ adapter.dispatch('hashed_number')(text) }}
{%- endmacro %}

{% macro duckdb__hashed_number(text) -%}
    cast(md5_number_lower({{ text }}) % {{ bootstrap_modulus() }} as bigint)
{%- endmacro %}


{#- A row's draw in a replicate; `slope` and `start` are hashed numbers of its session. -#}
{% macro bootstrap_draw(slope, start, replicate) -%}
    ({{ slope }} * {{ replicate }} + {{ start }}) % {{ bootstrap_modulus() }}
{%- endmacro %}


{#- How often a row with that draw counts. -#}
{% macro poisson_weight(draw) -%}
    {#- Poisson(1): P(at most n) for n = 0 to 7. -#}
    case
        {% for share in [
            0.367879441, 0.735758882, 0.919698603, 0.981011843, 0.996340153, 0.999405815,
            0.999916759, 0.999989751,
        ] -%}
        when {{ draw }} < {{ (share * 2147483647) | int }} then {{ loop.index0 }}
        {% endfor -%}
        else 8
    end
{%- endmacro %}
