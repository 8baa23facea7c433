"""DuckDB as the drivers use it: locked up, in UTC, in order."""
