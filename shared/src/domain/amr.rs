//! Authentication methods of a sign-in.

use serde::{Deserialize, Serialize};

/// An authentication method of a sign-in (RFC 8176 values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amr {
    /// A password.
    Pwd,
    /// A mailed one-time code or link.
    Otp,
}
