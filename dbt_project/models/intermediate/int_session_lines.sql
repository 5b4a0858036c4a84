-- The lines that sessions wrote, edit by edit.
-- A table: three models read it, and two of them look for few of its rows.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

edit_lines as (

    select * from {{ ref('stg_agent_edit_lines') }}
    where {{ changed() }}

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}
    where {{ changed() }}

),

joined as (

    select
        sessions.session_key,
        sessions.session_id,
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
