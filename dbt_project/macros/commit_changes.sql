{#-
    Which commits are made anew when something of them is new, and the strategies of models that are
    kept by commit. Three sets, each with the one before: commits whose lines are not what they were
    (`int_changed_commits`), whose matches with sessions may not be (`int_rematched_commits`), of
    which something else is told (`int_retold_commits`). Each is kept until all was made.
-#}

{#- For `where`: the rows are of commits that a run makes anew. `changed` is one of the three. -#}
{% macro of_commits(changed, commit_key='commit_key') -%}
    {%- if is_by_session_run() -%}
        {{ commit_key }} in (select anew.commit_key from {{ changed }} as anew)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#-
    What an earlier run made of a model that this run makes later, or NULL. Not a `ref`, which would
    go round in a circle: who reads it has to stand before it.
-#}
{% macro made_before(layer, name) -%}
    {%- set relation = api.Relation.create(
        database=target.database, schema=generate_schema_name(layer, none), identifier=name
    ) -%}
    {{ return(relation if execute and is_by_session_run() and load_relation(relation)) }}
{%- endmacro %}


{#- The whole of a query: rows of either relation that the other has not. -#}
{% macro rows_that_differ(one, other, columns) -%}
    {% for this_one, that_one in [(one, other), (other, one)] %}
    select {{ columns | join(', ') }}
    from (
        select {{ columns | join(', ') }} from {{ this_one }}
        except
        select {{ columns | join(', ') }} from {{ that_one }}
    ) as found_in_one
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}


{#- Incremental strategies: the rows of such commits go and those made anew come. -#}
{% macro get_incremental_by_commit_sql(arguments) -%}
    {{ replaced_commits(arguments, 'int_changed_commits') }}
{%- endmacro %}

{% macro get_incremental_by_match_sql(arguments) -%}
    {{ replaced_commits(arguments, 'int_rematched_commits') }}
{%- endmacro %}

{% macro get_incremental_by_telling_sql(arguments) -%}
    {{ replaced_commits(arguments, 'int_retold_commits') }}
{%- endmacro %}

{% macro replaced_commits(arguments, changed) -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='name') | join(', ') -%}
    delete from {{ arguments['target_relation'] }}
    where commit_key in (
        select anew.commit_key from {{ made_relation('intermediate', changed) }} as anew
    );
    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}


{#- The same of commits with files that came in batches which the model has not seen. -#}
{% macro get_incremental_by_delivery_sql(arguments) -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='name') | join(', ') -%}
    delete from {{ arguments['target_relation'] }}
    where {{ is_delivered_since(arguments['target_relation']) }};
    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}

{#- For `where`: rows of all commits of which the model has not seen the last batches. -#}
{% macro told_since(rows) -%}
    {%- if is_by_session_run() -%}
        lower(commit_hash) in (
            select lower(told.commit_hash)
            from {{ rows }} as told
            where
                coalesce(told.batch_id, 0)
                > (select coalesce(max(seen.batch_id), -1) from {{ this }} as seen)
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro is_delivered_since(made) -%}
    commit_hash in (
            select told.commit_hash
            from {{ made_relation('staging', 'stg_git_commit_files') }} as told
            where told.batch_id > (select coalesce(max(seen.batch_id), -1) from {{ made }} as seen)
        )
{%- endmacro %}


{#- Incremental strategy of line weights: those that are others now. -#}
{% macro get_incremental_reweighed_sql(arguments) -%}
    delete from {{ arguments['target_relation'] }}
    where line_hash in (select anew.line_hash from {{ arguments['temp_relation'] }} as anew);
    insert into {{ arguments['target_relation'] }}
    select * from {{ arguments['temp_relation'] }}
{%- endmacro %}


{#-
    Lines of commits beside the same lines that sessions wrote, in the same file, from 21 days before
    to 2 days after the commit. The same lines in the same file of another repository are no
    evidence. Where the session's is unknown, the whole path tells, if the commit's is known by its
    folder. Apart, because engines join by what must be equal: together they would compare every two
    files that share a line.
-#}
{% macro lines_of_both(commit_lines, session_lines, columns) -%}
    {% for same in [
        'commit_lines.repository = session_lines.repository',
        "session_lines.repository is null"
        " and session_lines.file_path = commit_lines.repository || '/' || commit_lines.path",
    ] %}
    select {{ columns | join(', ') }}
    from {{ commit_lines }} as commit_lines
    inner join {{ session_lines }} as session_lines
        on
            commit_lines.line_hash = session_lines.line_hash
            and {{ same }}
            and (
                {{ is_same_file('session_lines.file_path', 'commit_lines.path') }}
                or {{ is_same_file('session_lines.file_path', 'commit_lines.old_path') }}
            )
            and {{ add_seconds('session_lines.edited_at', 21 * 86400) }} >= commit_lines.written_at
            and session_lines.edited_at <= {{ add_seconds('commit_lines.committed_at', 2 * 86400) }}
            and (
                commit_lines.removed_at is null
                or session_lines.edited_at > commit_lines.removed_at
            )
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}
