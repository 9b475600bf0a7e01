//! A session: an engine together with its append-only, hash-chained file.
//!
//! The only crate here that touches a disk.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
