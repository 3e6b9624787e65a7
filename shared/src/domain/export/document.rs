//! The structure of `export.json`. It has no member for a secret, a hash of a secret, a seed, a version or a stamp. A value
//! without a member is not exported. The JSON Schema in the export describes the same structure.

use crate::domain::amr::Amr;
use crate::domain::audit::EventKind;
use crate::domain::id::{ClientId, RequestId, SessionId, Sub};
use crate::domain::oauth::grant::RevocationReason;
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::roles::Roles;
use crate::domain::sign_in::method::Method;
use crate::domain::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A timestamp for people and programs: RFC 3339, UTC, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// `export.json`. Personal data: it does not print.
#[derive(Clone, Serialize)]
pub struct Document {
    /// Its schema: a file in the same export.
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    /// The issuer of the tenant that made the export.
    pub issuer: String,
    /// The time of the snapshot.
    pub as_of: Moment,
    /// BCP 47 locale of labels and names in it.
    pub locale: String,
    /// The account.
    pub account: ExportedAccount,
    /// The identifiers for sign-in.
    pub identifiers: Vec<ExportedIdentifier>,
    /// The claims of the user.
    pub profile: ExportedProfile,
    /// The pending change of address.
    pub email_change: Option<ExportedEmailChange>,
    /// Former addresses that can still be restored.
    pub former_emails: Vec<ExportedFormerEmail>,
    /// The user's identities at other providers.
    pub linked_identities: Vec<ExportedLinkedIdentity>,
    /// The passkeys.
    pub passkeys: Vec<ExportedPasskey>,
    /// The protection of the sign-in.
    pub sign_in: ExportedSignIn,
    /// Signed-in browsers.
    pub sessions: Vec<ExportedSession>,
    /// The grants of applications.
    pub grants: Vec<ExportedGrant>,
    /// The consents to applications.
    pub consents: Vec<ExportedConsent>,
    /// The accepted terms.
    pub terms: Vec<ExportedTerms>,
    /// The audit records.
    pub history: ExportedHistory,
}

/// The account.
#[derive(Clone, Serialize)]
pub struct ExportedAccount {
    /// The subject identifier in tokens.
    pub sub: Sub,
    /// `active`, `disabled`, `erasure_due` or `erased`.
    pub status: &'static str,
    /// When the account was created.
    pub created_at: Moment,
    /// The user's roles in the company's own applications.
    pub roles: Roles,
    /// When the legal hold was placed that prevents the erasure.
    pub legal_hold_since: Option<Moment>,
}

/// An identifier for sign-in.
#[derive(Clone, Serialize)]
pub struct ExportedIdentifier {
    /// `email`.
    pub r#type: &'static str,
    /// The address.
    pub value: String,
    /// Whether it was proven.
    pub verified: bool,
}

/// The profile.
#[derive(Clone, Serialize)]
pub struct ExportedProfile {
    /// When it last changed.
    pub updated_at: Moment,
    /// The claims by their OpenID Connect names, custom ones by the names of the registration form.
    pub claims: Map<String, Value>,
    /// The labels of claims that are fields of the registration form.
    pub labels: BTreeMap<String, String>,
}

/// A pending change of address.
#[derive(Clone, Serialize)]
pub struct ExportedEmailChange {
    /// The new address.
    pub email: String,
    /// Wrong codes so far.
    pub wrong_codes: u8,
    /// Locale of its mail.
    pub locale: String,
    /// When it expires.
    pub expires_at: Moment,
}

/// A former address.
#[derive(Clone, Serialize)]
pub struct ExportedFormerEmail {
    /// The address.
    pub email: String,
    /// Locale of its mail.
    pub locale: String,
    /// When it was replaced.
    pub changed_at: Moment,
    /// Until when it can be restored.
    pub undo_until: Moment,
}

/// The account's identity at another identity provider.
#[derive(Clone, Serialize)]
pub struct ExportedLinkedIdentity {
    /// The provider's issuer identifier.
    pub issuer: String,
    /// Its subject identifier of the user.
    pub subject: String,
    /// When the identity was linked to the account.
    pub linked_at: Moment,
}

/// A passkey. Its public key and its id are of no use to its user.
#[derive(Clone, Serialize)]
pub struct ExportedPasskey {
    /// The SHA-256 of its credential id, base64url.
    pub id_hash: String,
    /// The name that the user gave it.
    pub name: Option<String>,
    /// The make of the authenticator, if it is well known.
    pub provider: Option<&'static str>,
    /// The make as the authenticator states it (AAGUID), in hexadecimal.
    pub aaguid: String,
    /// The transports of the authenticator.
    pub transports: Vec<&'static str>,
    /// Whether its provider synchronizes it.
    pub synced: bool,
    /// The site that it was made for.
    pub rp_id: String,
    /// When it was added.
    pub created_at: Moment,
    /// When it was last used.
    pub last_used_at: Option<Moment>,
    /// When it was removed.
    pub removed_at: Option<Moment>,
}

/// The protection of the sign-in.
#[derive(Clone, Serialize)]
pub struct ExportedSignIn {
    /// Consecutive failed sign-ins from unknown devices.
    pub failed: ExportedFailures,
    /// Devices that signed in before, most recent first.
    pub known_devices: Vec<ExportedDevice>,
}

