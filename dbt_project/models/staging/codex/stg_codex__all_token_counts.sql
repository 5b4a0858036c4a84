-- Of all sessions, for who looks one up.
{{ codex_token_counts(ref('stg_codex__session_records')) }}
