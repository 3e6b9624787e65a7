//! Runs Latchkey on one machine: the embedded engine under the real SDK, fault injection, a meter, and a test world.
//!
//! | module | purpose |
//! |---|---|
//! | [`assemble`] | services and routes put together, for the gateway and for tests |
//! | [`engine`] | the DynamoDB engine in this process, as the SDK's HTTP connector |
//! | [`fault`] | failures in front of any connector, by seed or script |
//! | [`gateway`] | the process: flags, startup, server, what it keeps |
//! | [`meter`] | requests, request units, a trace of each call |
//! | [`openapi`] | the OpenAPI document of every endpoint |
//! | [`pages`] | API reference, mailbox, clock and demo storefront |
//! | [`pump`] | the stream's records, handed to `events` |
//! | [`stream`] | reading a table's stream in this process |
//! | [`world`] | a whole Latchkey in memory, for tests |

pub mod assemble;
pub mod engine;
pub mod fault;
pub mod gateway;
pub mod meter;
pub mod openapi;
pub mod pages;
pub mod pump;
pub mod stream;
pub mod world;
