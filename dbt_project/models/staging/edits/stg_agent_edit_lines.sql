-- A table: two models read it, and a line is looked up by its hash.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

-- A fork or a resumed session repeats the edits of the one that made them.
first_tellings as (

    select
        *,
        row_number() over (
            partition by agent, coalesce(tool_use_id, cast(record_key as varchar)), file_path, part
            order by
                case when coalesce(forked_from, '') = '' then 0 else 1 end,
                edited_at,
                session_id,
                record_key
        ) as telling
    from {{ ref('stg_changed_edits') }}

),

file_edits as (

    select * from first_tellings
    where telling = 1

),

calls_in_files as (

    select distinct
        agent,
        tool_use_id
    from file_edits
    where tool_use_id is not null

),

sessions_in_files as (

    select distinct
        agent,
        session_id
    from file_edits

),

-- What both tell counts once, as the file has it: whole, and what the tool really did. Where events
-- have no id (Gemini CLI), a session of which there is a file is the file's.
event_edits as (

    select
        events.*,
        row_number() over (
            partition by
                events.agent,
                coalesce(events.tool_use_id, {{ digest_text('events.record_hash') }}),
                events.file_path,
                events.added_line_hashes,
                events.removed_line_hashes
            order by events.edited_at, events.session_id, events.id
        ) as telling
    from {{ ref('stg_changed_event_edits') }} as events
    left join calls_in_files
        on
            events.agent = calls_in_files.agent
            and events.tool_use_id = calls_in_files.tool_use_id
    left join sessions_in_files
        on
            events.agent = sessions_in_files.agent
            and events.session_id = sessions_in_files.session_id
    where
        calls_in_files.agent is null
        and (events.tool_use_id is not null or sessions_in_files.agent is null)

),

edits as (

    select
        agent,
        session_id,
        repository,
        file_path,
        added_line_hashes,
        removed_line_hashes,
        edited_at
    from file_edits
    union all
    select
        agent,
        session_id,
        cast(null as varchar) as repository,
        file_path,
        added_line_hashes,
        removed_line_hashes,
        edited_at
    from event_edits
    where telling = 1

),

lines as (

    select
        agent,
        session_id,
        repository,
        file_path,
        line_hash,
        added,
        removed,
        edited_at
    from {{ counted_lines(
        'edits', ['agent', 'session_id', 'repository', 'file_path', 'edited_at']
    ) }}

)

select * from lines
