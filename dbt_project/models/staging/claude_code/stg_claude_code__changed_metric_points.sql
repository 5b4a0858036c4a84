{{ changed_records('stg_claude_code__metric_points', unit_of('claude_code', 'metric_points')) }}
