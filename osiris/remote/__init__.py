"""The two ends of a sandbox run: the host's proxy and the worker that holds the one engine."""
