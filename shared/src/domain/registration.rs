//! Account registration: from a filled form to a proven account.
//!
//! 1. [`start`]: two writes and no read. Whether the address has an account is not even looked at (security 107); `events` does,
//!    and mails either a code or a notice to its owner.
//! 2. [`resend`]: a new generation of the code; older ones die.
//! 3. [`verify`]: the proof comes, typed or by link, and the account is made; or one try is gone.
//! 4. [`disown`]: the owner of the address did not ask for this, and ends it.
//!
//! No account exists before its proof, so there is nothing to take over beforehand (security 103).

mod application;

use super::account::{AccountStatus, Authentication, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use super::amr::Amr;
use super::change::{Change, Changes, Decision};
use super::consent::AcceptedTerms;
use super::credential::PasswordCredential;
use super::failure_window::FailureWindow;
use super::flow::{Flow, FlowPurpose, FlowState, IDENTIFIER_TRIES_A_DAY, MAX_RESENDS, MAX_TRIES};
use super::id::{AccountId, ClientId, FlowId, Sub};
use super::identifier::IdentifierHash;
use super::known_device::KnownDevice;
use super::linked_identity::LinkedIdentity;
use super::profile::{Claims, Profile};
use super::roles::Roles;
use super::secret::{PasswordHash, SecretHash};
use super::session::{NewSession, Session};
use super::tenant::SessionPolicy;
use super::time::{Span, Timestamp};
use super::verbs::NewAccount;
use serde::{Deserialize, Serialize};

pub use application::{Application, ApplicationFlaw, Checked};

/// How long an address can be proven.
pub const LIFETIME: Span = Span::minutes(30);
/// How long the pending data key outlives its flow: a proof at the last moment still finds it.
const DATA_KEY_MARGIN: Span = Span::minutes(30);

/// What a pending registration holds, sealed under its data key in the flow item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingRegistration {
    /// The canonical e-mail address.
    pub email: String,
    /// The address as it was typed, where that is another text: a former directory may tell names apart by case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
    /// The claims of the form.
    pub claims: Claims,
    /// The hash of the chosen password.
    pub password: PasswordHash,
    /// What was accepted.
    pub terms: Vec<AcceptedTerms>,
}

/// Everything that a registration begins with.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// Fresh.
    pub flow: FlowId,
    /// Fresh: the account that the proof will make.
    pub account: AccountId,
    /// The address to prove.
    pub identifier: IdentifierHash,
    /// 128 fresh random bits.
    pub seed: [u8; 16],
    /// Version of the code key.
    pub code_key_version: u32,
    /// The browser that begins it; none for the API.
    pub browser: Option<SecretHash>,
    /// The client that the person comes from.
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

/// Begins a registration: the data key, then the flow. Gives the end of the flow.
pub fn start(new: NewRegistration, now: Timestamp) -> Decision<Timestamp> {
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
    Decision { changes: Changes::one(Change::create_data_key(data_key)).then(Change::begin_flow(flow)), outcome: expires_at }
}

/// Why a registration can't go on. To the caller of the API all of it is one `invalid_code`; a page may say more, to the browser
/// that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowOver {
    /// Its time is up.
    Expired,
    /// Every try is used.
    NoTriesLeft,
    /// It was proven before.
    Completed,
    /// The owner of the address ended it.
    Disowned,
    /// It is no registration.
    OtherPurpose,
}

/// Whether a registration can still be proven.
///
/// # Errors
/// Why not.
pub fn check_open(flow: &Flow, now: Timestamp) -> Result<(), FlowOver> {
    match (flow.purpose, flow.state) {
        (FlowPurpose::Recovery, _) => Err(FlowOver::OtherPurpose),
        (FlowPurpose::Registration, FlowState::Completed) => Err(FlowOver::Completed),
        (FlowPurpose::Registration, FlowState::Ended) => Err(FlowOver::Disowned),
        // Expiry is judged here; the TTL of the item only sweeps up (security 131).
        (FlowPurpose::Registration, FlowState::Open) if now >= flow.expires_at => Err(FlowOver::Expired),
        (FlowPurpose::Registration, FlowState::Open) if flow.tries >= MAX_TRIES => Err(FlowOver::NoTriesLeft),
        (FlowPurpose::Registration, FlowState::Open) => Ok(()),
    }
}

/// How the proof came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// Typed: six digits can be guessed, so every one takes a try of the address before it is evaluated.
    Code,
    /// By a link of 256 bits: nothing to guess, so strangers' attempts lock nobody out.
    Link,
}

/// Whose a proven address is.
#[derive(Debug, Clone)]
pub enum Proven {
    /// Theirs, who have an account from now on.
    Person(Box<ProvenPerson>),
    /// Somebody's whom the former directory does not let go: who proved the address has an account there, and gets no second one here.
    Stays,
}

