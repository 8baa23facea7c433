"""Writing Arrow tables into the tables of a database, whatever the database."""
