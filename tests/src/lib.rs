//! Actors for black-box tests, with a shared vocabulary.
//!
//! | actor | what it is |
//! |---|---|
//! | [`Anonymous`] | a caller of the API without any credential |
//! | [`Authenticator`] | an authenticator app on the phone of a user |
//! | [`Browser`] | a browser: cookies, redirects, forms; no JavaScript |
//! | [`Customer`] | a user with an e-mail address and a password |
//! | [`OAuthClient`] | an application that signs users in |
//! | [`AccountClient`] | an application with an access token for a user's own account (`/v1/me`) |
//! | [`Operator`] | an operator at a terminal with the `latchkey` command |
//! | [`SignedInUser`] | an account with a session, created without pages: for tests of the steps after the sign-in |
//!
//! Actors act on a [`Site`]: a world in memory, or a gateway process over HTTP. If a precondition fails, an actor panics
//! and prints what it got.
#![expect(clippy::expect_used, clippy::panic, reason = "this package is test code: a broken expectation ends the test")]

pub mod account_client;
pub mod anonymous;
pub mod api_gateway;
pub mod authenticator;
pub mod browser;
pub mod command;
pub mod contract;
pub mod customer;
pub mod deployed;
pub mod events_fixture;
pub mod export_package;
pub mod form;
pub mod gateway;
pub mod imported;
pub mod invariants;
pub mod journeys;
pub mod jwks;
pub mod kms;
pub mod log_lines;
pub mod loops;
pub mod mail;
pub mod oauth_client;
pub mod operator;
pub mod passkey;
pub mod pool_key;
pub mod remote;
pub mod routes;
pub mod second_factor;
pub mod signed_in_user;
pub mod site;
pub mod store;
pub mod template;
pub mod user_pool;
pub mod watch;

pub use account_client::AccountClient;
pub use anonymous::Anonymous;
pub use authenticator::Authenticator;
pub use browser::{Browser, Page};
pub use customer::Customer;
pub use gateway::Gateway;
pub use latchkey_local::world::World;
pub use log_lines::LogLines;
pub use oauth_client::{OAuthClient, Tokens};
pub use operator::{CommandOutput, Operator};
pub use second_factor::SecondFactor;
pub use signed_in_user::SignedInUser;
pub use site::Site;
