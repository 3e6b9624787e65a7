//! Giving and taking roles.

use crate::domain::account::{AccountStatus, Authentication};
use crate::domain::change::{Change, Decision};
use crate::domain::roles::{Role, Roles, TooManyRoles};
use std::collections::BTreeSet;

/// What came of a change of roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolesChanged {
    /// They are these from now on.
    Changed(Roles),
    /// They were these before.
    Unchanged(Roles),
    /// They would be too many.
    TooMany,
    /// The account is erased.
    Erased,
}

/// Gives roles and takes roles away; one that is in both is taken away.
pub fn change_roles(authentication: &Authentication, given: &[Role], taken: &[Role]) -> Decision<RolesChanged> {
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
            let next = Authentication { roles: after.clone(), version, ..authentication.clone() };
            Decision::one(Change::change_roles(next), RolesChanged::Changed(after))
        }
    }
}
