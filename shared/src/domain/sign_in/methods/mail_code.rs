//! A code that is mailed to the address of an account (security 79).
//!
//! 1. [`begin`] counts the mail, writes a flow and reads nothing, so that cost and answer are the same for every address. The stream consumer
//!    looks up the owner, if there is one, and mails the code. There is no link: the code is typed in the browser that asked for it.
//! 2. [`redeem`] takes the code: five tries for each flow, over all its generations. The account is written first, then the flow, both over
//!    their versions, and the session opens last: a code opens one session, and a conflict on the account uses up no code.
//! 3. Access to the mailbox is one factor. A protected account continues with its second step.
//! 4. The code is void if the credential or the address of the account changed after the flow began.
//! 5. An account with its password still in the legacy directory gets no code, and none opens it: that directory may have disabled the user, or
//!    ask for a second factor.

use super::password::{Authenticated, begin_second_step, show_status};
use crate::domain::account::{AccountState, PasswordHome};
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::delivery::MailPurpose;
use crate::domain::flow::{Completion, Flow, FlowPurpose, FlowState, MAX_RESENDS, MAX_TRIES};
use crate::domain::id::{AccountId, ClientId, FlowId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::mail_limit::CodeLimit;
use crate::domain::secret::SecretHash;
use crate::domain::sign_in::complete::{Completed, NewSignIn, complete};
use crate::domain::sign_in::evidence::{Evidence, Proofs};
use crate::domain::sign_in::method::Method;
use crate::domain::sign_in::policy::{Requirement, require};
use crate::domain::time::{Span, Timestamp};

#[cfg(test)]
mod tests;

/// How long a code works. A resend does not change it.
pub const LIFETIME: Span = Span::minutes(10);

/// The data of a new flow.
#[derive(Debug, Clone)]
pub struct NewMailCode {
    /// Fresh.
    pub id: FlowId,
    /// Fresh, and of no account: the owner of the address is looked up when the code comes.
    pub account: AccountId,
    /// 128 fresh random bits.
    pub seed: [u8; 16],
    /// The current version of the code key.
    pub code_key_version: u32,
    /// The address as typed, hashed.
    pub identifier: IdentifierHash,
    /// The browser that asks for it.
    pub browser: SecretHash,
    /// The client that the user came from.
    pub client_id: ClientId,
    /// Locale of the mail.
    pub locale: String,
}

/// Starts a sign-in with a mailed code, for an address that may or may not have an account. At the limit nothing is written: a code exists
/// only if its mail goes out.
pub fn begin(new: NewMailCode, code: CodeLimit, now: Timestamp) -> Decision<()> {
    let flow = Flow {
        id: new.id,
        purpose: FlowPurpose::SignIn,
        account: new.account,
        identifier: new.identifier,
        seed: new.seed.to_vec(),
        code_key_version: new.code_key_version,
        completion: None,
        long_code: matches!(code, CodeLimit::Long(_)),
        generation: 0,
        tries: 0,
        state: FlowState::Open,
        browser: Some(new.browser),
        client_id: new.client_id,
        locale: new.locale,
        continue_to: None,
        payload: None,
        created_at: now,
        expires_at: now + LIFETIME,
        version: 1,
    };
    let counted = Change::count_code(code, MailPurpose::SignInCode, flow.identifier, now);
    Decision { changes: Changes::one(counted).then(Change::begin_flow(flow)), outcome: () }
}

/// Whether a code of this flow can be typed in this browser.
#[must_use]
pub fn is_open(flow: &Flow, browser: &SecretHash, now: Timestamp) -> bool {
    is_of_browser(flow, browser) && flow.state == FlowState::Open && flow.tries < MAX_TRIES && now < flow.expires_at
}

/// Whether this browser asked for the code. No other browser can use it.
#[must_use]
pub fn is_of_browser(flow: &Flow, browser: &SecretHash) -> bool {
    flow.purpose == FlowPurpose::SignIn && flow.browser.as_ref() == Some(browser)
}

/// Whether this account can sign in with a mailed code: its password is not in the legacy directory any more.
#[must_use]
pub fn is_for(account: &AccountState) -> bool {
    account.password_home == PasswordHome::Here
}

/// The outcome of a request for another code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// It is mailed. The earlier ones are void.
    Sent,
    /// No more are sent for this flow.
    NoneLeft,
    /// The flow is over.
    Over,
}

