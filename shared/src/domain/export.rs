//! The personal-data export of a user: the content of `export.json`.
//!
//! 1. The caller loads and opens everything ([`PersonalData`]). This module makes a [`Document`] of it.
//! 2. The content is decided by the types alone: they have no member for omitted data. `docs/export.md` lists every stored
//!    attribute with its place in the export, or the reason for its absence. A test compares this list with raw items
//!    (security 128).
//! 3. An export is a snapshot (`as_of`). [`Document::stable_part`] is the part that must be unchanged when the export is handed out.

mod document;

pub use document::*;

use super::account::{AccountState, AccountStatus};
use super::audit::Event;
use super::consent::{AcceptedTerms, Consent};
use super::failure_window::FailureWindow;
use super::id::ClientId;
use super::known_device::KnownDevice;
use super::linked_identity::{FederatedSubject, LinkedIdentity};
use super::oauth::grant::{Grant, GrantEnded, GrantState};
use super::passkey::{Passkey, provider};
use super::profile::{Claims, Profile};
use super::session::Session;
use super::sign_in::evidence::Proofs;
use super::tenant::TenantConfig;
use super::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Maximum number of audit records in one export, the newest ones. An export that omits some says so.
pub const MAX_HISTORY: usize = 1_000;

/// All data of a user, opened.
#[derive(Debug)]
pub struct PersonalData {
    /// The hot item.
    pub authentication: AccountState,
    /// The profile. The next three members are its sealed values.
    pub profile: Profile,
    /// The claims.
    pub claims: Claims,
    /// The new address of a pending change.
    pub pending_email: Option<String>,
    /// The former addresses, in the order of the profile.
    pub former_emails: Vec<String>,
    /// Linked identities.
    pub links: Vec<(LinkedIdentity, FederatedSubject)>,
    /// Sessions, ended and expired ones included, with their devices.
    pub sessions: Vec<(Session, Option<SessionDevice>)>,
    /// Grants, ended and expired ones included.
    pub grants: Vec<Grant>,
    /// Consents, withdrawn ones included.
    pub consents: Vec<Consent>,
    /// Passkeys with their names, removed ones included.
    pub passkeys: Vec<(Passkey, Option<String>)>,
    /// Accepted terms.
    pub terms: Vec<AcceptedTerms>,
    /// Audit records, newest first. There may be one more than [`MAX_HISTORY`], which shows that there are more.
    pub history: Vec<Event>,
}

/// The browser of a session. Personal data: it does not print.
#[derive(Clone, Deserialize)]
pub struct SessionDevice {
    /// A description of the browser.
    pub words: String,
    /// The network of the sign-in: an address without the part that identifies a household.
    pub address: Option<String>,
}

impl std::fmt::Debug for SessionDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionDevice(…)")
    }
}

