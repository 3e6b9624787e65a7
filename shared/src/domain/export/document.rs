//! The shape of `export.json`. It has no member for a secret, a hash of one, a seed, a version or a stamp: what is not here is not
//! given out. The JSON Schema that ships with an export describes the same.

use crate::domain::amr::Amr;
use crate::domain::audit::EventKind;
use crate::domain::id::{ClientId, RequestId, SessionId, Sub};
use crate::domain::oauth::grant::RevocationReason;
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::roles::Roles;
use crate::domain::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A moment as people and programs read it: RFC 3339, UTC, milliseconds.
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
    /// The schema that it follows: a file beside it.
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    /// Who made it: the issuer of the tenant.
    pub issuer: String,
    /// Of which moment it is.
    pub as_of: Moment,
    /// BCP 47 locale of labels and names in it.
    pub locale: String,
    /// The account.
    pub account: ExportedAccount,
    /// What it signs in with.
    pub identifiers: Vec<ExportedIdentifier>,
    /// What it says about the person.
    pub profile: ExportedProfile,
    /// The change of address that waits for its proof.
    pub email_change: Option<ExportedEmailChange>,
    /// Former addresses that can still take their place again.
    pub former_emails: Vec<ExportedFormerEmail>,
    /// Who the person is elsewhere.
    pub linked_identities: Vec<ExportedLinkedIdentity>,
    /// What protects the sign-in.
    pub sign_in: ExportedSignIn,
    /// Signed-in browsers.
    pub sessions: Vec<ExportedSession>,
    /// What applications may do.
    pub grants: Vec<ExportedGrant>,
    /// What applications were allowed.
    pub consents: Vec<ExportedConsent>,
    /// The terms that were accepted.
    pub terms: Vec<ExportedTerms>,
    /// What happened.
    pub history: ExportedHistory,
}

/// The account.
#[derive(Clone, Serialize)]
pub struct ExportedAccount {
    /// The subject identifier in tokens.
    pub sub: Sub,
    /// `active`, `disabled`, `erasure_due` or `erased`.
    pub status: &'static str,
    /// Since when there is an account.
    pub created_at: Moment,
    /// What the person is to the company's own applications.
    pub roles: Roles,
    /// Since when a legal hold keeps it from being erased.
    pub legal_hold_since: Option<Moment>,
}

/// What a person signs in with.
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

/// A change of address that waits for its proof.
#[derive(Clone, Serialize)]
pub struct ExportedEmailChange {
    /// The new address.
    pub email: String,
    /// Wrong codes so far.
    pub wrong_codes: u8,
    /// Locale of its mail.
    pub locale: String,
    /// When it ends by itself.
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
    /// Until when it can take its place again.
    pub undo_until: Moment,
}

/// The account's identity at another identity provider.
#[derive(Clone, Serialize)]
pub struct ExportedLinkedIdentity {
    /// The provider's issuer identifier.
    pub issuer: String,
    /// Its subject identifier of the person.
    pub subject: String,
    /// Since when the account is known to be that person's.
    pub linked_at: Moment,
}

/// What protects the sign-in.
#[derive(Clone, Serialize)]
pub struct ExportedSignIn {
    /// Failed sign-ins in a row, from devices that are not known.
    pub failed: ExportedFailures,
    /// Devices that signed in before, most recent first.
    pub known_devices: Vec<ExportedDevice>,
}

/// Failed sign-ins in a row.
#[derive(Clone, Default, Serialize)]
pub struct ExportedFailures {
    /// How many.
    pub count: u32,
    /// The last one.
    pub last_at: Option<Moment>,
}

/// A device that signed in before.
#[derive(Clone, Serialize)]
pub struct ExportedDevice {
    /// A number that names it, 16 hexadecimal digits: the browser's cookie has what it is made of.
    pub device: String,
    /// Its failed sign-ins in a row.
    pub failed: ExportedFailures,
}

/// A signed-in browser.
#[derive(Clone, Serialize)]
pub struct ExportedSession {
    /// Its id.
    pub sid: SessionId,
    /// `live`, `ended` (signed out, or ended by a change of password or address) or `expired`.
    pub status: &'static str,
    /// The browser in words.
    pub device: Option<String>,
    /// The network that it signed in from, without the part that names one household.
    pub network: Option<String>,
    /// When it was opened.
    pub created_at: Moment,
    /// When the person proved who they are.
    pub auth_time: Moment,
    /// How (RFC 8176).
    pub amr: Vec<Amr>,
    /// When it was last used, right to the hour.
    pub last_used_at: Moment,
    /// The end unless used before.
    pub idle_expires_at: Moment,
    /// The end in any case.
    pub expires_at: Moment,
    /// When it was signed out.
    pub ended_at: Option<Moment>,
}

/// What one application may do.
#[derive(Clone, Serialize)]
pub struct ExportedGrant {
    /// The application.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// `code_issued`, `active`, `ended` (with its session, or by a change of password or address), `expired` or `revoked`.
    pub status: &'static str,
    /// The subject identifier that it was told.
    pub sub: Sub,
    /// The session that it came from.
    pub sid: SessionId,
    /// What it may do.
    pub scope: ScopeSet,
    /// Whom its access tokens are for.
    pub audience: String,
    /// Where the person was sent back to.
    pub redirect_uri: Option<String>,
    /// Since when.
    pub since: Moment,
    /// When the person had proven who they are.
    pub auth_time: Moment,
    /// How (RFC 8176).
    pub amr: Vec<Amr>,
    /// When the application took it up.
    pub redeemed_at: Option<Moment>,
    /// Its refresh token, if it has one.
    pub refresh: Option<ExportedRefresh>,
    /// When it was revoked.
    pub revoked_at: Option<Moment>,
    /// Why.
    pub revocation_reason: Option<RevocationReason>,
    /// The end in any case.
    pub expires_at: Moment,
}

/// The use of a refresh token.
#[derive(Clone, Serialize)]
pub struct ExportedRefresh {
    /// Which one of its family is live, from 1.
    pub generation: u32,
    /// When it became the live one.
    pub last_rotated_at: Moment,
    /// The end unless used before.
    pub idle_expires_at: Moment,
}

/// What an application was allowed.
#[derive(Clone, Serialize)]
pub struct ExportedConsent {
    /// The application.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// For what.
    pub scope: ScopeSet,
    /// Since when.
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
}

/// What happened, newest first.
#[derive(Clone, Default, Serialize)]
pub struct ExportedHistory {
    /// Whether there are older records than these.
    pub truncated: bool,
    /// The records.
    pub records: Vec<ExportedRecord>,
}

/// One thing that happened.
#[derive(Clone, Serialize)]
pub struct ExportedRecord {
    /// Its id.
    pub id: String,
    /// What.
    pub event: EventKind,
    /// When.
    pub at: Moment,
    /// The request that it happened in, as the log names it.
    pub request_id: RequestId,
    /// Through which application.
    pub client_id: Option<ClientId>,
    /// Keyed hash of the caller's address: equal ones came from one network.
    pub address_hash: Option<String>,
}
