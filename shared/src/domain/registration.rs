//! Account registration: from a filled form to a proven account.

use super::consent::AcceptedTerms;
use super::profile::Claims;
use super::secret::PasswordHash;
use serde::{Deserialize, Serialize};

/// What a pending registration holds, sealed under its data key in the flow item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingRegistration {
    /// The canonical e-mail address.
    pub email: String,
    /// The claims of the form.
    pub claims: Claims,
    /// The hash of the chosen password.
    pub password: PasswordHash,
    /// What was accepted.
    pub terms: Vec<AcceptedTerms>,
}
