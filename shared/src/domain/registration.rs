//! Account registration: from a submitted form to a proven account.
//!
//! 1. [`start`]: two writes and no read. It does not look up whether the address has an account (security 107). `events` does,
//!    and mails either a code or a notice to the owner of the address.
//! 2. [`resend`]: a new generation of the code. Older codes become invalid.
//! 3. [`verify`]: the proof, typed or by link. A right one creates the account; a wrong code uses one try.
//! 4. [`disown`]: the owner of the address did not request this, and ends it.
//!
//! An account without a password is made with its first passkey in one transaction, or needs mailed codes to be a way in.
//!
//! No account exists before its proof, so an attacker cannot prepare one for an address of another user (security 103).

mod application;

use super::account::{AccountState, AccountStatus, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use super::change::{Change, Changes, Decision};
use super::consent::AcceptedTerms;
use super::credential::PasswordCredential;
use super::delivery::MailPurpose;
use super::failure_window::FailureWindow;
use super::flow::{Completion, Flow, FlowPurpose, FlowState, MAX_RESENDS, MAX_TRIES};
use super::id::{AccountId, ClientId, FlowId, Sub};
use super::identifier::IdentifierHash;
use super::known_device::KnownDevice;
use super::linked_identity::LinkedIdentity;
use super::mail_limit::CodeLimit;
use super::passkey::Passkey;
use super::profile::{Claims, Profile};
use super::roles::Roles;
use super::satisfied::Requirements;
use super::secret::{PasswordHash, SecretHash};
use super::session::{NewSession, Session};
use super::sign_in::complete::{NewSignIn, Remembering, complete_first};
use super::sign_in::methods::{mail_code, password};
use super::tenant::{SecondFactorPolicy, SessionPolicy};
use super::time::{Span, Timestamp};
use super::verbs::NewAccount;
use crate::domain::sign_in::factors::Factors;
use serde::{Deserialize, Serialize};

pub use application::{Application, ApplicationFlaw, Checked};

/// How long an address can be proven.
pub const LIFETIME: Span = Span::minutes(30);
/// How long the pending data key outlives its flow, so that a proof at the last moment still finds it.
const DATA_KEY_MARGIN: Span = Span::minutes(30);

/// The data of a pending registration, sealed under its data key in the flow item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingRegistration {
    /// The canonical e-mail address.
    pub email: String,
    /// The address as typed, if it differs: a legacy directory may have case-sensitive usernames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
    /// The claims of the form.
    pub claims: Claims,
    /// The hash of the chosen password, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
}

/// The data of a new registration.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// Fresh.
    pub flow: FlowId,
    /// Fresh: the account that the proof creates.
    pub account: AccountId,
    /// The address to prove.
    pub identifier: IdentifierHash,
    /// 128 fresh random bits.
    pub seed: [u8; 16],
    /// Version of the code key.
    pub code_key_version: u32,
    /// The browser that starts it; none for the API.
    pub browser: Option<SecretHash>,
    /// The client that the user comes from.
    pub client_id: ClientId,
    /// BCP 47 locale of pages and mails.
    pub locale: String,
    /// The authorize query to go back to.
    pub continue_to: Option<String>,
    /// [`PendingRegistration`], sealed.
    pub payload: Sealed,
    /// The fresh data key, wrapped: its bytes and the keyring's version.
    pub data_key: (Vec<u8>, u32),
}

/// Starts a registration: its mail is counted, then come the data key and the flow. At the limit nothing is written: a code exists only
/// if its mail goes out. Returns the expiry of the flow.
pub fn start(new: NewRegistration, code: CodeLimit, now: Timestamp) -> Decision<Timestamp> {
    let expires_at = now + LIFETIME;
    let (wrapped, keyring_version) = new.data_key;
    let data_key = WrappedDataKey {
        account: new.account,
        wrapped,
        keyring_version,
        state: DataKeyState::Pending { expires_at: expires_at + DATA_KEY_MARGIN },
    };
    let flow = Flow {
        id: new.flow,
        purpose: FlowPurpose::Registration,
        account: new.account,
        identifier: new.identifier,
        seed: new.seed.to_vec(),
        code_key_version: new.code_key_version,
        completion: None,
        long_code: matches!(code, CodeLimit::Long(_)),
        generation: 0,
        tries: 0,
        state: FlowState::Open,
        browser: new.browser,
        client_id: new.client_id,
        locale: new.locale,
        continue_to: new.continue_to,
        payload: Some(new.payload),
        created_at: now,
        expires_at,
        version: 1,
    };
    let counted = Change::count_code(code, MailPurpose::Registration, flow.identifier, now);
    let changes = Changes::one(counted).then(Change::create_data_key(data_key)).then(Change::begin_flow(flow));
    Decision { changes, outcome: expires_at }
}

/// Why a registration cannot continue. The API answers `invalid_code` for each of these; a page may say more, to the browser that
/// started the registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowOver {
    /// It has expired.
    Expired,
    /// All tries are used.
    NoTriesLeft,
    /// It was completed before.
    Completed,
    /// The owner of the address ended it.
    Disowned,
    /// It is not a registration.
    OtherPurpose,
}

