//! The right of a former address to take its account back (security 94, 95).
//!
//! 1. A change of address gives this right to the former address, for `retention.email_undo`. If the account is closed while the right is
//!    valid, it stays valid until the erasure is final.
//! 2. The mail to the former address has a link and a code. An undo needs both, and a new password: software that opens links and
//!    presses buttons changes nothing.
//! 3. One transaction returns the address, opens the account if it is closed, raises the epoch and replaces the password. It ends
//!    what came after the change: the pending change, the known devices, and the rights of every newer address, restoration included. The
//!    rights of older addresses stay. Second factors are again what they were before the change (`factors.rs`).
//! 4. If another account has the address by now, its owner reads the same mailbox. After the user has confirmed it, that account is closed
//!    in the same transaction, and is erased after the grace period.

pub(in crate::domain) mod factors;

use factors::Returning;
pub use factors::StoredFactors;

use super::account::{AccountState, AccountStatus, LinkSeed, Sealed};
use super::change::{Change, Decision};
use super::credential::PasswordCredential;
use super::disowned::{before_disowned, with_disowned};
use super::erasure::{DueErasure, MIN_GRACE};
use super::id::AccountId;
use super::identifier::IdentifierHash;
use super::passkey::Passkey;
use super::profile::{EmailUndo, Profile};
use super::recovery_codes::RecoveryCodes;
use super::secret::PasswordHash;
use super::time::{Span, Timestamp};
use super::totp::TotpCredential;

#[cfg(test)]
mod tests;

/// Whether a former address can take its account back now.
#[must_use]
pub fn is_valid(status: AccountStatus, undo: &EmailUndo, now: Timestamp) -> bool {
    let valid_at = |moment: Timestamp| undo.used_at.is_none() && moment < undo.expires_at;
    match status {
        AccountStatus::Active => valid_at(now),
        AccountStatus::ErasureDue { since, .. } => valid_at(since),
        AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => false,
    }
}

/// The former addresses that can take the account back, oldest first.
pub fn valid_undos<'a>(
    authentication: &AccountState,
    profile: &'a Profile,
    now: Timestamp,
) -> impl Iterator<Item = &'a EmailUndo> {
    let status = authentication.status;
    profile.email_undos.iter().filter(move |undo| is_valid(status, undo, now))
}

/// The account that has the former address.
#[derive(Debug, Clone, Copy)]
pub enum AddressOwner<'a> {
    /// None, as far as is known: the transaction decides.
    None,
    /// The account itself: it returned to this address.
    Own,
    /// Another account, with its state if it is stored.
    Other {
        /// The account.
        account: AccountId,
        /// Its state.
        state: Option<&'a AccountState>,
        /// Whether the user confirmed that it is closed.
        is_confirmed: bool,
    },
}

/// An undo with a matching link and code.
#[derive(Debug, Clone)]
pub struct NewUndo<'a> {
    /// The account.
    pub authentication: &'a AccountState,
    /// Its profile.
    pub profile: &'a Profile,
    /// The right that is used, from the profile.
    pub undo: &'a EmailUndo,
    /// The claims with the former address, sealed.
    pub claims: Sealed,
    /// The current password, if there is one.
    pub password: Option<&'a PasswordCredential>,
    /// Its second factors.
    pub factors: StoredFactors<'a>,
    /// The hash of the new password.
    pub new_password: PasswordHash,
    /// The account that has the former address now.
    pub owner: AddressOwner<'a>,
    /// Whether the account has the claim of its current address. A closed account that lost its address to an undo has not.
    pub has_current_claim: bool,
    /// Fresh, for the restoration of a closed other account. It is never mailed.
    pub unmailed_seed: LinkSeed,
    /// The grace period of a closed account.
    pub grace: Span,
}

/// The outcome of an undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undone {
    /// The former address is in force again, with the new password.
    Restored,
    /// The former address has another account now. The user must confirm that it is closed.
    NewerAccount,
    /// The former address has another account now, which an operator disabled.
    AddressTaken,
    /// It was done before.
    AlreadyDone,
    /// The right has expired, or an older address took the account back.
    Over,
}

/// The claim of the returned address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClaim {
    /// The account has it already.
    Kept,
    /// No account has it.
    New,
    /// It is taken from this account.
    TakenFrom(AccountId),
}

/// A deletion request that ends with a restoration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithdrawnRequest {
    /// When it was made.
    pub requested_at: Timestamp,
    /// When the erasure would have been due.
    pub due: Timestamp,
}

/// The items of an undo.
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnedAddress {
    /// When it happens.
    pub at: Timestamp,
    /// The account, with the former address.
    pub authentication: AccountState,
    /// Its profile, with that address.
    pub profile: Profile,
    /// The new password.
    pub password: PasswordCredential,
    /// Its authenticator app, if it changed since.
    pub totp: Option<TotpCredential>,
    /// Its recovery codes, if they changed since.
    pub recovery_codes: Option<RecoveryCodes>,
    /// Its passkeys that changed since.
    pub passkeys: Vec<Passkey>,
    /// The claim of the returned address.
    pub claim: AddressClaim,
    /// The address that is freed.
    pub freed: Option<IdentifierHash>,
    /// The deletion request that ends, if the account was closed.
    pub withdrawn: Option<WithdrawnRequest>,
    /// The other account, and its erasure if it was open.
    pub displaced: Option<(AccountState, Option<DueErasure>)>,
}