/// The export document of this data.
#[must_use]
pub fn document(personal_data: PersonalData, config: &TenantConfig, issuer: &str, locale: &str, as_of: Timestamp) -> Document {
    let context = Context { config, issuer, locale, as_of };
    let (sessions, grants) = context.sessions_and_grants(&personal_data);
    let email = personal_data.claims.0.get("email").and_then(Value::as_str);
    let verified = personal_data.claims.0.get("email_verified").and_then(Value::as_bool).unwrap_or_default();
    let identifier = |value: &str| ExportedIdentifier { r#type: "email", value: value.to_owned(), verified };
    let labelled = config.registration.fields.iter().filter(|field| personal_data.claims.0.contains_key(&field.name));
    let former = personal_data.profile.email_undos.iter().zip(personal_data.former_emails);
    Document {
        schema: "schema.json",
        issuer: issuer.to_owned(),
        as_of: Moment(as_of),
        locale: locale.to_owned(),
        account: account(&personal_data.authentication),
        identifiers: email.map(identifier).into_iter().collect(),
        passkeys: personal_data.passkeys.into_iter().map(passkey).collect(),
        sign_in: sign_in(&personal_data.authentication),
        sessions,
        grants,
        email_change: personal_data.profile.email_change.as_ref().zip(personal_data.pending_email).map(|(change, email)| {
            ExportedEmailChange {
                email,
                wrong_codes: change.tries,
                locale: change.locale.clone(),
                expires_at: Moment(change.expires_at),
            }
        }),
        former_emails: former
            .map(|(undo, email)| ExportedFormerEmail {
                email,
                locale: undo.locale.clone(),
                changed_at: Moment(undo.changed_at),
                undo_until: Moment(undo.expires_at),
            })
            .collect(),
        linked_identities: personal_data.links.into_iter().map(linked_identity).collect(),
        profile: ExportedProfile {
            updated_at: Moment(personal_data.profile.updated_at),
            labels: labelled.map(|field| (field.name.clone(), field.label.get(locale).to_owned())).collect(),
            claims: personal_data.claims.0,
        },
        consents: personal_data.consents.into_iter().map(|consent| context.consent(consent)).collect(),
        terms: personal_data.terms.into_iter().map(|terms| context.terms(terms)).collect(),
        history: ExportedHistory {
            truncated: personal_data.history.len() > MAX_HISTORY,
            records: personal_data.history.into_iter().take(MAX_HISTORY).map(record).collect(),
        },
    }
}

impl Document {
    /// The document without the values that change by mere use (last use of a session, rotation of a refresh token, failed
    /// sign-ins) and without the history, because its newest records may still be in the stream. The rest must be unchanged when
    /// an export is handed out.
    #[must_use]
    pub fn stable_part(&self) -> Self {
        let mut stable_part = Self { history: ExportedHistory::default(), ..self.clone() };
        stable_part.sign_in.failed = ExportedFailures::default();
        for device in &mut stable_part.sign_in.known_devices {
            device.failed = ExportedFailures::default();
        }
        for session in &mut stable_part.sessions {
            session.last_used_at = session.created_at;
            session.idle_expires_at = session.expires_at;
        }
        for passkey in &mut stable_part.passkeys {
            passkey.last_used_at = None;
            passkey.synced = false;
        }
        for grant in &mut stable_part.grants {
            grant.refresh = None;
        }
        stable_part
    }
}

fn account(authentication: &AccountState) -> ExportedAccount {
    let status = match authentication.status {
        AccountStatus::Active => "active",
        AccountStatus::Disabled { .. } => "disabled",
        AccountStatus::ErasureDue { .. } => "erasure_due",
        AccountStatus::Erased { .. } => "erased",
    };
    ExportedAccount {
        sub: authentication.sub,
        status,
        created_at: Moment(authentication.created_at),
        roles: authentication.roles.clone(),
        legal_hold_since: authentication.legal_hold.map(Moment),
    }
}

fn sign_in(authentication: &AccountState) -> ExportedSignIn {
    let failed = |window: &FailureWindow| ExportedFailures { count: window.count, last_at: window.last_at.map(Moment) };
    let devices = authentication.devices.iter();
    let device = |device: &KnownDevice| ExportedDevice {
        device: format!("{:016x}", device.id),
        failed: failed(&device.failures),
        remembered_until: device.remembered_until.map(|until| Moment(until.at())),
    };
    ExportedSignIn { failed: failed(&authentication.failures), known_devices: devices.map(device).collect() }
}

fn exported(proofs: &Proofs) -> Vec<ExportedProof> {
    proofs.iter().map(|proof| ExportedProof { method: proof.method.clone(), at: Moment(proof.at) }).collect()
}

fn linked_identity((link, named): (LinkedIdentity, FederatedSubject)) -> ExportedLinkedIdentity {
    ExportedLinkedIdentity { issuer: named.issuer, subject: named.subject, linked_at: Moment(link.linked_at) }
}

fn passkey((passkey, name): (Passkey, Option<String>)) -> ExportedPasskey {
    ExportedPasskey {
        id_hash: passkey.hash().to_string(),
        name,
        provider: provider(passkey.aaguid),
        aaguid: format!("{:032x}", u128::from_be_bytes(passkey.aaguid)),
        transports: passkey.transports.names().collect(),
        synced: passkey.backed_up,
        rp_id: passkey.rp_id,
        created_at: Moment(passkey.created_at),
        last_used_at: passkey.last_used_at.map(Moment),
        removed_at: passkey.removed_at.map(Moment),
    }
}

fn record(event: Event) -> ExportedRecord {
    ExportedRecord {
        id: event.id,
        event: event.kind,
        at: Moment(event.at),
        new_device: event.is_new_device,
        request_id: event.request_id,
        client_id: event.client_id,
        address_hash: event.address_hash,
    }
}

struct Context<'a> {
    config: &'a TenantConfig,
    issuer: &'a str,
    locale: &'a str,
    as_of: Timestamp,
}