/// Whether a registration can still be proven.
///
/// # Errors
/// Why not.
pub fn check_open(flow: &Flow, now: Timestamp) -> Result<(), FlowOver> {
    match (flow.purpose, flow.state) {
        (FlowPurpose::Recovery | FlowPurpose::SignIn, _) => Err(FlowOver::OtherPurpose),
        (FlowPurpose::Registration, FlowState::Completed) => Err(FlowOver::Completed),
        (FlowPurpose::Registration, FlowState::Ended) => Err(FlowOver::Disowned),
        // Expiry is checked here. The TTL of the item is only garbage collection (security 131).
        (FlowPurpose::Registration, FlowState::Open) if now >= flow.expires_at => Err(FlowOver::Expired),
        (FlowPurpose::Registration, FlowState::Open) if flow.tries >= MAX_TRIES => Err(FlowOver::NoTriesLeft),
        (FlowPurpose::Registration, FlowState::Open) => Ok(()),
    }
}

/// How the proof was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// Typed: a wrong one uses one of the flow's tries.
    Code,
    /// By a link of 256 bits: it cannot be guessed, so wrong links lock no user out.
    Link,
}

/// The owner of a proven address.
#[derive(Debug, Clone)]
pub enum Proven {
    /// A user who gets an account.
    Person(Box<ProvenPerson>),
    /// A user with a legacy account that cannot be imported. They proved the address, but get no second account here.
    Stays,
}

/// The user of a completed registration. The pending data is opened, and sealed again under the same data key.
#[derive(Debug, Clone)]
pub struct ProvenPerson {
    /// Fresh, or the legacy directory's own, by the tenant's choice.
    pub sub: Sub,
    /// Their legacy identity, if the legacy directory knows them.
    pub link: Option<LinkedIdentity>,
    /// The roles from their groups in the legacy directory.
    pub roles: Roles,
    /// The claims, the proven address among them, sealed as a profile.
    pub claims: Sealed,
    /// The hash of the chosen password, if there is one.
    pub password: Option<PasswordHash>,
    /// The passkey that was created on the way, if there is one.
    pub passkey: Option<Passkey>,
    /// Whether a mailed code opens the account. Without it, a password and a passkey there would be no way in.
    pub opens_by_mail: bool,
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
    /// The requirements of the tenant document, if claims and terms satisfy them.
    pub satisfied: Option<Requirements>,
    /// The pending data key, as it was read.
    pub data_key: WrappedDataKey,
    /// The hash of the request's `Idempotency-Key`, if it has one.
    pub repeat_key: Option<SecretHash>,
    /// The sign-in of the browser that started the registration.
    pub sign_in: Option<SignInAfterProof>,
}

/// The session that is opened with the account.
#[derive(Debug, Clone)]
pub struct SignInAfterProof {
    /// Fresh.
    pub session: NewSession,
    /// The first 8 bytes of the SHA-256 of the device's id.
    pub device: u64,
    /// The tenant's lifetimes.
    pub policy: SessionPolicy,
}

/// The outcome of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The account exists.
    Created {
        /// Its subject identifier.
        sub: Sub,
        /// The session that was opened with it.
        session: Option<Session>,
    },
    /// The same proof created the account a moment ago, in the same hands: the reply was lost.
    Repeated {
        /// The account.
        account: AccountId,
        /// Its subject identifier.
        sub: Sub,
        /// When it was created.
        at: Timestamp,
    },
    /// The proof is right, but the account would have no way in: a passkey must come with the proof. Nothing is written.
    NeedsPasskey,
    /// The address got an account in the meantime.
    AlreadyRegistered,
    /// The legacy directory has an account with this address that cannot be imported.
    Stays,
    /// The proof is wrong.
    Wrong {
        /// Typed codes that are left.
        tries_left: u8,
    },
    /// Proofs are no longer evaluated.
    Over(FlowOver),
}

/// The answer to the right proof of a registration that it completed a moment ago. The caller has found that the proof is presented where
/// the registration started: in that browser, or, without a browser, with the same `Idempotency-Key`.
#[must_use]
pub fn repeated(flow: &Flow, repeat_key: Option<&SecretHash>, now: Timestamp) -> Option<Verified> {
    let completion = flow.repeatable(now).filter(|_| flow.purpose == FlowPurpose::Registration)?;
    let is_same = flow.browser.is_some() || (repeat_key.is_some() && completion.repeat_key.as_ref() == repeat_key);
    let sub = completion.sub.filter(|_| is_same)?;
    Some(Verified::Repeated { account: flow.account, sub, at: completion.at })
}

