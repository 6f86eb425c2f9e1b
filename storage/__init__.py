"""Everything that persists: the database and the originals. Knows nothing of intake."""
