//! What is due of a signed-in user, read when the account's state does not say that nothing is ([`crate::domain::requirements`]).

use super::extract::TenantHandle;
use super::problem::Problem;
use crate::domain::account::AccountState;
use crate::domain::change::Change;
use crate::domain::consent::AcceptedTerms;
use crate::domain::profile::{Claims, Profile};
use crate::domain::record::Terms;
use crate::domain::requirements::{self, Due};
use crate::domain::satisfied::Requirements;
use crate::keys::{DataKey, SealedField};
use crate::store::account::AcceptedSnapshot;

/// What an account has given and accepted, opened.
pub struct Given {
    /// Its profile.
    pub profile: Profile,
    /// The claims in it.
    pub claims: Claims,
    /// The key that seals them.
    pub key: DataKey,
    /// Its acceptances.
    pub accepted: Vec<AcceptedTerms>,
    terms_version: u64,
}

impl Given {
    /// Loads it: one request, 3 RRU. None: the account was erased.
    ///
    /// # Errors
    /// If the store or a key fails.
    pub async fn load(handle: &TenantHandle, state: &AccountState) -> Result<Option<Self>, Problem> {
        let Some(found) = handle.tenant.store.find_accepted(state.account).await? else { return Ok(None) };
        let AcceptedSnapshot { profile, terms, data_key } = found;
        let key = handle.tenant.keys.data()?.unwrap(&data_key)?;
        let plain = key.open(SealedField::Profile, &profile.claims)?;
        let claims = serde_json::from_slice(&plain).map_err(|_| Problem::internal())?;
        let (accepted, terms_version) = terms.map_or((Vec::new(), 0), |terms| (terms.accepted, terms.version));
        Ok(Some(Self { profile, claims, key, accepted, terms_version }))
    }
    /// What is due of it.
    #[must_use]
    pub fn due<'c>(&self, handle: &'c TenantHandle) -> Due<'c> {
        requirements::due(&handle.tenant.config.registration, &self.claims, &self.accepted, handle.now())
    }
    /// The next version of its acceptances.
    #[must_use]
    pub fn next_terms(&self, accepted: Vec<AcceptedTerms>) -> Terms {
        Terms { accepted, version: self.terms_version + 1 }
    }
}

/// The requirements of the tenant document at this time.
#[must_use]
pub fn in_force(handle: &TenantHandle) -> Option<Requirements> {
    requirements::in_force(&handle.tenant.config.registration, handle.now())
}

/// The write that says that nothing is due of this account, unless its state says so already.
#[must_use]
pub fn record(handle: &TenantHandle, state: &AccountState) -> Option<Change> {
    let required = in_force(handle).filter(|required| state.satisfied != Some(*required));
    required.map(|required| Change::record_requirements(requirements::satisfy(state, Some(required))))
}
