//! The tenant document: the settings of an operator. This module reads TOML and returns validated types. Every error names its path.

mod client_links;
mod clients;
mod cognito;
pub mod document;
mod form;
pub mod plan;
mod reader;
mod reverse_migration;
