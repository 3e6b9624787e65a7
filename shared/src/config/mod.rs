//! The tenant document: the settings of an operator. This module reads TOML and returns validated types. Every error names its path.

mod client_links;
mod clients;
pub mod document;
mod form;
mod import;
mod legacy_directory;
mod passkeys;
pub mod plan;
mod reader;
mod reverse_migration;
mod sign_in;
mod terms;
