//! Password recovery by mail: the flow graph has one edge, proof and new password together (security 88, 91, 92).
//!
//! 1. [`begin`] writes a flow and looks at nothing, so that it costs and answers the same for every address; the stream finds the
//!    owner, if there is one, and mails a code and a link. While people come from a former directory, anybody may be known there: the
//!    flow keeps the address, sealed, and everybody gets a code.
//! 2. [`reset`] takes the proof and the new password in one step and one transaction. It ends every session and grant by raising
//!    the epoch, opens none, and skips no later factor: the person signs in afterwards like anybody.
//! 3. Whom nobody here knows and the directory does comes over by that proof ([`super::directory`]), with the new password.
//! 4. [`disown`] ends the flow for an owner who did not ask for it.

use super::account::{Authentication, DataKeyState, Sealed, WrappedDataKey};
use super::change::{Change, Changes, Decision};
use super::credential::PasswordCredential;
use super::directory::{self, ImportedAccount, NewComer};
use super::flow::{Flow, FlowPurpose, FlowState, IDENTIFIER_TRIES_A_DAY, MAX_TRIES};
use super::id::{AccountId, ClientId, FlowId};
use super::identifier::IdentifierHash;
use super::secret::{PasswordHash, SecretHash};
use super::time::{Span, Timestamp};

#[cfg(test)]
mod tests;

/// How long a recovery can be completed (security 88).
pub const RECOVERY_LIFETIME: Span = Span::minutes(30);

/// What a recovery begins with.
#[derive(Debug, Clone)]
pub struct NewRecovery {
    /// Fresh.
    pub id: FlowId,
    /// Fresh: the account of who comes from a former directory; otherwise of no use.
    pub account: AccountId,
    /// 128 fresh random bits.
    pub seed: [u8; 16],
    /// The present version of the code key.
    pub code_key_version: u32,
    /// The address as typed, hashed.
    pub identifier: IdentifierHash,
    /// The browser that begins it.
    pub browser: SecretHash,
    /// The client that the person came from.
    pub client_id: ClientId,
    /// Locale of pages.
    pub locale: String,
    /// The authorize query to go back to.
    pub continue_to: Option<String>,
    /// The address, where it is kept: sealed under a data key of the flow's account.
    pub address: Option<SealedAddress>,
}

/// An address that may come from a former directory.
#[derive(Debug, Clone)]
pub struct SealedAddress {
    /// Sealed.
    pub sealed: Sealed,
    /// The wrapped data key and its keyring's version.
    pub data_key: (Vec<u8>, u32),
}

/// Begins a recovery, for an address that may or may not have an account.
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
    // The key first: a flow whose key is missing would be of no use, a key without its flow ends by itself.
    let mut changes = Changes::default();
    if let Some((wrapped, keyring_version)) = data_key {
        let state = DataKeyState::Pending { expires_at };
        changes =
            changes.then(Change::create_data_key(WrappedDataKey { account: flow.account, wrapped, keyring_version, state }));
    }
    Decision { changes: changes.then(Change::begin_flow(flow)), outcome: () }
}

/// Whether a recovery still waits for its proof.
#[must_use]
pub fn is_open(flow: &Flow, now: Timestamp) -> bool {
    flow.purpose == FlowPurpose::Recovery && flow.state == FlowState::Open && flow.tries < MAX_TRIES && now < flow.expires_at
}

/// Whether this browser began the recovery: nobody else completes it (security 79, 94).
#[must_use]
pub fn is_of_browser(flow: &Flow, browser: &SecretHash) -> bool {
    flow.browser.as_ref() == Some(browser)
}

/// The proof that was presented, and whether it fits (compared by `keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A typed code.
    Code {
        /// Whether it is the flow's.
        fits: bool,
    },
    /// The token of the mailed link.
    Link {
        /// Whether it is the flow's.
        fits: bool,
    },
}