/// Consecutive failed sign-ins.
#[derive(Clone, Default, Serialize)]
pub struct ExportedFailures {
    /// The number.
    pub count: u32,
    /// The time of the last one.
    pub last_at: Option<Moment>,
}

/// A device that signed in before.
#[derive(Clone, Serialize)]
pub struct ExportedDevice {
    /// The device number, 16 hexadecimal digits. It derives from the browser's cookie.
    pub device: String,
    /// Its consecutive failed sign-ins.
    pub failed: ExportedFailures,
    /// Until when no second step is asked for on it, if the user chose so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remembered_until: Option<Moment>,
}

/// A signed-in browser.
#[derive(Clone, Serialize)]
pub struct ExportedSession {
    /// Its id.
    pub sid: SessionId,
    /// `live`, `ended` (signed out, or ended by a change of password or address) or `expired`.
    pub status: &'static str,
    /// A description of the browser.
    pub device: Option<String>,
    /// The network of the sign-in, without the part that identifies a household.
    pub network: Option<String>,
    /// When it was opened.
    pub created_at: Moment,
    /// When the user authenticated.
    pub auth_time: Moment,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<Amr>,
    /// What was proven, and when.
    pub proofs: Vec<ExportedProof>,
    /// When it was last used, accurate to the hour.
    pub last_used_at: Moment,
    /// The idle expiry.
    pub idle_expires_at: Moment,
    /// The absolute expiry.
    pub expires_at: Moment,
    /// When it was signed out.
    pub ended_at: Option<Moment>,
}

/// One proof of a sign-in.
#[derive(Clone, Serialize)]
pub struct ExportedProof {
    /// The method: `pwd` or `mail`.
    pub method: Method,
    /// When.
    pub at: Moment,
}

/// The grant of one application.
#[derive(Clone, Serialize)]
pub struct ExportedGrant {
    /// The application.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// `code_issued`, `active`, `ended` (with its session, or by a change of password or address), `expired` or `revoked`.
    pub status: &'static str,
    /// The subject identifier that the application received.
    pub sub: Sub,
    /// The session of the grant.
    pub sid: SessionId,
    /// The granted scopes.
    pub scope: ScopeSet,
    /// The audience of its access tokens.
    pub audience: String,
    /// The redirect URI of the authorization.
    pub redirect_uri: Option<String>,
    /// When it was created.
    pub since: Moment,
    /// When the user had authenticated.
    pub auth_time: Moment,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<Amr>,
    /// What was proven, and when.
    pub proofs: Vec<ExportedProof>,
    /// When the application redeemed the code.
    pub redeemed_at: Option<Moment>,
    /// Its refresh token, if it has one.
    pub refresh: Option<ExportedRefresh>,
    /// When it was revoked.
    pub revoked_at: Option<Moment>,
    /// The reason.
    pub revocation_reason: Option<RevocationReason>,
    /// The absolute expiry.
    pub expires_at: Moment,
}

/// The state of a refresh token.
#[derive(Clone, Serialize)]
pub struct ExportedRefresh {
    /// The generation of the live token of its family, from 1.
    pub generation: u32,
    /// When this token became the live one.
    pub last_rotated_at: Moment,
    /// The idle expiry.
    pub idle_expires_at: Moment,
}

/// The consent to one application.
#[derive(Clone, Serialize)]
pub struct ExportedConsent {
    /// The application.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// The allowed scopes.
    pub scope: ScopeSet,
    /// When it was given.
    pub granted_at: Moment,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Moment>,
}

/// Accepted terms.
#[derive(Clone, Serialize)]
pub struct ExportedTerms {
    /// The document's name in the tenant document.
    pub document: String,
    /// Its title.
    pub title: String,
    /// The version that was shown.
    pub version: String,
    /// When it was accepted.
    pub accepted_at: Moment,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Moment>,
    /// The locale that it was shown in.
    pub locale: Option<String>,
    /// Whether the text that was accepted is evidenced, by its hash.
    pub is_text_evidenced: bool,
    /// The SHA-256 of the text in this locale, in hexadecimal.
    pub sha256: Option<String>,
    /// Where the text was linked, if it is not evidenced.
    pub url: Option<String>,
}

/// Audit records, newest first.
#[derive(Clone, Default, Serialize)]
pub struct ExportedHistory {
    /// Whether there are older records than these.
    pub truncated: bool,
    /// The records.
    pub records: Vec<ExportedRecord>,
}

/// One audit record.
#[derive(Clone, Serialize)]
pub struct ExportedRecord {
    /// Its id.
    pub id: String,
    /// The event.
    pub event: EventKind,
    /// When it happened.
    pub at: Moment,
    /// Whether it is a sign-in on a device that the account did not know.
    #[serde(default, skip_serializing_if = "crate::domain::account::is_false")]
    pub new_device: bool,
    /// The request id, as in the log.
    pub request_id: RequestId,
    /// The application.
    pub client_id: Option<ClientId>,
    /// Keyed hash of the caller's network address: equal values mean the same network.
    pub address_hash: Option<String>,
}
