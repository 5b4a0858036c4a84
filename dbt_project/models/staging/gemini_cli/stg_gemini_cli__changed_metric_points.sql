{{ changed_records('stg_gemini_cli__metric_points', unit_of('gemini_cli', 'metric_points')) }}
