//! Why a ceremony is refused. Each variant is named after the rule that it breaks.

/// The rule that a ceremony breaks (WebAuthn 3 §7.1, §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasskeyRefusal {
    /// The credential is not the JSON of WebAuthn 3 §5.5.
    CredentialMalformed,
    /// `type` of the credential is `public-key`.
    CredentialType,
    /// `id` and `rawId` are equal.
    RawId,
    /// A credential id has 1 to 1,023 bytes.
    CredentialIdLength,
    /// `clientDataJSON` is an object with each member once.
    ClientDataMalformed,
    /// `type` of the client data is that of this ceremony.
    Type,
    /// The challenge is the one that was issued.
    Challenge,
    /// The origin is in the list.
    Origin,
    /// The ceremony does not run in a frame of another origin.
    CrossOrigin,
    /// No `topOrigin` is named.
    TopOrigin,
    /// Authenticator data is complete.
    AuthenticatorDataMalformed,
    /// No reserved flag is set.
    ReservedFlags,
    /// Authenticator data ends with one map of extensions if the flag ED is set, otherwise with what the other flags announce.
    Extensions,
    /// The hash is the one of our relying party id.
    RelyingParty,
    /// The user was present (UP).
    UserPresence,
    /// The user was verified (UV).
    UserVerification,
    /// A passkey that is backed up is eligible for it (BS, BE).
    BackupState,
    /// The eligibility for backup never changes (BE).
    BackupEligibilityChanged,
    /// The attestation object is a map of `fmt`, `attStmt` and `authData`.
    AttestationMalformed,
    /// The statement of the format `none` is empty.
    AttestationStatement,
    /// A creation has a credential (AT), a use has none.
    AttestedCredential,
    /// The credential id of the authenticator is `rawId`.
    CredentialIdDiffers,
    /// The key is a COSE key in strict CBOR.
    KeyMalformed,
    /// The algorithm is one that was asked for.
    KeyAlgorithm,
    /// The key has exactly the members of its type, in their ranges.
    KeyParameters,
    /// The point is on the curve.
    KeyInvalid,
    /// The credential is the stored one.
    CredentialUnknown,
    /// The credential id belongs to no other account, and to no passkey that was removed a few days ago.
    CredentialTaken,
    /// The user handle is the account's.
    UserHandle,
    /// The signature is that of the stored key.
    Signature,
    /// The counter rises while either side is not zero.
    Counter,
    /// The challenge was issued in the last five minutes.
    ChallengeExpired,
    /// The challenge was issued for this browser, purpose and request.
    ChallengeForeign,
    /// The challenge was issued later than the newest one that the passkey has accepted.
    ChallengeStale,
}