/// Returns the account to a former address.
pub fn undo(new: NewUndo<'_>, now: Timestamp) -> Decision<Undone> {
    let NewUndo { authentication, profile, undo, .. } = new;
    if undo.used_at.is_some() {
        return Decision::unchanged(Undone::AlreadyDone);
    }
    if !is_valid(authentication.status, undo, now) {
        return Decision::unchanged(Undone::Over);
    }
    let (claim, displaced) = match new.owner {
        AddressOwner::None => (AddressClaim::New, None),
        AddressOwner::Own => (AddressClaim::Kept, None),
        AddressOwner::Other { is_confirmed: false, .. } => return Decision::unchanged(Undone::NewerAccount),
        AddressOwner::Other { account, state, .. } => {
            let displaced = match state.map(|state| (state, state.status)) {
                Some((_, AccountStatus::Disabled { .. })) => return Decision::unchanged(Undone::AddressTaken),
                Some((state, AccountStatus::Active)) => Some(close(state, &new, now)),
                Some((state, AccountStatus::ErasureDue { since, due, .. })) => {
                    // Its mailed restoration link ends: the account could not have this address.
                    let status = AccountStatus::ErasureDue { since, due, seed: new.unmailed_seed };
                    Some((AccountState { status, version: state.version + 1, ..state.clone() }, None))
                }
                Some((_, AccountStatus::Erased { .. })) | None => None,
            };
            (AddressClaim::TakenFrom(account), displaced)
        }
    };
    let withdrawn = match authentication.status {
        AccountStatus::ErasureDue { since, due, .. } => Some(WithdrawnRequest { requested_at: since, due }),
        AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => None,
    };
    let freed = (new.has_current_claim && claim != AddressClaim::Kept).then_some(authentication.identifier);
    // What was added in a time that the user has disowned does not come back.
    let since = before_disowned(&profile.disowned, undo.changed_at);
    let before = factors::as_of(since, authentication, new.factors, Returning::Every, now);
    let next = AccountState {
        protected: before.protected,
        factors: before.factors,
        // A claim that is kept may be under a later version of the identifier key than that of the right.
        identifier: if claim == AddressClaim::Kept { authentication.identifier } else { undo.identifier },
        identifier_since: Some(now),
        status: AccountStatus::Active,
        // Any of them may be a device of the person who changed the address.
        devices: Vec::new(),
        ..authentication.with_new_password(now)
    };
    // Newer addresses lose their rights: they came after this one.
    let mut email_undos: Vec<_> = profile.email_undos.iter().take_while(|other| other.seed != undo.seed).cloned().collect();
    email_undos.push(EmailUndo { used_at: Some(now), expires_at: undo.expires_at.min(now), ..undo.clone() });
    let password = PasswordCredential {
        account: authentication.account,
        hash: new.new_password,
        changed_at: now,
        version: new.password.map_or(1, |password| password.version + 1),
    };
    // Mails to the newer address have links for events since the change: these end.
    let disowned = with_disowned(&profile.disowned, since, now);
    let profile = Profile { email_change: None, email_undos, disowned, ..profile.with_claims(new.claims, now) };
    let returned = ReturnedAddress {
        at: now,
        authentication: next,
        profile,
        password,
        totp: before.totp,
        recovery_codes: before.codes,
        passkeys: before.passkeys,
        claim,
        freed,
        withdrawn,
        displaced,
    };
    Decision::one(Change::undo_email_change(returned), Undone::Restored)
}

/// Closes the account that registered the former address after the change. No link that restores it is mailed, because its address is gone.
/// A former address of its own can still take it back.
fn close(state: &AccountState, new: &NewUndo<'_>, now: Timestamp) -> (AccountState, Option<DueErasure>) {
    let due = now + new.grace.max(MIN_GRACE);
    let status = AccountStatus::ErasureDue { since: now, due, seed: new.unmailed_seed };
    let closed = state.closed(status, now);
    let erasure = DueErasure { account: closed.account, identifier: closed.identifier, due, requested_at: Some(now) };
    (closed, Some(erasure))
}

/// Marks that the code of a right is mailed, once: a release before codes mailed only the link. `false` if its mail has a code.
pub fn request_code(status: AccountStatus, profile: &Profile, undo: &EmailUndo, now: Timestamp) -> Decision<bool> {
    if undo.has_code || !is_valid(status, undo, now) {
        return Decision::unchanged(false);
    }
    let mut next = Profile { version: profile.version + 1, ..profile.clone() };
    next.email_undos.iter_mut().filter(|other| other.seed == undo.seed).for_each(|other| other.has_code = true);
    Decision::one(Change::request_undo_code(next), true)
}
