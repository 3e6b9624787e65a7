//! The `latchkey` command.

mod config;
mod doctor;
mod export;
mod foreign_factors;
mod identifiers;
mod keys;
mod people;
mod second_step;
mod transfer_factors;
mod user_pool;
mod ways_in;
