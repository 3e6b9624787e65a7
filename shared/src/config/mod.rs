//! The tenant document: everything that an operator decides without code. TOML in, validated types out; every error named by
//! its path.

mod clients;
mod cognito;
pub mod document;
mod form;
mod handover;
pub mod plan;
mod reader;
