-- The event of a response has no id (0.61.0): it is the message of its session's file with the same
-- model and tokens that was written at the same time.
with

responses as (

    select * from {{ ref('stg_gemini_cli__api_responses') }}

),

files as (

    select * from {{ ref('stg_gemini_cli__file_requests') }}

),

joined as (

    {{ requests_of_both(
        'gemini_cli', 'responses', 'files',
        pairs_in_time(
            'responses', 'request_key', 'requested_at', 'files', 'request_key', 'requested_at', 30
        ),
    ) }}

)

select * from joined
