//! Sign-in, recovery and sign-out, with their races and counters.

mod continuity;
mod due;
mod funnel;
mod kept_forms;
mod login;
mod mail_code;
mod new_device;
mod races;
mod second_step;
mod sources;
