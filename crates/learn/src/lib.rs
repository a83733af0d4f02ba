//! Features, the rule-based teacher, and later the student.
#![no_std]
extern crate alloc;
