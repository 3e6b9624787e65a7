//! Authenticator data (WebAuthn 3 §6.1): hash of the relying party id, flags, counter, and on creation the credential.

use super::cbor::{Value, first_map, only_map};
use super::expected::{MAX_ATTESTATION, MAX_CREDENTIAL_ID};
use super::public_key::{KeyRefused, PublicKey};
use super::refusal::PasskeyRefusal;

const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;
const ED: u8 = 0x80;
/// Reserved for future use. An authenticator of today sets none of them.
const RESERVED: u8 = 0x22;

/// The maximum size: a key of 4096 bits, a credential id of 1,023 bytes and some extensions.
const MAX_BYTES: usize = 4096;

/// Authenticator data with flags and lengths that fit each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthenticatorData<'b> {
    pub(super) rp_id_hash: [u8; 32],
    flags: u8,
    pub(super) counter: u32,
    pub(super) attested: Option<AttestedCredential<'b>>,
}

/// The credential that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttestedCredential<'b> {
    pub(super) aaguid: [u8; 16],
    pub(super) id: &'b [u8],
    pub(super) key: PublicKey,
    /// The key as it was sent.
    pub(super) cose: &'b [u8],
}

impl<'b> AuthenticatorData<'b> {
    pub(super) fn read(input: &'b [u8]) -> Result<Self, PasskeyRefusal> {
        const MALFORMED: PasskeyRefusal = PasskeyRefusal::AuthenticatorDataMalformed;
        if input.len() > MAX_BYTES {
            return Err(MALFORMED);
        }
        let (rp_id_hash, rest) = input.split_first_chunk::<32>().ok_or(MALFORMED)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or(MALFORMED)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(MALFORMED)?;
        if flags & RESERVED != 0 {
            return Err(PasskeyRefusal::ReservedFlags);
        }
        let (attested, rest) = match flags & AT {
            0 => (None, rest),
            _ => {
                let (attested, rest) = AttestedCredential::read(rest)?;
                (Some(attested), rest)
            }
        };
        let is_complete = match flags & ED {
            0 => rest.is_empty(),
            _ => only_map(rest).is_ok(),
        };
        if !is_complete {
            return Err(PasskeyRefusal::Extensions);
        }
        Ok(Self { rp_id_hash: *rp_id_hash, flags: *flags, counter: u32::from_be_bytes(*counter), attested })
    }
    pub(super) const fn user_present(&self) -> bool {
        self.flags & UP != 0
    }
    pub(super) const fn user_verified(&self) -> bool {
        self.flags & UV != 0
    }
    pub(super) const fn backup_eligible(&self) -> bool {
        self.flags & BE != 0
    }
    pub(super) const fn backed_up(&self) -> bool {
        self.flags & BS != 0
    }
}

impl<'b> AttestedCredential<'b> {
    fn read(input: &'b [u8]) -> Result<(Self, &'b [u8]), PasskeyRefusal> {
        const MALFORMED: PasskeyRefusal = PasskeyRefusal::AuthenticatorDataMalformed;
        let (aaguid, rest) = input.split_first_chunk::<16>().ok_or(MALFORMED)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(MALFORMED)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > MAX_CREDENTIAL_ID {
            return Err(PasskeyRefusal::CredentialIdLength);
        }
        let (id, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
        let (key, length) = PublicKey::read(rest).map_err(|refused| match refused {
            KeyRefused::Malformed => PasskeyRefusal::KeyMalformed,
            KeyRefused::Algorithm => PasskeyRefusal::KeyAlgorithm,
            KeyRefused::Parameters => PasskeyRefusal::KeyParameters,
        })?;
        let (cose, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
        Ok((Self { aaguid: *aaguid, id, key, cose }, rest))
    }
}

/// The authenticator data in an attestation object (WebAuthn 3 §6.5.4). Attestation is not asked for, so a statement of any other format than
/// `none` is ignored; that of `none` is empty (§8.7).
pub(super) fn of_attestation(object: &[u8]) -> Result<&[u8], PasskeyRefusal> {
    const MALFORMED: PasskeyRefusal = PasskeyRefusal::AttestationMalformed;
    if object.len() > MAX_ATTESTATION {
        return Err(MALFORMED);
    }
    let (map, length) = first_map(object).map_err(|_| MALFORMED)?;
    let part = |name| map.get(&Value::Text(name));
    let format = part("fmt").and_then(Value::text).ok_or(MALFORMED)?;
    let statement = part("attStmt").and_then(Value::map).ok_or(MALFORMED)?;
    let data = part("authData").and_then(Value::bytes).ok_or(MALFORMED)?;
    if length != object.len() {
        return Err(MALFORMED);
    }
    if format == "none" && statement.len() != 0 {
        return Err(PasskeyRefusal::AttestationStatement);
    }
    Ok(data)
}
