//! The tenant document: the settings of an operator. This module reads TOML and returns validated types. Every error names its path.

mod clients;
mod cognito;
pub mod document;
mod form;
mod import;
pub mod plan;
mod reader;
mod reverse_migration;
