//! Read models in SQLite or PostgreSQL.
