"""Telling other systems of a run while it goes on; nothing of it is needed for a run."""
