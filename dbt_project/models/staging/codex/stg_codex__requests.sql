-- The event of a response has no id (0.169.0): it is the record of its session's file with the same
-- tokens that was written at the same time.
with

responses as (

    select * from {{ ref('stg_codex__responses') }}

),

files as (

    select * from {{ ref('stg_codex__file_requests') }}

),

joined as (

    {{ requests_of_both(
        'codex', 'responses', 'files',
        pairs_in_time(
            'responses', 'request_key', 'requested_at', 'files', 'request_key', 'requested_at', 30
        ),
    ) }}

)

select * from joined
