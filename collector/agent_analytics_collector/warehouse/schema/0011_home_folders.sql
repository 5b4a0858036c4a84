-- Home folders are stored as `~`, whoever they belong to (`scrub/text.py`). An older file has them by
-- name, so that the same folder, before and after, would be two projects.
-- RE2 has no looking ahead: a sign that no text has keeps what is nobody's home.
CREATE MACRO marked(value) AS regexp_replace(
    value, '/Users/(Shared|Public)\b', '/Users' || chr(1) || '\1', 'g'
);
CREATE MACRO without_home(value) AS replace(
    regexp_replace(
        regexp_replace(
            marked(value),
            '(^|[^0-9A-Za-z_.~/\\-])'
            || '(?:(?:/var|/usr|/export|/private|/mnt/[a-z]|/System/Volumes/Data|[A-Za-z]:)?'
            || '/(?:home|Users)|(?:/[a-z]|[A-Za-z]:)?\\{1,2}Users)(?:/|\\{1,2})'
            || '[^/\\\s"'':;,<>|]+',
            '\1~',
            'g'
        ),
        '(/projects/)-(?:home|Users)-[^/-]+',
        '\1-~',
        'g'
    ),
    chr(1),
    '/'
);
CREATE MACRO has_home(value) AS regexp_matches(value, '/home/|/Users/|\\Users\\');

UPDATE raw_agent_session_records
SET
    project_path = without_home(project_path),
    repository = without_home(repository),
    source_file = without_home(source_file),
    payload = without_home(CAST(payload AS VARCHAR))
WHERE
    has_home(project_path) OR has_home(repository) OR has_home(source_file)
    OR has_home(CAST(payload AS VARCHAR));

UPDATE raw_otel_logs SET attributes = without_home(CAST(attributes AS VARCHAR))
WHERE has_home(CAST(attributes AS VARCHAR));

UPDATE raw_otel_spans SET attributes = without_home(CAST(attributes AS VARCHAR))
WHERE has_home(CAST(attributes AS VARCHAR));

UPDATE raw_otel_metrics SET attributes = without_home(CAST(attributes AS VARCHAR))
WHERE has_home(CAST(attributes AS VARCHAR));

UPDATE raw_git_commits SET repository = without_home(repository) WHERE has_home(repository);
UPDATE raw_git_commit_files SET repository = without_home(repository) WHERE has_home(repository);
UPDATE raw_git_rewrites SET repository = without_home(repository) WHERE has_home(repository);
UPDATE raw_git_line_survival SET repository = without_home(repository) WHERE has_home(repository);
UPDATE raw_git_attributions SET repository = without_home(repository) WHERE has_home(repository);

DROP MACRO without_home;
DROP MACRO marked;
DROP MACRO has_home;
