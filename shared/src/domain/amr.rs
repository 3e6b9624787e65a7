//! What a person did to sign in.

use serde::{Deserialize, Serialize};

/// What a person did to sign in (RFC 8176 values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amr {
    /// A password.
    Pwd,
    /// A one-time code or link that was mailed.
    Otp,
}
