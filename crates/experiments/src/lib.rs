//! The experiments and the report.
