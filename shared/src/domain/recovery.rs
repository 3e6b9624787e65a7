//! Password reset by mail: one transition of the flow takes the proof and the new password together (security 88, 91, 92).
//!
//! 1. [`begin`] counts the mail by its trigger, writes a flow and reads nothing, so that cost and answer are the same for every address. The stream consumer
//!    looks up the owner, if there is one, and mails a code and a link. While a legacy directory is configured, any address may
//!    be known there: the flow then stores the sealed address, and every address gets a code.
//! 2. [`reset`] takes the proof and the new password in one step and one transaction. It ends every session and grant by raising
//!    the epoch, opens no session, and skips no later factor: the user signs in afterwards as usual.
//! 3. A user who has no account here but one in the legacy directory is imported by that proof ([`super::legacy_directory`]), with the
//!    new password.
//! 4. [`disown`] ends the flow for an owner of the address who did not request it.

use super::account::{AccountState, DataKeyState, Sealed, WrappedDataKey};
use super::change::{Change, Changes, Decision};
use super::credential::PasswordCredential;
use super::delivery::MailPurpose;
use super::flow::{Completion, Flow, FlowPurpose, FlowState, MAX_TRIES};
use super::id::{AccountId, ClientId, FlowId};
use super::identifier::IdentifierHash;
use super::legacy_directory::{self, ImportedAccount, ImportedUser};
use super::mail_limit::Trigger;
use super::secret::{PasswordHash, SecretHash};
use super::time::{Span, Timestamp};

#[cfg(test)]
mod tests;

/// How long a password reset can be completed (security 88).
pub const RECOVERY_LIFETIME: Span = Span::minutes(30);

/// The data of a new password reset.
#[derive(Debug, Clone)]
pub struct NewRecovery {
    /// Fresh.
    pub id: FlowId,
    /// Fresh: the account of a user who is imported from the legacy directory; otherwise unused.
    pub account: AccountId,
    /// 128 fresh random bits.
    pub seed: [u8; 16],
    /// The current version of the code key.
    pub code_key_version: u32,
    /// The address as typed, hashed.
    pub identifier: IdentifierHash,
    /// The browser that starts it.
    pub browser: SecretHash,
    /// What its mail is counted by.
    pub trigger: Trigger,
    /// The client that the user came from.
    pub client_id: ClientId,
    /// Locale of pages.
    pub locale: String,
    /// The authorize query to go back to.
    pub continue_to: Option<String>,
    /// The address, if it is stored: sealed under a data key of the flow's account.
    pub address: Option<SealedAddress>,
}

/// An address that the legacy directory may know.
#[derive(Debug, Clone)]
pub struct SealedAddress {
    /// Sealed.
    pub sealed: Sealed,
    /// The wrapped data key and its keyring's version.
    pub data_key: (Vec<u8>, u32),
}

/// Starts a password reset, for an address that may or may not have an account. At the limit of its trigger nothing is written.
pub fn begin(new: NewRecovery, now: Timestamp) -> Decision<()> {
    let expires_at = now + RECOVERY_LIFETIME;
    let (payload, data_key) = new.address.map(|address| (address.sealed, address.data_key)).unzip();
    let flow = Flow {
        id: new.id,
        purpose: FlowPurpose::Recovery,
        account: new.account,
        identifier: new.identifier,
        seed: new.seed.to_vec(),
        code_key_version: new.code_key_version,
        completion: None,
        long_code: false,
        generation: 0,
        tries: 0,
        state: FlowState::Open,
        browser: Some(new.browser),
        client_id: new.client_id,
        locale: new.locale,
        continue_to: new.continue_to,
        payload,
        created_at: now,
        expires_at,
        version: 1,
    };
    // The key before the flow: a flow without its key would be useless, and a key without its flow expires.
    let mut changes = Changes::one(Change::count_mail_start(MailPurpose::Recovery, flow.identifier, new.trigger, now));
    if let Some((wrapped, keyring_version)) = data_key {
        let state = DataKeyState::Pending { expires_at };
        changes =
            changes.then(Change::create_data_key(WrappedDataKey { account: flow.account, wrapped, keyring_version, state }));
    }
    Decision { changes: changes.then(Change::begin_flow(flow)), outcome: () }
}

/// Whether a password reset still waits for its proof.
#[must_use]
pub fn is_open(flow: &Flow, now: Timestamp) -> bool {
    flow.purpose == FlowPurpose::Recovery && flow.state == FlowState::Open && flow.tries < MAX_TRIES && now < flow.expires_at
}

/// Whether this password reset is older than the present credential or address of the account: its code and link are dead, however
/// many password resets were started beside it.
#[must_use]
pub fn is_outdated(flow: &Flow, owner: &AccountState) -> bool {
    owner.outdates_proof_of(flow.created_at)
}

