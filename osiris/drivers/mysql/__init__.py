"""Reading MySQL and MariaDB: the binary protocol, decoded a column at a time into Arrow batches.

PyMySQL connects and authenticates; everything after that is read here. The protocol is described
at https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html and
https://mariadb.com/kb/en/clientserver-protocol/.
"""
