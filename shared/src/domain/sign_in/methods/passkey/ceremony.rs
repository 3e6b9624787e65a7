//! The two ceremonies: creation (WebAuthn 3 §7.1) and use (§7.2) of a passkey.

use super::authenticator_data::{AuthenticatorData, of_attestation};
use super::client_data;
use super::expected::{Ceremony, CeremonyKind, MAX_CREDENTIAL_ID, MAX_CREDENTIAL_JSON};
use super::public_key::{PublicKey, SignatureVerifier};
use super::refusal::PasskeyRefusal;
use crate::digest::sha256;
use crate::domain::account::Sealed;
use crate::domain::passkey::Transports;
use crate::domain::passkey::decisions::NewPasskey;
use crate::domain::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, de};

/// Bytes as unpadded base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base64Url(Vec<u8>);

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64URL_NOPAD.decode(text.as_bytes()).map(Self).map_err(de::Error::custom)
    }
}

/// The JSON of a credential (`PublicKeyCredential.toJSON()`, WebAuthn 3 §5.1). Members that are not read are ignored.
#[derive(Deserialize)]
struct CredentialJson<R> {
    id: Base64Url,
    #[serde(rename = "rawId")]
    raw_id: Base64Url,
    r#type: String,
    #[serde(rename = "authenticatorAttachment", default)]
    attachment: Option<String>,
    response: R,
}

#[derive(Deserialize)]
struct CreationJson {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    #[serde(rename = "attestationObject")]
    attestation: Base64Url,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
struct UseJson {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    #[serde(rename = "authenticatorData")]
    authenticator_data: Base64Url,
    signature: Base64Url,
    #[serde(rename = "userHandle", default)]
    user_handle: Option<Base64Url>,
}

/// A posted credential.
struct PostedCredential<R> {
    id: Vec<u8>,
    attachment: Option<String>,
    response: R,
}

fn credential<'a, R: Deserialize<'a>>(json: &'a str) -> Result<PostedCredential<R>, PasskeyRefusal> {
    if json.len() > MAX_CREDENTIAL_JSON {
        return Err(PasskeyRefusal::CredentialMalformed);
    }
    let credential: CredentialJson<R> = serde_json::from_str(json).map_err(|_| PasskeyRefusal::CredentialMalformed)?;
    if credential.r#type != "public-key" {
        return Err(PasskeyRefusal::CredentialType);
    }
    let CredentialJson { id: Base64Url(id), raw_id: Base64Url(raw_id), attachment, response, .. } = credential;
    if id != raw_id {
        return Err(PasskeyRefusal::RawId);
    }
    if id.is_empty() || id.len() > MAX_CREDENTIAL_ID {
        return Err(PasskeyRefusal::CredentialIdLength);
    }
    Ok(PostedCredential { id, attachment, response })
}

/// A credential that was created, and passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedCredential {
    /// Its id.
    pub id: Vec<u8>,
    /// Its COSE key, as the authenticator sent it.
    pub cose: Vec<u8>,
    /// The make of the authenticator. It is shown, and never trusted.
    pub aaguid: [u8; 16],
    /// Its transports.
    pub transports: Transports,
    /// Whether it may be synchronized (BE).
    pub backup_eligible: bool,
    /// Whether it is synchronized now (BS).
    pub backed_up: bool,
    /// Its counter.
    pub counter: u32,
}

impl CreatedCredential {
    /// The passkey to add, with its sealed name. `challenged_at`: when the challenge was issued that it answers.
    #[must_use]
    pub fn named(self, name: Sealed, rp_id: String, challenged_at: Timestamp) -> NewPasskey {
        NewPasskey {
            credential_id: self.id,
            cose: self.cose,
            aaguid: self.aaguid,
            transports: self.transports,
            backup_eligible: self.backup_eligible,
            backed_up: self.backed_up,
            counter: self.counter,
            rp_id,
            name: Some(name),
            challenged_at,
        }
    }
}

/// The id of the passkey that a creation posts. Nothing of it is checked.
#[must_use]
pub fn posted_id(json: &str) -> Option<Vec<u8>> {
    credential::<CreationJson>(json).ok().map(|posted| posted.id)
}

/// Checks a creation.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_creation(
    json: &str,
    ceremony: &Ceremony<'_>,
    verifier: &impl SignatureVerifier,
) -> Result<CreatedCredential, PasskeyRefusal> {
    let PostedCredential { id, response, .. } = credential::<CreationJson>(json)?;
    client_data::check(&response.client_data.0, ceremony, CeremonyKind::Creation)?;
    let data = AuthenticatorData::read(of_attestation(&response.attestation.0)?)?;
    check_flags(&data, ceremony)?;
    let attested = data.attested.as_ref().ok_or(PasskeyRefusal::AttestedCredential)?;
    if attested.id != id {
        return Err(PasskeyRefusal::CredentialIdDiffers);
    }
    if !verifier.accepts(&attested.key) {
        return Err(PasskeyRefusal::KeyInvalid);
    }
    Ok(CreatedCredential {
        id,
        cose: attested.cose.to_vec(),
        aaguid: attested.aaguid,
        transports: Transports::named(&response.transports),
        backup_eligible: data.backup_eligible(),
        backed_up: data.backed_up(),
        counter: data.counter,
    })
}

