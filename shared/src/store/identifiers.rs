//! The forms of an identifier while the identifier key has had more than one version.

use super::failure::unavailable;
use super::{Identifiers, StoreError, TenantStore};
use crate::domain::identifier::IdentifierHash;

impl TenantStore {
    /// Each form under which an item of this hash can be stored, the one of new items first.
    pub(super) fn forms(&self, hash: &IdentifierHash) -> Result<Vec<IdentifierHash>, StoreError> {
        let forms = match &self.identifiers {
            Identifiers::Single => return Ok(vec![*hash]),
            Identifiers::Several(forms) => forms,
            Identifiers::Unavailable => return Err(no_identifiers()),
        };
        let claimed = forms.claimed(hash);
        let others = forms.forms(hash).into_iter().filter(|form| *form != claimed);
        Ok(std::iter::once(claimed).chain(others).collect())
    }
}

/// The identifier key has several versions, and they could not be opened.
pub(super) fn no_identifiers() -> StoreError {
    unavailable("identifiers", "KeyUnavailable", "the versions of the identifier key could not be opened")
}
