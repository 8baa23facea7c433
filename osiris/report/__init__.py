"""Reading runs back from their directories."""