impl Context<'_> {
    fn sessions_and_grants(&self, personal_data: &PersonalData) -> (Vec<ExportedSession>, Vec<ExportedGrant>) {
        let authentication = &personal_data.authentication;
        let session = |(session, device)| self.session(session, device, authentication);
        let sessions = personal_data.sessions.iter().map(|(session, device)| (session, device.as_ref())).map(session).collect();
        let of =
            |grant: &Grant| personal_data.sessions.iter().map(|(session, _)| session).find(|session| session.id == grant.sid);
        (sessions, personal_data.grants.iter().map(|grant| self.grant(grant, of(grant), authentication)).collect())
    }
    fn session(&self, session: &Session, device: Option<&SessionDevice>, authentication: &AccountState) -> ExportedSession {
        let is_over = self.as_of >= session.expires_at || self.as_of >= session.idle_expires_at;
        let status = match session.is_live(authentication, self.as_of) {
            true => "live",
            false if session.ended_at.is_none() && is_over => "expired",
            false => "ended",
        };
        ExportedSession {
            sid: session.id,
            status,
            device: device.map(|device| device.words.clone()),
            network: device.and_then(|device| device.address.clone()),
            created_at: Moment(session.created_at),
            auth_time: Moment(session.auth_time),
            amr: session.amr.clone(),
            proofs: exported(&session.proofs()),
            last_used_at: Moment(session.last_used_at),
            idle_expires_at: Moment(session.idle_expires_at),
            expires_at: Moment(session.expires_at),
            ended_at: session.ended_at.map(Moment),
        }
    }
    fn grant(&self, grant: &Grant, session: Option<&Session>, authentication: &AccountState) -> ExportedGrant {
        let (redeemed_at, refresh) = match &grant.state {
            GrantState::Active { redeemed_at, refresh } => (Some(Moment(*redeemed_at)), refresh.as_ref()),
            GrantState::CodeIssued | GrantState::Revoked { .. } => (None, None),
        };
        let revoked = match grant.state {
            GrantState::Revoked { at, reason } => Some((Moment(at), reason)),
            GrantState::CodeIssued | GrantState::Active { .. } => None,
        };
        ExportedGrant {
            client_id: grant.client_id.clone(),
            client_name: self.client_name(&grant.client_id),
            status: self.grant_status(grant, session, authentication),
            sub: grant.sub,
            sid: grant.sid,
            scope: grant.scope.clone(),
            audience: grant.resource.clone().unwrap_or_else(|| self.issuer.to_owned()),
            redirect_uri: grant.code.as_ref().map(|code| code.redirect_uri.clone()),
            since: Moment(grant.created_at),
            auth_time: Moment(grant.auth_time),
            amr: grant.amr.clone(),
            proofs: exported(&grant.proofs()),
            redeemed_at,
            refresh: refresh.map(|token| ExportedRefresh {
                generation: token.generation,
                last_rotated_at: Moment(token.rotated_at),
                idle_expires_at: Moment(token.idle_expires_at),
            }),
            revoked_at: revoked.map(|(at, _)| at),
            revocation_reason: revoked.map(|(_, reason)| reason),
            expires_at: Moment(grant.expires_at),
        }
    }
    fn grant_status(&self, grant: &Grant, session: Option<&Session>, authentication: &AccountState) -> &'static str {
        match grant.check_live(authentication, session, self.as_of) {
            Err(GrantEnded::Revoked) => "revoked",
            Err(GrantEnded::Expired) => "expired",
            Err(GrantEnded::AccountNotActive | GrantEnded::EpochPassed | GrantEnded::SessionEnded) => "ended",
            Ok(()) if !matches!(grant.state, GrantState::CodeIssued) => "active",
            Ok(()) if grant.code.as_ref().is_some_and(|code| self.as_of < code.expires_at) => "code_issued",
            Ok(()) => "expired",
        }
    }
    fn consent(&self, consent: Consent) -> ExportedConsent {
        ExportedConsent {
            client_name: self.client_name(&consent.client_id),
            client_id: consent.client_id,
            scope: consent.scope,
            granted_at: Moment(consent.granted_at),
            withdrawn_at: consent.withdrawn_at.map(Moment),
        }
    }
    fn terms(&self, terms: AcceptedTerms) -> ExportedTerms {
        let known = self.config.registration.terms.iter().find(|known| known.document == terms.document);
        ExportedTerms {
            title: known.map_or(terms.document.as_str(), |known| known.title.get(self.locale)).to_owned(),
            document: terms.document,
            version: terms.version,
            accepted_at: Moment(terms.accepted_at),
            withdrawn_at: terms.withdrawn_at.map(Moment),
            locale: terms.locale,
            is_text_evidenced: terms.sha256.is_some(),
            sha256: terms.sha256,
            url: terms.url,
        }
    }
    /// The application's name, or its id if it is no longer registered.
    fn client_name(&self, id: &ClientId) -> String {
        let name = self.config.clients.get(id).map(|client| client.client_name.get(self.locale));
        name.filter(|name| !name.is_empty()).unwrap_or(id.as_str()).to_owned()
    }
}