/// Whether this browser started the password reset. No other browser can complete it (security 79, 94).
#[must_use]
pub fn is_of_browser(flow: &Flow, browser: &SecretHash) -> bool {
    flow.browser.as_ref() == Some(browser)
}

/// The presented proof, and whether it matches (compared by `keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A typed code.
    Code {
        /// Whether it matches the flow.
        fits: bool,
    },
    /// The token of the mailed link.
    Link {
        /// Whether it matches the flow.
        fits: bool,
    },
}

/// The owner of the flow's identifier, with the new password. Loaded and hashed only if the proof matches.
#[derive(Debug, Clone)]
pub enum Owner<'a> {
    /// Has an account.
    Known {
        /// The account.
        authentication: &'a AccountState,
        /// Its current password, if it has one.
        password: Option<&'a PasswordCredential>,
        /// The hash of the new password, which the policy accepted.
        new_password: PasswordHash,
    },
    /// The user is imported from the legacy directory, with the new password.
    Comes(Box<ImportedUser>),
    /// The user is known in the legacy directory and cannot be imported.
    Stays,
    /// No account, here or in the legacy directory.
    UnknownIdentifier,
}

/// The outcome of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// The new password is in force.
    PasswordReset,
    /// The proof is right, and the new password consists of the user's own data. Nothing is used up.
    Guessable,
    /// The proof is right, but the legacy account cannot be imported.
    Stays,
    /// The proof is right, but no account has this address.
    UnknownIdentifier,
    /// The code is wrong.
    WrongProof {
        /// How many tries are left.
        tries_left: u8,
    },
    /// Used, expired, ended, out of tries, started in another browser, or nonexistent.
    Over,
}

/// Decides on a proof with its new password.
pub fn reset(flow: &Flow, browser: &SecretHash, proof: Proof, owner: Option<Owner<'_>>, now: Timestamp) -> Decision<Recovered> {
    if !is_open(flow, now) || !is_of_browser(flow, browser) {
        return Decision::unchanged(Recovered::Over);
    }
    // A link token has 256 bits: guessing it needs no budget, and a wrong link uses no try of the owner's.
    let (fits, counted) = match proof {
        Proof::Code { fits } => (fits, true),
        Proof::Link { fits } => (fits, false),
    };
    let completed = flow.completed(Completion { at: now, sub: None, repeat_key: None });
    match owner.filter(|_| fits) {
        // The guard of the reset is the version of this account, so a credential that changes meanwhile is seen here, too.
        Some(Owner::Known { authentication, .. }) if is_outdated(flow, authentication) => Decision::unchanged(Recovered::Over),
        Some(Owner::Known { authentication, password, new_password }) if authentication.is_active() => {
            let (authentication, password) = replace_password(authentication, password, new_password, now);
            let change = Change::reset_password(completed, authentication, password);
            Decision::one(change, Recovered::PasswordReset)
        }
        Some(Owner::Comes(imported_user)) => {
            let mut account =
                ImportedAccount { flow: Some(completed), ..legacy_directory::imported(*imported_user, None, now) };
            // The password is new: earlier sign-ins are no longer valid.
            account.authentication.epoch_began_at = Some(now);
            Decision::one(Change::import_account(account), Recovered::PasswordReset)
        }
        // Only the user who proved the address learns this.
        Some(Owner::Stays) => Decision::unchanged(Recovered::Stays),
        Some(Owner::UnknownIdentifier) => Decision::unchanged(Recovered::UnknownIdentifier),
        Some(Owner::Known { .. }) | None if counted => {
            let tried = flow.with_wrong_code();
            let tries_left = MAX_TRIES.saturating_sub(tried.tries);
            Decision::one(Change::count_flow_try(tried), Recovered::WrongProof { tries_left })
        }
        Some(Owner::Known { .. }) | None => Decision::unchanged(Recovered::Over),
    }
}

/// The account and its password after the reset.
fn replace_password(
    authentication: &AccountState,
    former: Option<&PasswordCredential>,
    hash: PasswordHash,
    now: Timestamp,
) -> (AccountState, PasswordCredential) {
    let authentication = authentication.with_new_password(now);
    let password = PasswordCredential {
        account: authentication.account,
        hash,
        changed_at: now,
        version: former.map_or(1, |password| password.version + 1),
    };
    (authentication, password)
}

/// "I did not ask for this": the owner of the address, proven by the link's token, ends the flow.
pub fn disown(flow: &Flow, link_fits: bool, now: Timestamp) -> Decision<bool> {
    if !link_fits || !is_open(flow, now) {
        return Decision::unchanged(false);
    }
    let ended = Flow { state: FlowState::Ended, payload: None, version: flow.version + 1, ..flow.clone() };
    Decision::one(Change::disown_flow(ended), true)
}
