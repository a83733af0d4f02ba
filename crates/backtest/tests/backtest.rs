//! What holds of every run.
