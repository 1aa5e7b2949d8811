"""Events received over HTTP, kept until the next nightly run and ever after: SQLite by default, PostgreSQL by URL."""
