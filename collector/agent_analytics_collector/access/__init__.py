"""Who may send and who may read: keys, roles, and who a request comes from."""
