"""The tests: they mirror the source tree and use real parts only."""
