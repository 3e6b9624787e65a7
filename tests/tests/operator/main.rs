//! The `latchkey` command.

mod config;
mod doctor;
mod export;
mod identifiers;
mod keys;
mod people;
mod second_step;
mod user_pool;
