-- The lines that sessions wrote, edit by edit.
with

edit_lines as (

    select * from {{ ref('stg_agent_edit_lines') }}

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

joined as (

    select
        sessions.session_key,
        coalesce(edit_lines.repository, sessions.repository) as repository,
        edit_lines.file_path,
        edit_lines.line_hash,
        edit_lines.added,
        edit_lines.removed,
        edit_lines.edited_at
    from edit_lines
    inner join sessions
        on
            edit_lines.agent = sessions.agent
            and edit_lines.session_id = sessions.session_id

)

select * from joined
