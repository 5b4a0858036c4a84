-- The span and the record of a request have the vendor's id of its response; where one of the two
-- has none, they have the same tokens at the same time.
with

chats as (

    select * from {{ ref('stg_copilot_cli__chats') }}

),

file_requests as (

    select * from {{ ref('stg_copilot_cli__file_requests') }}

),

named_on_both_sides as (

    select
        session_id,
        request_id
    from chats
    where request_id is not null
    intersect
    select
        session_id,
        request_id
    from file_requests

),

{% for side, relation in {'spans': 'chats', 'files': 'file_requests'}.items() %}
{{ side }} as (

    select
        sides.*,
        case
            when named.request_id is not null
                then sides.session_id || '|' || named.request_id
            else sides.tokens_key
        end as match_key,
        case when named.request_id is not null then 100000000 else 30 end as within_seconds
    from {{ relation }} as sides
    left join named_on_both_sides as named
        on sides.session_id = named.session_id and sides.request_id = named.request_id

),

{% endfor %}
joined as (

    {{ requests_of_both(
        'copilot_cli', 'spans', 'files',
        pairs_in_time(
            'spans', 'request_key', 'requested_at', 'files', 'request_key', 'requested_at',
            'within_seconds',
        ),
        'span',
    ) }}

)

select * from joined
