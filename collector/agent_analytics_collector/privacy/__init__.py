"""What is known of a person: hashed, reported, handed out, erased, and looked for."""
