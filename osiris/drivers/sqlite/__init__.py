"""SQLite as the drivers read it: read-only, one state, every value held against its type."""
