//! What the state of an account says about the requirements of the tenant document ([`super::requirements`]).

use serde::{Deserialize, Serialize};

/// A fingerprint of requirements: 32 bits of their SHA-256. It protects nothing, and the state has little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Requirements(pub u32);
