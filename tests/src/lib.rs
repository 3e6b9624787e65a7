//! Actors for black-box tests, with a shared vocabulary.
//!
//! | actor | who |
//! |---|---|
//! | [`Anonymous`] | a caller of the API without any credential |
//! | [`Browser`] | a browser: cookies, redirects, forms; no JavaScript |
//! | [`Customer`] | a person with an address and a password |
//! | [`OAuthClient`] | an application that signs people in |
//! | [`Me`] | an application acting for a person on their own account |
//! | [`Operator`] | whoever runs a gateway, at a terminal with the `latchkey` command |
//! | [`Person`] | an account with a session, without a page: for tests of what comes after the sign-in |
//!
//! They act on a [`Site`]: a world in memory, or a gateway process over HTTP. What a test can't go on without, an actor expects: it
//! panics and says what it met.
#![expect(clippy::expect_used, clippy::panic, reason = "this package is test code: a broken expectation ends the test")]

pub mod anonymous;
pub mod api_gateway;
pub mod brought;
pub mod browser;
pub mod command;
pub mod customer;
pub mod deployed;
pub mod exported;
pub mod form;
pub mod gateway;
pub mod invariants;
pub mod journeys;
pub mod jwks;
pub mod kms;
pub mod log_lines;
pub mod loops;
pub mod mail;
pub mod me;
pub mod oauth_client;
pub mod operator;
pub mod person;
pub mod pool_key;
pub mod post;
pub mod remote;
pub mod routes;
pub mod site;
pub mod store;
pub mod template;
pub mod user_pool;
pub mod watch;

pub use anonymous::Anonymous;
pub use browser::{Browser, Page};
pub use customer::Customer;
pub use gateway::Gateway;
pub use latchkey_local::world::World;
pub use log_lines::LogLines;
pub use me::Me;
pub use oauth_client::{OAuthClient, Tokens};
pub use operator::{Operator, Told};
pub use person::Person;
pub use site::Site;
