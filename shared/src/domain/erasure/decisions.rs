//! Decisions on closing, restoring, holding and erasing an account.

use crate::domain::account::{AccountState, AccountStatus, LinkSeed, PasswordHome};
use crate::domain::change::{Change, Decision};
use crate::domain::email_undo::WithdrawnRequest;
use crate::domain::erasure::{DEFERRAL, DeletionRecord, DueErasure, MIN_GRACE, REPLAY_GRACE};
use crate::domain::failure_window::FailureWindow;
use crate::domain::id::Sub;
use crate::domain::identifier::IdentifierHash;
use crate::domain::roles::Roles;
use crate::domain::sign_in::factors::Factors;
use crate::domain::time::{Span, Timestamp};

/// The outcome of a deletion request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// The account is closed. A repeated request changes nothing.
    ErasureDue {
        /// When it is erased.
        due: Timestamp,
    },
    /// This account cannot be closed: it is disabled or erased.
    NotActive,
}

/// Closes an account. `seed` is fresh: the restore link derives from it.
pub fn request_deletion(authentication: &AccountState, seed: LinkSeed, grace: Span, now: Timestamp) -> Decision<Requested> {
    match authentication.status {
        AccountStatus::Active => {}
        AccountStatus::ErasureDue { due, .. } => return Decision::unchanged(Requested::ErasureDue { due }),
        AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => return Decision::unchanged(Requested::NotActive),
    }
    let due = now + grace.max(MIN_GRACE);
    let status = AccountStatus::ErasureDue { since: now, due, seed };
    // The status says since when; a restoration sets it again.
    let closed = authentication.closed(status, now);
    let erasure = DueErasure { account: closed.account, identifier: closed.identifier, due, requested_at: Some(now) };
    Decision::one(Change::request_deletion(closed, erasure), Requested::ErasureDue { due })
}

/// The outcome of a restore link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// The account is active again. All devices must sign in again.
    Restored,
    /// The link belongs to another closing or account, or the account is erased.
    Over,
}

/// Restores a closed account. `link_fits`: whether the mailed link derives from the account's own seed (compared by `keys`).
pub fn restore(authentication: &AccountState, link_fits: bool, now: Timestamp) -> Decision<Restored> {
    match authentication.status {
        // Also after `due`: until the retention job has taken the account.
        AccountStatus::ErasureDue { since, due, .. } if link_fits => {
            let restored = with_status(authentication, AccountStatus::Active);
            let open = AccountState { epoch_began_at: Some(now), ..restored };
            Decision::one(Change::restore_account(open, WithdrawnRequest { requested_at: since, due }, now), Restored::Restored)
        }
        AccountStatus::ErasureDue { .. }
        | AccountStatus::Active
        | AccountStatus::Disabled { .. }
        | AccountStatus::Erased { .. } => Decision::unchanged(Restored::Over),
    }
}

/// What a replayed record did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// The account is closed again, with the same mailed link. It is due as before, but not within [`REPLAY_GRACE`].
    Closed,
    /// The account is active again.
    Restored,
    /// The account has this state already, or a newer one, or is erased.
    Unchanged,
}

/// Repeats a request or a restoration that a restored backup does not contain. Records are replayed in the order of their days, so
/// the newest one of an account decides. `restored_later`: whether a restoration is recorded since the account's epoch began.
pub fn replay(state: &AccountState, record: &DeletionRecord, restored_later: bool, now: Timestamp) -> Decision<Replayed> {
    // The work of a day that is over would be erased at once, or not found any more.
    let later = |due: Timestamp| due.max(now + REPLAY_GRACE);
    match (state.status, record.status) {
        (AccountStatus::Active | AccountStatus::Disabled { .. }, AccountStatus::ErasureDue { since, due, seed }) => {
            if restored_later && state.epoch_began_at.is_some_and(|began| began >= record.at) {
                return Decision::unchanged(Replayed::Unchanged);
            }
            let due = later(due);
            let status = AccountStatus::ErasureDue { since, due, seed };
            let closed = state.closed(status, now);
            Decision::one(Change::replay_request(closed, None, due_erasure(state, record.at, due)), Replayed::Closed)
        }
        // An earlier request, which the user withdrew and repeated after the backup.
        (
            AccountStatus::ErasureDue { since: former_since, due: former, .. },
            AccountStatus::ErasureDue { since, due, seed },
        ) if former_since < record.at => {
            let due = later(due);
            let former = (former != due).then_some(former);
            let closed = with_status(state, AccountStatus::ErasureDue { since, due, seed });
            Decision::one(Change::replay_request(closed, former, due_erasure(state, record.at, due)), Replayed::Closed)
        }
        (AccountStatus::ErasureDue { since, due, .. }, AccountStatus::Active) if since <= record.at => {
            let restored = with_status(state, AccountStatus::Active);
            let open = AccountState { epoch_began_at: Some(record.at), ..restored };
            Decision::one(Change::replay_restoration(open, due), Replayed::Restored)
        }
        (
            AccountStatus::Active
            | AccountStatus::Disabled { .. }
            | AccountStatus::ErasureDue { .. }
            | AccountStatus::Erased { .. },
            _,
        ) => Decision::unchanged(Replayed::Unchanged),
    }
}

