{% set prices = ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'] %}
{% set fields = {
    'model': ['model', 'varchar'],
    'provider': ['provider', 'varchar'],
    'service_tier': ['service_tier', 'varchar'],
    'tier_from_tokens': ['tier_from_tokens', 'bigint'],
    'valid_from': ['valid_from', 'date'],
    'valid_to': ['valid_to', 'date'],
    'is_removed': ['is_removed', 'boolean'],
} %}
{% for price in prices %}{% do fields.update({price: [price, 'usd']}) %}{% endfor %}

with

shipped as (

    select * from {{ ref('model_prices') }}

),

-- Each change of the user's file brought a whole version of it; a model that left it left a row
-- that says so. What was there before stays, so that no change moves the past.
{{ user_rows('model_price_overrides', fields) }},

all_prices as (

    select
        'seed' as origin,
        model,
        provider,
        service_tier,
        cast(known_from as varchar) || ' ' || source || ' ' || source_version as price_version,
        tier_from_tokens,
        {{ prices | join(',\n        ') }},
        false as is_removed,
        valid_from,
        valid_to,
        {{ utc_midnight('known_from') }} as known_at
    from shipped
    union all
    select
        'user' as origin,
        {{ canonical_model('model') }} as model,
        nullif(provider, '') as provider,
        coalesce(nullif(service_tier, ''), 'standard') as service_tier,
        cast({{ utc_date('changed_at') }} as varchar) || ' override' as price_version,
        coalesce(tier_from_tokens, 0) as tier_from_tokens,
        {{ prices | join(',\n        ') }},
        coalesce(is_removed, false) as is_removed,
        valid_from,
        valid_to,
        changed_at as known_at
    from from_user
    where model is not null

)

select * from all_prices
