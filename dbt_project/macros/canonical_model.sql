{#-
    A model's name without what platforms and clients wrap around it: `claude-opus-4-8[1m]`,
    `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `anthropic/claude-opus-4.5`,
    `publishers/google/models/gemini-3-pro`, `claude-haiku-4-5@20251001`. A date at the end stays:
    some dated models have a price of their own, so names are looked up whole before
    `undated_model` cuts it. Only known wrappers go; `my-org/gpt-5.5` is not gpt-5.5.
-#}
{% macro canonical_model(name) -%}
    {%- set steps = [
        '\\[[^\\]]*\\]$',
        '^arn:aws[a-z-]*:bedrock:[^/]*/',
        '^(openrouter/|bedrock/|vertex_ai/|azure/)+',
        '^(publishers/[a-z0-9-]+/)?models/',
        '^(anthropic|openai|google|x-ai|deepseek|mistralai|meta-llama|qwen|moonshotai|z-ai)/',
        '^((us|eu|apac|jp|au|global|us-gov)\\.)?(anthropic|amazon|openai|meta|mistral|deepseek)\\.',
        '-v[0-9]+:[0-9]+(:[a-z0-9]+)?$',
        '@(default|latest)$',
    ] -%}
    {%- set sql = namespace(value='lower(trim(' ~ name ~ '))') -%}
    {%- for step in steps -%}
        {%- set sql.value = regex_replace(sql.value, step | replace('\\\\', '\\')) -%}
    {%- endfor -%}
    {{ regex_replace(sql.value, '^(claude-.*)-v[0-9]+$', '\\1') }}
{%- endmacro %}


{#- `claude-sonnet-4-5-20250929`, `gpt-5.5-2026-04-23`, `claude-haiku-4-5@20251001` without the date. -#}
{% macro undated_model(name) -%}
    {{ regex_replace(name, '([-@]20[0-9]{6}|-20[0-9]{2}-[0-9]{2}-[0-9]{2})$') }}
{%- endmacro %}
