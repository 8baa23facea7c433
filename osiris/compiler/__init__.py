"""From OML to a manifest: pure, hermetic, every mistake reported at once."""
