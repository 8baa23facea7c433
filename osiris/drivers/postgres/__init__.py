"""Talking to PostgreSQL: connecting with psycopg, its errors in our words, COPY in columns.

The protocol is described at https://www.postgresql.org/docs/current/protocol.html.
"""
