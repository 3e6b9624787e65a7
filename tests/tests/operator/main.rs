//! The `latchkey` command.

mod config;
mod doctor;
mod export;
mod identifiers;
mod keys;
mod people;
mod user_pool;
