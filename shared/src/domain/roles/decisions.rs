//! Adds and removes roles.

use crate::domain::account::{AccountState, AccountStatus};
use crate::domain::change::{Change, Decision};
use crate::domain::roles::{Role, Roles, TooManyRoles};
use std::collections::BTreeSet;

/// The outcome of a change of roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolesChanged {
    /// The roles are these now.
    Changed(Roles),
    /// The roles were these before.
    Unchanged(Roles),
    /// There would be too many.
    TooMany,
    /// The account is erased.
    Erased,
}

/// Adds and removes roles. A role in both lists is removed.
pub fn change_roles(authentication: &AccountState, given: &[Role], taken: &[Role]) -> Decision<RolesChanged> {
    if matches!(authentication.status, AccountStatus::Erased { .. }) {
        return Decision::unchanged(RolesChanged::Erased);
    }
    let before = &authentication.roles;
    let after: BTreeSet<Role> = before.iter().chain(given).filter(|role| !taken.contains(role)).cloned().collect();
    match Roles::try_from(after) {
        Err(TooManyRoles) => Decision::unchanged(RolesChanged::TooMany),
        Ok(after) if after == *before => Decision::unchanged(RolesChanged::Unchanged(after)),
        Ok(after) => {
            let version = authentication.version + 1;
            let next = AccountState { roles: after.clone(), version, ..authentication.clone() };
            Decision::one(Change::change_roles(next), RolesChanged::Changed(after))
        }
    }
}