/// The flags that both ceremonies demand.
fn check_flags(data: &AuthenticatorData<'_>, ceremony: &Ceremony<'_>) -> Result<(), PasskeyRefusal> {
    if data.rp_id_hash != sha256(ceremony.rp_id.as_bytes()) {
        return Err(PasskeyRefusal::RelyingParty);
    }
    if !data.user_present() {
        return Err(PasskeyRefusal::UserPresence);
    }
    if !data.user_verified() {
        return Err(PasskeyRefusal::UserVerification);
    }
    if data.backed_up() && !data.backup_eligible() {
        return Err(PasskeyRefusal::BackupState);
    }
    Ok(())
}

/// A use of a passkey, as posted. It names the account and the passkey, and nothing is proven yet.
pub struct PostedUse {
    id: Vec<u8>,
    is_roaming: bool,
    handle: Option<Vec<u8>>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
}

/// The state of a stored passkey that a use is checked against.
#[derive(Debug, Clone, Copy)]
pub struct StoredCredential<'a> {
    /// Its id.
    pub id: &'a [u8],
    /// The 16 bytes of its account.
    pub handle: &'a [u8; 16],
    /// Its COSE key.
    pub cose: &'a [u8],
    /// Whether it may be synchronized.
    pub backup_eligible: bool,
    /// Its counter at the last use.
    pub counter: u32,
}

/// What a use that passed every check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedCredential {
    /// Its counter now.
    pub counter: u32,
    /// Whether it is synchronized now (BS).
    pub backed_up: bool,
}

impl PostedUse {
    /// Reads it.
    ///
    /// # Errors
    /// If it is not the JSON of a credential, or names no account.
    pub fn read(json: &str) -> Result<Self, PasskeyRefusal> {
        let PostedCredential { id, attachment, response } = credential::<UseJson>(json)?;
        Ok(Self {
            id,
            is_roaming: attachment.as_deref() == Some("cross-platform"),
            handle: response.user_handle.map(|Base64Url(handle)| handle),
            client_data: response.client_data.0,
            authenticator_data: response.authenticator_data.0,
            signature: response.signature.0,
        })
    }
    /// The id of the passkey.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.id
    }
    /// Whether the browser says that the passkey is on another device. Nothing signs this: it decides only on an offer.
    #[must_use]
    pub fn is_roaming(&self) -> bool {
        self.is_roaming
    }
    /// The 16 bytes of the account that it names (`userHandle`). Passkeys are discoverable, so each use names one.
    ///
    /// # Errors
    /// If it names none.
    pub fn handle(&self) -> Result<[u8; 16], PasskeyRefusal> {
        let handle = self.handle.as_deref().and_then(|handle| handle.try_into().ok());
        handle.ok_or(PasskeyRefusal::UserHandle)
    }
    /// Checks what does not depend on a stored passkey. Inexpensive, so that a request that is not for us reads nothing.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check_client_data(&self, ceremony: &Ceremony<'_>) -> Result<(), PasskeyRefusal> {
        client_data::check(&self.client_data, ceremony, CeremonyKind::Use)
    }
    /// Checks a use.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(
        &self,
        ceremony: &Ceremony<'_>,
        stored: &StoredCredential<'_>,
        verifier: &impl SignatureVerifier,
    ) -> Result<UsedCredential, PasskeyRefusal> {
        if self.id != stored.id {
            return Err(PasskeyRefusal::CredentialUnknown);
        }
        if self.handle()? != *stored.handle {
            return Err(PasskeyRefusal::UserHandle);
        }
        self.check_client_data(ceremony)?;
        let data = AuthenticatorData::read(&self.authenticator_data)?;
        check_flags(&data, ceremony)?;
        if data.attested.is_some() {
            return Err(PasskeyRefusal::AttestedCredential);
        }
        if data.backup_eligible() != stored.backup_eligible {
            return Err(PasskeyRefusal::BackupEligibilityChanged);
        }
        let key = PublicKey::from_cose(stored.cose).ok_or(PasskeyRefusal::KeyMalformed)?;
        let message = [self.authenticator_data.as_slice(), &sha256(&self.client_data)].concat();
        if !verifier.verifies(&key, &message, &self.signature) {
            return Err(PasskeyRefusal::Signature);
        }
        if (data.counter != 0 || stored.counter != 0) && data.counter <= stored.counter {
            return Err(PasskeyRefusal::Counter);
        }
        Ok(UsedCredential { counter: data.counter, backed_up: data.backed_up() })
    }
}

#[cfg(test)]
pub(crate) mod tests;
