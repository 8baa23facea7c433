"""Parquet files as the drivers read them."""
