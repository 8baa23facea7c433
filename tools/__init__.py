"""Programs for those who work on Osiris; none of them is part of the package."""
