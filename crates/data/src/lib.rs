//! Market data files to types.
