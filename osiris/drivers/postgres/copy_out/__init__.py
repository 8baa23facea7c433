"""Reading a query with COPY … TO STDOUT (FORMAT BINARY), decoded a column at a time into Arrow.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"; what is in the
fields is what the types' send functions write (src/backend/utils/adt in PostgreSQL's source).
"""
