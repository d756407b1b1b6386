//! What lets a run resume where an earlier one stopped.
//!
//! A run has two files: an [`AppendFile`] of results and a [`state_file`] that says how many of its bytes are committed.
//! Each step first appends durably, then replaces the state file. *Invariant:* the append file is never shorter than its
//! state says. After a crash between the two writes it is longer: the next run cuts off the rest and repeats the step.

mod append_file;
pub mod state_file;

pub use append_file::AppendFile;
