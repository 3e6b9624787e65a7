//! Sign-in, recovery and sign-out, and the races and counters around them.

mod funnel;
mod login;
mod races;
