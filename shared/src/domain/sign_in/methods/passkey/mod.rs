//! Passkeys (WebAuthn 3): strict reading, every check of both ceremonies, and the decision of a sign-in (decision 39).
//!
//! 1. [`ceremony`] reads what the browser posts and checks it. [`refusal`] names the rules.
//! 2. Signatures are verified by `keys`, which this module knows as [`public_key::SignatureVerifier`].
//! 3. [`authenticate`] accepts a challenge once for each passkey: only if it was issued later than the newest one that the passkey has
//!    accepted, by a versioned write. So older challenges end with it (security 80).
//! 4. Passkeys cannot be guessed: no failure is counted, and no window blocks them.

mod authenticator_data;
mod cbor;
pub mod ceremony;
mod client_data;
pub mod expected;
#[cfg(test)]
pub(crate) mod fixture;
pub mod public_key;
pub mod refusal;

use super::password::{Authenticated, show_status};
use crate::domain::account::{AccountState, AccountStatus};
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::failure_window::FailureWindow;
use crate::domain::passkey::Passkey;
use crate::domain::sign_in::complete::{Completed, NewSignIn, complete};
use crate::domain::sign_in::evidence::Evidence;
use crate::domain::sign_in::factors::Factors;
use crate::domain::sign_in::method::Method;
use crate::domain::time::{Span, Timestamp};
use ceremony::{PostedUse, StoredCredential};
use expected::Ceremony;
use public_key::SignatureVerifier;
use refusal::PasskeyRefusal;

/// How long a challenge is accepted.
pub const CHALLENGE_LIFETIME: Span = Span::minutes(5);

/// The account that a use names, as loaded.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its state.
    pub authentication: &'a AccountState,
    /// The passkey, if the account has it.
    pub passkey: Option<&'a Passkey>,
    /// The known device that the browser presents, if it belongs to this account.
    pub device: Option<u64>,
}

/// A use of a passkey, and the challenge that it answers.
pub struct Presented<'a> {
    /// The use.
    pub posted: &'a PostedUse,
    /// What it is checked against.
    pub ceremony: Ceremony<'a>,
    /// When the challenge was issued.
    pub issued_at: Timestamp,
}

/// Decides on a use of a passkey.
pub fn authenticate(
    subject: Subject<'_>,
    presented: &Presented<'_>,
    verifier: &impl SignatureVerifier,
    new: NewSignIn<'_>,
    now: Timestamp,
) -> Decision<Result<Authenticated, PasskeyRefusal>> {
    let Subject { authentication, passkey, device } = subject;
    let refuse = |refusal| Decision::unchanged(Err(refusal));
    let Some(passkey) = passkey.filter(|passkey| passkey.is_active()) else { return refuse(PasskeyRefusal::CredentialUnknown) };
    if presented.issued_at <= passkey.newest_challenge {
        return refuse(PasskeyRefusal::ChallengeStale);
    }
    let used = Passkey { newest_challenge: presented.issued_at, version: passkey.version + 1, ..passkey.clone() };
    let stored = StoredCredential {
        id: &passkey.credential_id,
        handle: authentication.account.as_bytes(),
        cose: &passkey.cose,
        backup_eligible: passkey.backup_eligible,
        counter: passkey.counter,
    };
    let checked = match presented.posted.check(&presented.ceremony, &stored, verifier) {
        Ok(checked) => checked,
        // Signed by the right key, with a counter that was used: the key may have been copied (security 84).
        Err(PasskeyRefusal::Counter) => return Decision::one(Change::refuse_passkey(used), Err(PasskeyRefusal::Counter)),
        Err(refusal) => return refuse(refusal),
    };
    let used = Passkey { counter: checked.counter, backed_up: checked.backed_up, last_used_at: Some(now), ..used };
    match authentication.status {
        AccountStatus::Active => {}
        AccountStatus::ErasureDue { .. } | AccountStatus::Disabled { .. } => {
            let Decision { changes, outcome } = show_status(authentication, now);
            return Decision { changes, outcome: Ok(outcome) };
        }
        AccountStatus::Erased { .. } => return refuse(PasskeyRefusal::CredentialUnknown),
    }
    let method = if used.backup_eligible { Method::SyncedPasskey } else { Method::BoundPasskey };
    let evidence = vec![Evidence::new(authentication.account, method, now)];
    let Some(Completed { account, opened, session, new_device, .. }) = complete(authentication, device, evidence, new, now)
    else {
        return refuse(PasskeyRefusal::CredentialUnknown);
    };
    // A passkey is the way in when too many codes were wrong.
    let account = AccountState { factors: Factors { failures: FailureWindow::default(), ..account.factors }, ..account };
    let (satisfied, passkeys) = (account.satisfied, account.factors.passkeys);
    // On the most recent known device nothing of the account changes. The session has the epoch that was read.
    let is_unchanged = AccountState { version: authentication.version, ..account.clone() } == *authentication;
    let used = if is_unchanged { Change::use_passkey(used) } else { Change::record_passkey_sign_in(account, used) };
    let changes = Changes::one(used);
    let changes = Changes(changes.0.into_iter().chain(opened).collect());
    Decision { changes, outcome: Ok(Authenticated::SignedIn { session: Box::new(session), new_device, satisfied, passkeys }) }
}

#[cfg(test)]
mod tests;
