"""Other tools that do the same jobs: run beside `osiris run`, and what they wrote compared."""
