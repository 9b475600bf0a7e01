//! What the benches share.
#![allow(dead_code, reason = "each bench is a program of its own and uses a part")]

pub(crate) mod desk;
pub(crate) mod machines;
pub(crate) mod tick;
pub(crate) mod timing;
pub(crate) mod workload;