/// The owner of the flow's identifier, with the new password; loaded and hashed only when the proof fits.
#[derive(Debug, Clone)]
pub enum Owner<'a> {
    /// Has an account.
    Known {
        /// The account.
        authentication: &'a Authentication,
        /// Its password so far, if it has one.
        password: Option<&'a PasswordCredential>,
        /// The hash of the new one, which the policy accepted.
        new_password: PasswordHash,
    },
    /// Comes from a former directory, with the new password.
    Comes(Box<NewComer>),
    /// Is known there, and can't come.
    Stays,
    /// Is nobody, here or there.
    Nobody,
}

/// What a proof leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// The new password is in force.
    PasswordReset,
    /// The proof is right, and the account can't be taken over from where it is.
    Stays,
    /// The proof is right, and nobody has an account with this address.
    Nobody,
    /// The code is wrong.
    WrongProof {
        /// How many tries are left.
        tries_left: u8,
    },
    /// Spent, expired, ended, out of tries, another browser's, or never there.
    Over,
}

/// Decides on a proof with its new password.
pub fn reset(flow: &Flow, browser: &SecretHash, proof: Proof, owner: Option<Owner<'_>>, now: Timestamp) -> Decision<Recovered> {
    if !is_open(flow, now) || !is_of_browser(flow, browser) {
        return Decision::unchanged(Recovered::Over);
    }
    // A link token has 256 bits: guessing it needs no budget, and a stranger who tries burns no try of the owner's.
    let (fits, counted) = match proof {
        Proof::Code { fits } => (fits, true),
        Proof::Link { fits } => (fits, false),
    };
    let mut changes = Changes::default();
    if counted {
        changes = changes.then(Change::count_identifier_try(flow.identifier, now, IDENTIFIER_TRIES_A_DAY));
    }
    let completed = Flow { state: FlowState::Completed, payload: None, version: flow.version + 1, ..flow.clone() };
    match owner.filter(|_| fits) {
        Some(Owner::Known { authentication, password, new_password }) if authentication.is_active() => {
            let (authentication, password) = replace_password(authentication, password, new_password, now);
            let change = Change::reset_password(completed, authentication, password);
            Decision { changes: changes.then(change), outcome: Recovered::PasswordReset }
        }
        Some(Owner::Comes(comer)) => {
            let mut account = ImportedAccount { flow: Some(completed), ..directory::imported(*comer, None, now) };
            // The password is new: no sign-in of before counts for anything.
            account.authentication.epoch_began_at = Some(now);
            let change = Change::import_account(account);
            Decision { changes: changes.then(change), outcome: Recovered::PasswordReset }
        }
        // Only who proved the address is told; the try is taken all the same.
        Some(Owner::Stays) => Decision { changes, outcome: Recovered::Stays },
        Some(Owner::Nobody) => Decision { changes, outcome: Recovered::Nobody },
        Some(Owner::Known { .. }) | None if counted => {
            let tried = Flow { tries: flow.tries + 1, version: flow.version + 1, ..flow.clone() };
            let tries_left = MAX_TRIES.saturating_sub(tried.tries);
            Decision { changes: changes.then(Change::count_flow_try(tried)), outcome: Recovered::WrongProof { tries_left } }
        }
        Some(Owner::Known { .. }) | None => Decision::unchanged(Recovered::Over),
    }
}

/// The account and its password after the reset.
fn replace_password(
    authentication: &Authentication,
    former: Option<&PasswordCredential>,
    hash: PasswordHash,
    now: Timestamp,
) -> (Authentication, PasswordCredential) {
    let authentication = authentication.with_new_password(now);
    let password = PasswordCredential {
        account: authentication.account,
        hash,
        changed_at: now,
        version: former.map_or(1, |password| password.version + 1),
    };
    (authentication, password)
}

/// "I did not ask for this": the owner of the address, shown by the link's token, ends the flow.
pub fn disown(flow: &Flow, link_fits: bool, now: Timestamp) -> Decision<bool> {
    if !link_fits || !is_open(flow, now) {
        return Decision::unchanged(false);
    }
    let ended = Flow { state: FlowState::Ended, payload: None, version: flow.version + 1, ..flow.clone() };
    Decision::one(Change::disown_flow(ended), true)
}
