"""Rules of this repository that neither the linter nor the type checker can hold."""
