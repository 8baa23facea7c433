"""PostgreSQL's protocol over a socket of our own, for what libpq hands on only a row at a time.

Reading COPY data from libpq costs more than decoding it does; here they come in large pieces.
Messages: https://www.postgresql.org/docs/current/protocol-message-formats.html.
"""
