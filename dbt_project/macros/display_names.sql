{#-
    A model's name as its vendor writes it: `Claude Opus 4.5`, `GPT-5.5`, `Gemini 2.5 Flash-Lite`.
    Of families that are not listed, and of what users named themselves, it is the name as it is.
-#}
{% macro model_display_name(model) -%}
    {%- set families = 'claude|gpt|gemini|grok|kimi|glm|composer|deepseek' -%}
    {#- claude-3-5-haiku is Claude Haiku 3.5; a version's point is a hyphen in some names. -#}
    {%- set name = namespace(sql=capitalized_words(
        regex_replace(
            regex_replace(model, '^claude-([0-9][0-9-]*)-([a-z]+)', 'claude-\\2-\\1'),
            '^((claude|grok)-[a-z-]*[0-9]{1,2})-([0-9]{1,2})(-|$)', '\\1.\\3\\4'
        )
    )) -%}
    {%- for written, wanted in {
        '^(Claude [A-Z][a-z]+ [0-9]+)[.]0$': '\\1',
        '^Gpt ': 'GPT-',
        '^Glm ': 'GLM-',
        '^Deepseek': 'DeepSeek',
        ' Codex': '-Codex',
        ' Flash Lite': ' Flash-Lite',
        '^(GPT-[^ ]+) Mini$': '\\1 mini',
        '^(GPT-[^ ]+) Nano$': '\\1 nano',
    }.items() -%}
        {%- set name.sql = regex_replace(name.sql, written, wanted) -%}
    {%- endfor -%}
    case
            when {{ model }} like 'gpt-oss-%' then {{ model }}
            when {{ regex_replace(model, '^(' ~ families ~ ')-[a-z0-9.-]+$') }} = ''
                then {{ name.sql }}
            else {{ model }}
        end
{%- endmacro %}


{#- The words between hyphens, each with a capital letter, between spaces. -#}
{% macro capitalized_words(value) -%}
    {{ adapter.dispatch('capitalized_words')(value) }}
{%- endmacro %}

{% macro duckdb__capitalized_words(value) -%}
    array_to_string(
        list_transform(
            string_split({{ value }}, '-'), lambda word: upper(word[1]) || word[2:]
        ), ' '
    )
{%- endmacro %}