/// What the proof makes of a pending registration, opened and sealed again under the same data key.
#[derive(Debug, Clone)]
pub struct ProvenPerson {
    /// Fresh, or the former directory's own by the tenant's choice.
    pub sub: Sub,
    /// Who they were in the former directory, if it knows them.
    pub link: Option<LinkedIdentity>,
    /// What their groups there become.
    pub roles: Roles,
    /// The claims, the proven address among them, sealed as a profile.
    pub claims: Sealed,
    /// The hash of the chosen password.
    pub password: PasswordHash,
    /// What was accepted.
    pub terms: Vec<AcceptedTerms>,
    /// The pending data key, as it was read.
    pub data_key: WrappedDataKey,
    /// The browser that began the registration signs in at once.
    pub sign_in: Option<SignInAfterProof>,
}

/// The session that opens with the account.
#[derive(Debug, Clone)]
pub struct SignInAfterProof {
    /// Fresh.
    pub session: NewSession,
    /// The first 8 bytes of the SHA-256 of the device's id.
    pub device: u64,
    /// The tenant's lifetimes.
    pub policy: SessionPolicy,
}

/// What came of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The account exists.
    Created {
        /// Its subject identifier.
        sub: Sub,
        /// The session that opened with it.
        session: Option<Session>,
    },
    /// The address got an account meanwhile.
    AlreadyRegistered,
    /// The former directory has an account of this address that can't be taken over.
    Stays,
    /// The proof is wrong.
    Wrong {
        /// Typed codes that are left.
        tries_left: u8,
    },
    /// Nothing is evaluated any more.
    Over(FlowOver),
}

/// Decides on a proof. `proven` is given when the proof is right; `owner` when the address was found to have an account, which is
/// looked up only after a conflict.
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
    let counted = match kind {
        ProofKind::Code => Changes::one(Change::count_identifier_try(flow.identifier, now, IDENTIFIER_TRIES_A_DAY)),
        ProofKind::Link => Changes::default(),
    };
    let Some(proven) = proven else {
        let wrong = match kind {
            ProofKind::Code => Flow { tries: flow.tries + 1, version: flow.version + 1, ..flow.clone() },
            ProofKind::Link => return Decision::unchanged(Verified::Wrong { tries_left: MAX_TRIES - flow.tries }),
        };
        let tries_left = MAX_TRIES.saturating_sub(wrong.tries);
        return Decision { changes: counted.then(Change::count_flow_try(wrong)), outcome: Verified::Wrong { tries_left } };
    };
    if owner.is_some() {
        return Decision::unchanged(Verified::AlreadyRegistered);
    }
    let person = match proven {
        Proven::Person(person) => *person,
        Proven::Stays => return Decision::unchanged(Verified::Stays),
    };
    let sub = person.sub;
    let (account, session) = new_account(flow, person, now);
    let mut changes = counted.then(Change::create_account(account));
    if let Some(session) = &session {
        changes = changes.then(Change::open_session(session.clone()));
    }
    Decision { changes, outcome: Verified::Created { sub, session } }
}

fn new_account(flow: &Flow, person: ProvenPerson, now: Timestamp) -> (NewAccount, Option<Session>) {
    let known = person.sign_in.as_ref().map(|sign_in| KnownDevice { id: sign_in.device, failures: FailureWindow::default() });
    let authentication = Authentication {
        account: flow.account,
        sub: person.sub,
        status: AccountStatus::Active,
        epoch: 1,
        // Who is known elsewhere leaves their sign-ins there behind, with their password.
        epoch_began_at: person.link.is_some().then_some(now),
        identifier: flow.identifier,
        created_at: now,
        failures: FailureWindow::default(),
        devices: known.into_iter().collect(),
        password_home: PasswordHome::Here,
        roles: person.roles,
        legal_hold: None,
        version: 1,
    };
    let session = person
        .sign_in
        .map(|sign_in| Session::open(sign_in.session, &authentication, vec![Amr::Pwd, Amr::Otp], &sign_in.policy, now));
    let account = NewAccount {
        identifier: flow.identifier,
        link: person.link,
        password: PasswordCredential { account: flow.account, hash: person.password, changed_at: now, version: 1 },
        profile: Profile {
            account: flow.account,
            claims: person.claims,
            updated_at: now,
            email_change: None,
            email_undos: Vec::new(),
            version: 1,
        },
        terms: person.terms,
        // What the flow held lives on in the account; nothing of it stays behind.
        flow: Flow { state: FlowState::Completed, payload: None, version: flow.version + 1, ..flow.clone() },
        data_key: WrappedDataKey { state: DataKeyState::Account, ..person.data_key },
        authentication,
    };
    (account, session)
}

/// What came of the wish for a new code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// It is on its way.
    Sent {
        /// New codes that are left after it.
        left: u8,
    },
    /// Every new code is used.
    NoneLeft,
    /// There is nothing to prove any more.
    Over(FlowOver),
}

/// Sends a new code: the generation rises, so that the codes and links before it die. Tries are not given back.
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

/// Ends a registration that the owner of the address did not ask for; one that is over stays as it is.
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