/// Asks for another code.
pub fn resend(flow: &Flow, browser: &SecretHash, now: Timestamp) -> Decision<Resent> {
    if !is_open(flow, browser, now) {
        return Decision::unchanged(Resent::Over);
    }
    if flow.generation >= MAX_RESENDS {
        return Decision::unchanged(Resent::NoneLeft);
    }
    let next = Flow { generation: flow.generation + 1, version: flow.version + 1, ..flow.clone() };
    Decision::one(Change::resend_code(next), Resent::Sent)
}

/// The account of the flow's address. Loaded only if the code fits.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The account.
    pub account: &'a AccountState,
    /// The known device that the browser presents, if it belongs to this account.
    pub device: Option<u64>,
}

/// Why a code is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailCodeRefusal {
    /// It is wrong.
    Wrong {
        /// How many tries are left.
        tries_left: u8,
    },
    /// Used, expired, out of tries, of another browser, older than a change of the account, or of no account.
    Over,
}

/// Decides on a typed code. `fits` says whether it is the mailed one (compared by `keys`).
pub fn redeem(
    flow: &Flow,
    fits: bool,
    owner: Option<Owner<'_>>,
    browser: &SecretHash,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Result<Authenticated, MailCodeRefusal>> {
    if !is_open(flow, browser, now) {
        return Decision::unchanged(Err(MailCodeRefusal::Over));
    }
    if !fits {
        let tried = flow.with_wrong_code();
        let tries_left = MAX_TRIES.saturating_sub(tried.tries);
        return Decision::one(Change::count_flow_try(tried), Err(MailCodeRefusal::Wrong { tries_left }));
    }
    let counts = |owner: &Owner<'_>| is_for(owner.account) && !owner.account.outdates_proof_of(flow.created_at);
    let Some(Owner { account, device }) = owner.filter(counts) else {
        return Decision::unchanged(Err(MailCodeRefusal::Over));
    };
    let used = Change::redeem_sign_in_code(flow.completed(Completion { at: now, sub: None, repeat_key: None }));
    let Decision { changes, outcome } =
        if account.is_active() { sign_in(account, device, new, now) } else { show_status(account, now) };
    if changes.is_empty() {
        return Decision::unchanged(Err(MailCodeRefusal::Over));
    }
    Decision { changes: changes.second(used), outcome: Ok(outcome) }
}

fn sign_in(account: &AccountState, device: Option<u64>, new: NewSignIn<'_>, now: Timestamp) -> Decision<Authenticated> {
    let evidence = vec![proven(account.account, now)];
    let is_remembered = new.remembering.accepts(account, device, now);
    if require(account, &Proofs::of(&evidence), is_remembered) == Requirement::SecondStep {
        return begin_second_step(account, &evidence, new.attempt, now);
    }
    let Some(Completed { account, opened, session, new_device, .. }) = complete(account, device, evidence, new, now) else {
        return Decision::unchanged(Authenticated::Refused);
    };
    let (satisfied, passkeys) = (account.satisfied, account.factors.passkeys);
    let changes = std::iter::once(Change::record_sign_in(account)).chain(opened).collect();
    let outcome = Authenticated::SignedIn { session: Box::new(session), new_device, satisfied, passkeys };
    Decision { changes: Changes(changes), outcome }
}

const fn proven(account: AccountId, now: Timestamp) -> Evidence {
    Evidence::new(account, Method::MailCode, now)
}

/// The user has shown the mailed code of a registration.
pub(in crate::domain) const fn proven_by_registration(account: AccountId, now: Timestamp) -> Evidence {
    proven(account, now)
}