fn due_erasure(state: &AccountState, requested_at: Timestamp, due: Timestamp) -> DueErasure {
    DueErasure { account: state.account, identifier: state.identifier, due, requested_at: Some(requested_at) }
}

/// The outcome of an operator's request about a legal hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The hold is in force now.
    Placed,
    /// The hold is lifted.
    Lifted,
    /// The account has this state already.
    Unchanged,
    /// The account was erased before.
    Erased,
}

/// Prevents the erasure of an account until the hold is lifted. The user can still close the account.
pub fn place_hold(authentication: &AccountState, now: Timestamp) -> Decision<Hold> {
    match (authentication.status, authentication.legal_hold) {
        (AccountStatus::Erased { .. }, _) => Decision::unchanged(Hold::Erased),
        (_, Some(_)) => Decision::unchanged(Hold::Unchanged),
        (_, None) => {
            let held = AccountState { legal_hold: Some(now), version: authentication.version + 1, ..authentication.clone() };
            Decision::one(Change::place_legal_hold(held), Hold::Placed)
        }
    }
}

/// Lifts a legal hold. A deferred erasure happens when it is due again ([`DEFERRAL`]).
pub fn lift_hold(authentication: &AccountState) -> Decision<Hold> {
    match (authentication.status, authentication.legal_hold) {
        (AccountStatus::Erased { .. }, _) => Decision::unchanged(Hold::Erased),
        (_, None) => Decision::unchanged(Hold::Unchanged),
        (_, Some(_)) => {
            let free = AccountState { legal_hold: None, version: authentication.version + 1, ..authentication.clone() };
            Decision::one(Change::lift_legal_hold(free), Hold::Lifted)
        }
    }
}

/// What to do about a due erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// The account is erased: remove everything that is left of it.
    Remove {
        /// When it was erased: now, or earlier by an interrupted run.
        at: Timestamp,
    },
    /// A legal hold prevents it.
    Deferred {
        /// When it is due again.
        until: Timestamp,
    },
    /// It is not due (any more): the account is active, or due at another time.
    NotDue,
}

/// Decides on an erasure of the due work. `authentication` is the stored state. It is absent if the item of the erased account
/// expired while its removal was interrupted.
pub fn erase(authentication: Option<&AccountState>, erasure: &DueErasure, now: Timestamp) -> Decision<Erasure> {
    let Some(authentication) = authentication else { return Decision::unchanged(Erasure::Remove { at: now }) };
    match authentication.status {
        AccountStatus::Erased { at } => Decision::unchanged(Erasure::Remove { at }),
        AccountStatus::ErasureDue { since, due, seed } if due == erasure.due && due <= now && since + MIN_GRACE <= now => {
            if authentication.legal_hold.is_none() {
                return Decision::one(Change::erase_account(erased(authentication, now)), Erasure::Remove { at: now });
            }
            let until = now + DEFERRAL;
            let change = Change::defer_erasure(
                with_status(authentication, AccountStatus::ErasureDue { since, due: until, seed }),
                due,
                DueErasure { due: until, ..erasure.clone() },
            );
            Decision::one(change, Erasure::Deferred { until })
        }
        AccountStatus::ErasureDue { .. } | AccountStatus::Active | AccountStatus::Disabled { .. } => {
            Decision::unchanged(Erasure::NotDue)
        }
    }
}

fn with_status(authentication: &AccountState, status: AccountStatus) -> AccountState {
    AccountState { status, version: authentication.version + 1, ..authentication.clone() }
}

/// No data of the user: it prevents a request in flight from recreating the account, for a short time.
pub(super) fn erased(authentication: &AccountState, at: Timestamp) -> AccountState {
    AccountState {
        account: authentication.account,
        sub: Sub::from_bytes([0; 16]),
        status: AccountStatus::Erased { at },
        epoch: authentication.epoch + 1,
        epoch_began_at: None,
        identifier_since: None,
        identifier: IdentifierHash { key_version: authentication.identifier.key_version, hash: [0; 32] },
        created_at: at,
        failures: FailureWindow::default(),
        devices: Vec::new(),
        password_home: PasswordHome::Here,
        roles: Roles::default(),
        legal_hold: None,
        protected: false,
        factors: Factors::default(),
        satisfied: None,
        version: authentication.version + 1,
    }
}
