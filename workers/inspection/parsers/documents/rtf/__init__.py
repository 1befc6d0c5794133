"""Rich Text Format 1.9.1, as Word reads it: Word is more tolerant than the specification, and attacks rely on that."""
