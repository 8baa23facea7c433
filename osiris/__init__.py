"""Osiris compiles data pipelines into fingerprinted manifests and runs them, here or in a sandbox."""
