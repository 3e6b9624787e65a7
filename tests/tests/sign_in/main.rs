//! Sign-in, recovery and sign-out, with their races and counters.

mod funnel;
mod login;
mod races;
