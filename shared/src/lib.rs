//! Latchkey's common crate: everything that the functions share.
//!
//! ```text
//! request ─▶ parse ─▶ load ─▶ decide ─▶ sign ─▶ commit ─▶ respond
//!         extractor  strong   pure fn           1 write   one renderer
//!         (web)      reads    (domain) (keys)   (store)   (web)
//! ```
//!
//! A request flows one way. Loading takes a snapshot with strongly consistent reads; a decision is a pure function of the
//! snapshot, the time and fresh random values; its [`domain::change::Changes`] are committed with their preconditions; only
//! then is its outcome shown.
//!
//! | module | what lives there | may use |
//! |---|---|---|
//! | [`domain`] | rules: no I/O, no clock, no randomness, no HTTP status | `domain`, `config` types |
//! | [`config`] | the tenant document: types, validation | `domain` |
//! | [`store`] | DynamoDB: keys, items, the one `commit`, reads by aggregate | `domain`, `config`, `keys` |
//! | [`keys`] | key vault, keyrings, sealing, signing, JWKS | `domain`, `config` |
//! | [`directory`] | the user pool that people come from, during a move | `domain`, `config` |
//! | [`colour`] | colours of a brand, made safe to read | nothing |
//! | [`locale`] | choosing a locale, messages and dates in it | `domain` |
//! | [`delivery`] | mails and their templates | `domain`, `config`, `locale`, `colour` |
//! | [`web`] | axum: extractors, cookies, headers, pages, the two error renderers | all of the above |
//! | [`services`] | what a function can be given | `config`, `domain`, `directory`, `keys`, `store` |
//! | [`runtime`] | cold start: environment, clients, the Lambda entry | all of the above |
//!
//! `tests/tests/deployment/layers.rs` holds the last column.

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
