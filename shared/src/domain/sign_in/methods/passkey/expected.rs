//! What a ceremony is checked against, and the limits of its parts.

/// The maximum length of a credential id (WebAuthn 3 §4).
pub const MAX_CREDENTIAL_ID: usize = 1023;
/// The maximum size of a posted credential as JSON.
pub const MAX_CREDENTIAL_JSON: usize = 24 * 1024;
/// The maximum size of an attestation object.
pub(super) const MAX_ATTESTATION: usize = 12 * 1024;

/// What both ceremonies are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Ceremony<'a> {
    /// The challenge that was issued.
    pub challenge: &'a [u8; 32],
    /// The relying party id.
    pub rp_id: &'a str,
    /// The origins that may run it, exactly as browsers write them.
    pub origins: &'a [String],
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CeremonyKind {
    Creation,
    Use,
}

impl CeremonyKind {
    pub(super) const fn type_of_client_data(self) -> &'static str {
        match self {
            Self::Creation => "webauthn.create",
            Self::Use => "webauthn.get",
        }
    }
}
