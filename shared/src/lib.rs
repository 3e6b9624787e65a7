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
//! | [`domain`] | rules: no I/O, no clock, no randomness, no HTTP status | `domain`, `config` types |
//! | [`config`] | the tenant document: types, validation | `domain` |
//! | [`store`] | DynamoDB: keys, items, the one `commit`, reads by aggregate | `domain`, `config`, `keys` |
//! | [`keys`] | key vault, keyrings, sealing, signing, JWKS | `domain`, `config` |
//! | [`directory`] | the legacy user pool, during a migration | `domain`, `config` |
//! | [`colour`] | colours of a brand, with enough contrast | nothing |
//! | [`locale`] | choice of a locale, messages and dates | `domain` |
//! | [`delivery`] | mails and their templates | `domain`, `config`, `locale`, `colour` |
//! | [`web`] | axum: extractors, cookies, headers, pages, the two error renderers | all of the above |
//! | [`services`] | the services of a function | `config`, `domain`, `directory`, `keys`, `store` |
//! | [`runtime`] | cold start: environment, clients, the Lambda entry | all of the above |
//!
//! `tests/tests/deployment/layers.rs` checks the last column.

mod colour;
pub mod config;
pub mod context;
pub mod delivery;
pub mod digest;
pub mod directory;
pub mod domain;
#[cfg(test)]
mod goldens;
pub mod keys;
pub mod locale;
pub mod purpose;
pub mod runtime;
pub mod services;
pub mod store;
pub mod web;
