//! No code. `Cargo.toml` lists every package that cargo would otherwise compile with different features for `cargo run`,
//! `cargo test -p latchkey`, `cargo test -p tests` and `cargo test --workspace`, with all of their features. With this package in
//! each of these selections, cargo compiles each dependency once.
//!
//! No function depends on it: what is deployed has only the features that it uses. `tests/tests/deployment/template/builds.rs`
//! compares the selections.
