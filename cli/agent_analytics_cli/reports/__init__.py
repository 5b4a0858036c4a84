"""What `report`, `outcomes`, `commit`, `blame` and `limits` show, from the marts."""
