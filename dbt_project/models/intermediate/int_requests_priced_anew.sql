-- What every request would cost by all that is known now, so that `prices recompute` can show what
-- it would change before it does; a view, since nothing else asks for all of them.
{{ config(materialized='view') }}

{{ priced_requests('true') }}
