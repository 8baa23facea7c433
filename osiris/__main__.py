"""`python -m osiris` is the `osiris` command."""

from osiris.cli.main import main

if __name__ == "__main__":
    main()
