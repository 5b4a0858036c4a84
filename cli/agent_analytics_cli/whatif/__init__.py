"""The same requests on another model or plan."""
