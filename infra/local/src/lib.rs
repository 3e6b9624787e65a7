//! What runs Latchkey on one machine: the embedded engine under the real SDK, faults and a meter around it, and a world for tests.
//!
//! | module | what lives there |
//! |---|---|
//! | [`engine`] | the DynamoDB engine in this process, as the SDK's HTTP connector |

pub mod engine;
