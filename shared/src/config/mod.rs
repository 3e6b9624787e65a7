//! The tenant document: the settings of an operator. This module reads TOML and returns validated types. Every error names its path.

mod clients;
mod cognito;
pub mod document;
mod form;
mod handover;
pub mod plan;
mod reader;
