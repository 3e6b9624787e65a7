//! What runs Latchkey on one machine: the embedded engine under the real SDK, faults and a meter around it, and a world for tests.
//!
//! | module | what lives there |
//! |---|---|
//! | [`engine`] | the DynamoDB engine in this process, as the SDK's HTTP connector |
//! | [`fault`] | failures in front of any connector, by seed or script |
//! | [`meter`] | requests, request units, a trace of each call |
//! | [`stream`] | reading a table's stream in this process |

pub mod engine;
pub mod fault;
pub mod meter;
pub mod stream;
