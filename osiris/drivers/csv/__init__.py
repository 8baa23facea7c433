"""Reading CSV files with DuckDB, exactly."""
