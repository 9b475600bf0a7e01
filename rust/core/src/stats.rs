//! Statistics: the only file of the core that uses floating point.
