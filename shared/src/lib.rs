//! Latchkey's common crate: everything that the functions share.
//!
//! ```text
//! request ─▶ parse ─▶ load ─▶ decide ─▶ sign ─▶ commit ─▶ respond
//!         extractor  strong   pure fn           1 write   one renderer
//!         (web)      reads    (domain) (keys)   (store)   (web)
//! ```
//!
//! A request flows in one direction. Loading takes a snapshot with strongly consistent reads. A decision is a pure function of the
//! snapshot, the time and random values. Its [`domain::change::Changes`] are committed with their preconditions. Only then is the outcome
//! returned.
//!
//! | module | content | may use |
//! |---|---|---|
//! | [`digest`], [`purpose`] | SHA-256; purposes of keyrings | nothing |
//! | [`strict_json`] | the check of a JSON document before it is read | nothing |
//! | [`domain`] | rules and states, the types of the tenant document: no I/O, no clock, no randomness, no HTTP status | `digest`, `purpose` |
//! | [`context`] | request context, deadline, clock, random values | `domain::{id, secret, time}` |
//! | [`config`] | reading and validating the tenant document | `domain` |
//! | [`store`] | DynamoDB: keys, items, the one `commit`, reads by aggregate | `domain`, `context`, `digest`, `purpose` |
//! | [`keys`] | key vault, keyrings, sealing, signing, JWKS | the above but `config`, and `store` |
//! | [`legacy_directory`] | the legacy user pool, during a migration | `domain` |
//! | [`colour`] | colours of a brand, with enough contrast | nothing |
//! | [`locale`] | choice of a locale, messages and dates | `domain` |
//! | [`delivery`] | mails and their templates | `domain`, `locale`, `colour` |
//! | [`services`] | the services of a function | `keys`, `legacy_directory`, `config`, and what they use |
//! | [`web`] | axum: extractors, cookies, headers, pages, the two error renderers | all of the above but `config` and `delivery` |
//! | [`runtime`] | cold start: environment, clients, the Lambda entry | all of the above |
//!
//! No two files import each other, directly or through others.
//!
//! `tests/tests/deployment/layers.rs` checks the last column.

mod colour;
pub mod config;
pub mod context;
pub mod delivery;
pub mod digest;
pub mod domain;
#[cfg(test)]
mod goldens;
pub mod keys;
pub mod legacy_directory;
pub mod locale;
pub mod purpose;
pub mod runtime;
pub mod services;
pub mod store;
mod strict_json;
pub mod web;
