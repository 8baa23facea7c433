"""Comparing what two runs left behind, aspect by aspect."""
