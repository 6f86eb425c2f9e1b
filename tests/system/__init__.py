"""Against real Dovecot, PostgreSQL and processes that die."""
