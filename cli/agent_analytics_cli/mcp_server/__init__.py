"""What an agent may ask of its own figures: a read-only MCP server over the published marts."""
