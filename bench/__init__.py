"""The figures of the README, measured: each beside its reference, alternating, whole processes."""
