{{ codex_token_counts(ref('stg_codex__changed_session_records')) }}
