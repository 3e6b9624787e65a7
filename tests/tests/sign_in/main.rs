//! Sign-in, recovery and sign-out, with their races and counters.

mod continuity;
mod funnel;
mod kept_forms;
mod login;
mod races;
mod sources;
