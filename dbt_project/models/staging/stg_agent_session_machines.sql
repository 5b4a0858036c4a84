{% set agents = ['claude_code', 'codex', 'gemini_cli', 'copilot_cli', 'cursor'] %}

with

records as (

    {% for agent in agents %}
    select
        '{{ agent }}' as agent,
        session_id,
        machine,
        created_at
    from {{ ref('stg_' ~ agent ~ '__changed_session_records') }}
    where machine <> ''
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- A home that is copied, synchronised or mounted tells the same session from several machines: it
-- is of the one that delivered it first. Of two in one request the name decides.
machines as (

    select
        agent,
        session_id,
        min_by(machine, (created_at, machine)) as machine
    from records
    group by agent, session_id

)

select * from machines
