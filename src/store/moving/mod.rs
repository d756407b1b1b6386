//! A move of a project's users from one place to another, while it serves.
//!
//! A [`Mover`] does it in steps, each harmless to repeat: what it has done is stored with the project before the next one begins.
//! The trick is a fence: whatever a caller wants done, the old place checks in the same atomic step that it is still the place.
//! What is in flight when the fence falls is committed before it, and so copied, or refused by it.

mod mover;
mod progress;
mod task;

pub use mover::{Advance, Mover, Pace, give_up};
pub use progress::{Move, Moving, Step};
pub use task::{Done, MoverRequest, Places, Service, Task, WholeUser};
