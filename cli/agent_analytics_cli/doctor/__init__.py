"""What `agent-analytics doctor` looks at: one function a check, each telling a person a verdict."""
