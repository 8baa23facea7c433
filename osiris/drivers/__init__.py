"""How each component runs; the only place for heavy imports."""
