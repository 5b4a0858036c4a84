"""What leaves for the collector: the outbox, who empties it, the clients, replayed recordings."""