/// Decides on a proof. `proven` is given if the proof is right. `owner` is given if the address was found to have an account,
/// which is looked up only after a conflict.
pub fn verify(
    flow: &Flow,
    kind: ProofKind,
    proven: Option<Proven>,
    owner: Option<AccountId>,
    now: Timestamp,
) -> Decision<Verified> {
    if let Err(over) = check_open(flow, now) {
        return Decision::unchanged(Verified::Over(over));
    }
    let Some(proven) = proven else {
        let wrong = match kind {
            ProofKind::Code => flow.with_wrong_code(),
            ProofKind::Link => return Decision::unchanged(Verified::Wrong { tries_left: MAX_TRIES - flow.tries }),
        };
        let tries_left = MAX_TRIES.saturating_sub(wrong.tries);
        return Decision::one(Change::count_flow_try(wrong), Verified::Wrong { tries_left });
    };
    if owner.is_some() {
        return Decision::unchanged(Verified::AlreadyRegistered);
    }
    let person = match proven {
        Proven::Person(person) => *person,
        Proven::Stays => return Decision::unchanged(Verified::Stays),
    };
    if person.password.is_none() && person.passkey.is_none() && !person.opens_by_mail {
        return Decision::unchanged(Verified::NeedsPasskey);
    }
    let sub = person.sub;
    let (account, opened) = new_account(flow, person, now);
    let (opened, session) = opened.unzip();
    let changes = std::iter::once(Change::create_account(account)).chain(opened.into_iter().flatten());
    Decision { changes: Changes(changes.collect()), outcome: Verified::Created { sub, session } }
}

fn new_account(flow: &Flow, person: ProvenPerson, now: Timestamp) -> (NewAccount, Option<(Vec<Change>, Session)>) {
    let known = person.sign_in.as_ref().map(|sign_in| KnownDevice::new(sign_in.device));
    let authentication = AccountState {
        account: flow.account,
        sub: person.sub,
        status: AccountStatus::Active,
        epoch: 1,
        // Sign-ins and password of a legacy user at the legacy directory are not valid here.
        epoch_began_at: person.link.is_some().then_some(now),
        identifier_since: None,
        identifier: flow.identifier,
        created_at: now,
        failures: FailureWindow::default(),
        devices: known.into_iter().collect(),
        password_home: PasswordHome::Here,
        roles: person.roles,
        legal_hold: None,
        protected: false,
        factors: Factors { passkeys: u8::from(person.passkey.is_some()), ..Factors::default() },
        satisfied: person.satisfied,
        version: 1,
    };
    let chosen = person.password.as_ref().map(|_| password::proven(flow.account, now));
    let opened = person.sign_in.and_then(|sign_in| {
        let evidence = std::iter::once(mail_code::proven_by_registration(flow.account, now)).chain(chosen).collect();
        let SignInAfterProof { session, device, policy } = sign_in;
        let new = NewSignIn {
            session,
            device,
            replaced: None,
            policy: &policy,
            second_factor: SecondFactorPolicy::Optional,
            keeps_expiry: false,
            attempt: None,
            remembering: Remembering::Off,
        };
        complete_first(&authentication, evidence, new, now)
    });
    let account = NewAccount {
        identifier: flow.identifier,
        link: person.link,
        password: person.password.map(|hash| PasswordCredential { account: flow.account, hash, changed_at: now, version: 1 }),
        passkey: person.passkey,
        profile: Profile {
            account: flow.account,
            claims: person.claims,
            updated_at: now,
            email_change: None,
            email_undos: Vec::new(),
            email_change_starts: Vec::new(),
            spent_proof: None,
            address_proof: None,
            disowned: Vec::new(),
            version: 1,
        },
        terms: person.terms,
        // The account has the data of the flow now; the flow keeps none of it.
        flow: flow.completed(Completion { at: now, sub: Some(person.sub), repeat_key: person.repeat_key }),
        data_key: WrappedDataKey { state: DataKeyState::Account, ..person.data_key },
        authentication,
    };
    (account, opened)
}

/// The outcome of a request for a new code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// It is sent.
    Sent {
        /// How many more codes can be requested.
        left: u8,
    },
    /// No more codes can be requested.
    NoneLeft,
    /// The registration is over.
    Over(FlowOver),
}

/// Sends a new code. The generation is raised, so earlier codes and links become invalid. The tries are not reset.
pub fn resend(flow: &Flow, now: Timestamp) -> Decision<Resent> {
    if let Err(over) = check_open(flow, now) {
        return Decision::unchanged(Resent::Over(over));
    }
    if flow.generation >= MAX_RESENDS {
        return Decision::unchanged(Resent::NoneLeft);
    }
    let next = Flow { generation: flow.generation + 1, version: flow.version + 1, ..flow.clone() };
    let left = MAX_RESENDS - next.generation;
    Decision::one(Change::resend_code(next), Resent::Sent { left })
}

/// Ends a registration that the owner of the address did not request. A completed or ended one is not changed.
pub fn disown(flow: &Flow, now: Timestamp) -> Decision<()> {
    match check_open(flow, now) {
        Ok(()) | Err(FlowOver::NoTriesLeft) => {
            let ended = Flow { state: FlowState::Ended, payload: None, version: flow.version + 1, ..flow.clone() };
            Decision::one(Change::disown_flow(ended), ())
        }
        Err(FlowOver::Expired | FlowOver::Completed | FlowOver::Disowned | FlowOver::OtherPurpose) => Decision::unchanged(()),
    }
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
