//! The decisions on closing, restoring, holding and erasing an account.

use crate::domain::account::{AccountStatus, Authentication, LinkSeed, PasswordHome};
use crate::domain::change::{Change, Decision};
use crate::domain::erasure::{DEFERRAL, DueErasure, MIN_GRACE};
use crate::domain::failure_window::FailureWindow;
use crate::domain::id::Sub;
use crate::domain::identifier::IdentifierHash;
use crate::domain::roles::Roles;
use crate::domain::time::{Span, Timestamp};

/// What came of the wish to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// The account is closed. Asking again changes nothing.
    ErasureDue {
        /// When it is erased.
        due: Timestamp,
    },
    /// Nobody can close this account: it is disabled, or erased.
    NotActive,
}

/// Closes an account. `seed` is fresh: the link that restores it derives from it.
pub fn request_deletion(authentication: &Authentication, seed: LinkSeed, grace: Span, now: Timestamp) -> Decision<Requested> {
    match authentication.status {
        AccountStatus::Active => {}
        AccountStatus::ErasureDue { due, .. } => return Decision::unchanged(Requested::ErasureDue { due }),
        AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => return Decision::unchanged(Requested::NotActive),
    }
    let due = now + grace.max(MIN_GRACE);
    let status = AccountStatus::ErasureDue { since: now, due, seed };
    // The status says since when; a restoration begins it anew.
    let closed = Authentication { status, epoch_began_at: None, ..authentication.in_next_epoch(now) };
    let erasure = DueErasure { account: closed.account, identifier: closed.identifier, due };
    Decision::one(Change::request_deletion(closed, erasure), Requested::ErasureDue { due })
}

/// What came of the link that restores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// The account is in use again; everybody signs in anew.
    Restored,
    /// The link is spent, not this account's, or its time is over.
    Over,
}

/// Restores a closed account. `link_fits` is whether the mailed link derives from the account's own seed (compared by `keys`).
pub fn restore(authentication: &Authentication, link_fits: bool, now: Timestamp) -> Decision<Restored> {
    match authentication.status {
        AccountStatus::ErasureDue { due, .. } if link_fits && now < due => {
            let restored = with_status(authentication, AccountStatus::Active);
            let open = Authentication { epoch_began_at: Some(now), ..restored };
            Decision::one(Change::restore_account(open, due), Restored::Restored)
        }
        AccountStatus::ErasureDue { .. }
        | AccountStatus::Active
        | AccountStatus::Disabled { .. }
        | AccountStatus::Erased { .. } => Decision::unchanged(Restored::Over),
    }
}

/// What came of an operator's word about a legal hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The account is held from now on.
    Placed,
    /// It is held no longer.
    Lifted,
    /// It is so already.
    Unchanged,
    /// It was erased before.
    Erased,
}

/// Keeps an account from being erased, whatever becomes due, until the hold is lifted. Its person can close it all the same.
pub fn place_hold(authentication: &Authentication, now: Timestamp) -> Decision<Hold> {
    match (authentication.status, authentication.legal_hold) {
        (AccountStatus::Erased { .. }, _) => Decision::unchanged(Hold::Erased),
        (_, Some(_)) => Decision::unchanged(Hold::Unchanged),
        (_, None) => {
            let held = Authentication { legal_hold: Some(now), version: authentication.version + 1, ..authentication.clone() };
            Decision::one(Change::place_legal_hold(held), Hold::Placed)
        }
    }
}

/// Lifts a legal hold. An erasure that waited for it happens when it is looked at again ([`DEFERRAL`]).
pub fn lift_hold(authentication: &Authentication) -> Decision<Hold> {
    match (authentication.status, authentication.legal_hold) {
        (AccountStatus::Erased { .. }, _) => Decision::unchanged(Hold::Erased),
        (_, None) => Decision::unchanged(Hold::Unchanged),
        (_, Some(_)) => {
            let free = Authentication { legal_hold: None, version: authentication.version + 1, ..authentication.clone() };
            Decision::one(Change::lift_legal_hold(free), Hold::Lifted)
        }
    }
}

/// What is to be done about an erasure whose day came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// The account is erased: all that is left of it goes.
    Remove {
        /// When it was erased: now, or by a run that was broken off.
        at: Timestamp,
    },
    /// A legal hold keeps it.
    Deferred {
        /// When it is looked at again.
        until: Timestamp,
    },
    /// It is not due (any more): the account is in use, or due at another time.
    NotDue,
}

/// Decides on an erasure among the due work. `authentication` is what stands; nothing stands when the erased account's own item
/// has been collected while its removal was broken off.
pub fn erase(authentication: Option<&Authentication>, erasure: &DueErasure, now: Timestamp) -> Decision<Erasure> {
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

fn with_status(authentication: &Authentication, status: AccountStatus) -> Authentication {
    Authentication { status, version: authentication.version + 1, ..authentication.clone() }
}

/// Nothing of the person: what keeps a request in flight from bringing the account back, for a short while.
pub(super) fn erased(authentication: &Authentication, at: Timestamp) -> Authentication {
    Authentication {
        account: authentication.account,
        sub: Sub::from_bytes([0; 16]),
        status: AccountStatus::Erased { at },
        epoch: authentication.epoch + 1,
        epoch_began_at: None,
        identifier: IdentifierHash { key_version: authentication.identifier.key_version, hash: [0; 32] },
        created_at: at,
        failures: FailureWindow::default(),
        devices: Vec::new(),
        password_home: PasswordHome::Here,
        roles: Roles::default(),
        legal_hold: None,
        version: authentication.version + 1,
    }
}
