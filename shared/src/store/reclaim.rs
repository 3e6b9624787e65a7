//! Moves claims to the version of the identifier key that makes new items, and counts what is left under an earlier version. For
//! operators: it scans the table, which no function may do.
//!
//! 1. Scan the table page by page for items under the earlier version: claims of addresses and of subjects, failures of unknown
//!    addresses, and accounts that name their claim by it.
//! 2. Move each one in one write or transaction of its own. The key of the next version follows from the hash itself, so no address is needed.
//! 3. A claim that a request has changed meanwhile is read again, at most [`MAX_ATTEMPTS`] times.

use super::item::{Item, ItemKind, KIND, malformed, read};
use super::key::{ItemRef, PK, Table, accounts_prefix, hashed_prefixes};
use super::people::{ScanFilter, WalkedTo};
use super::{CommitError, MAX_ATTEMPTS, StoreError, TenantStore};
use crate::context::RequestContext;
use crate::domain::account::{AccountState, AccountStatus};
use crate::domain::change::{Change, Changes};
use crate::domain::failure_window::UnknownIdentifierFailures;
use crate::domain::id::AccountId;
use crate::domain::identifier::{IdentifierForms, IdentifierHash};
use crate::domain::linked_identity::{ClaimedSubject, LinkedIdentity, SubjectHash};
use crate::domain::record::ClaimedIdentifier;
use data_encoding::BASE64URL_NOPAD;

/// An item under an earlier version of the identifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormerItem {
    /// The claim of an address.
    Identifier(IdentifierHash),
    /// The claim of a subject of another identity provider, and the link to it.
    Subject(SubjectHash),
    /// The failures of an address without an account.
    Failures(IdentifierHash),
    /// An account that names its claim by the earlier version. Usually it moves with the claim.
    Account(AccountId),
}

/// A page of the scan.
#[derive(Debug)]
pub struct FormerPage {
    /// The items, or the reason why one is malformed.
    pub found: Vec<Result<FormerItem, StoreError>>,
    /// Where the scan continues, if it does.
    pub next: Option<WalkedTo>,
}

/// The result for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reclaimed {
    /// It is stored under the next version now.
    Moved,
    /// It is gone, was moved before, or is removed by an erasure in progress.
    Gone,
    /// Requests changed it at every attempt. The next run moves it.
    Busy,
}

impl TenantStore {
    /// Items under this version of the identifier key: a page of the scan.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_former_items(&self, version: u32, from: Option<WalkedTo>) -> Result<FormerPage, StoreError> {
        let [identifiers, subjects, failures] = hashed_prefixes(&self.tenant, version);
        let filter = ScanFilter {
            expression: "begins_with(#pk, :identifiers) OR begins_with(#pk, :subjects) OR begins_with(#pk, :failures) \
                         OR (begins_with(#pk, :accounts) AND #kind = :kind AND #st.#is <> :erased)",
            names: vec![("#pk", PK), ("#kind", KIND), ("#st", "st"), ("#is", "is")],
            values: vec![
                (":identifiers", identifiers),
                (":subjects", subjects),
                (":failures", failures),
                (":accounts", accounts_prefix(&self.tenant)),
                (":kind", ItemKind::Authentication.as_str().to_owned()),
                (":erased", "erased".to_owned()),
            ],
        };
        let (items, next) = self.scan(Table::Identities, filter, from).await?;
        let found = items.into_iter().filter_map(|item| former_item(item, version).transpose()).collect();
        Ok(FormerPage { found, next })
    }

    /// Moves an item to the version that makes new ones. The store itself must be one without [`Self::with_identifiers`].
    ///
    /// # Errors
    /// If the store fails.
    pub async fn reclaim(
        &self,
        item: FormerItem,
        forms: &dyn IdentifierForms,
        request: &RequestContext,
    ) -> Result<Reclaimed, StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let change = match item {
                FormerItem::Identifier(from) => self.reclaim_identifier(from, forms).await?,
                FormerItem::Subject(from) => self.reclaim_subject(from, SubjectHash(forms.claimed(&from.0))).await?,
                FormerItem::Failures(from) => self.reclaim_failures(from, forms.claimed(&from)).await?,
                FormerItem::Account(account) => self.reclaim_account(account, forms).await?,
            };
            let Some(change) = change else { return Ok(Reclaimed::Gone) };
            let request = RequestContext { attempt, ..request.clone() };
            match self.commit(&Changes::one(change), &request).await {
                Ok(()) => return Ok(Reclaimed::Moved),
                Err(CommitError::Conflict(_) | CommitError::LimitReached) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
        Ok(Reclaimed::Busy)
    }

    async fn reclaim_identifier(
        &self,
        from: IdentifierHash,
        forms: &dyn IdentifierForms,
    ) -> Result<Option<Change>, StoreError> {
        let to = forms.claimed(&from);
        let claimed: Option<ClaimedIdentifier> = self.get(ItemRef::Identifier(&from), ItemKind::Identifier).await?;
        let Some(ClaimedIdentifier { account }) = claimed else { return Ok(None) };
        let state = self.find_authentication(account).await?;
        // An erasure in progress releases the address, wherever the claim is. An account with another address has moved on.
        let is_named = |state: &AccountState| forms.claimed(&state.identifier) == to && !is_erased(state);
        Ok(Some(Change::reclaim_identifier(state.filter(is_named), account, from, to)))
    }
    async fn reclaim_account(&self, account: AccountId, forms: &dyn IdentifierForms) -> Result<Option<Change>, StoreError> {
        let state = self.find_authentication(account).await?.filter(|state| !is_erased(state));
        let Some(state) = state else { return Ok(None) };
        let (from, to) = (state.identifier, forms.claimed(&state.identifier));
        if from == to {
            return Ok(None);
        }
        let claimed: Option<ClaimedIdentifier> = self.get(ItemRef::Identifier(&from), ItemKind::Identifier).await?;
        Ok(Some(match claimed {
            Some(claimed) if claimed.account == account => Change::reclaim_identifier(Some(state), account, from, to),
            Some(_) | None => Change::reclaim_account(state, to),
        }))
    }
    async fn reclaim_subject(&self, from: SubjectHash, to: SubjectHash) -> Result<Option<Change>, StoreError> {
        let claimed: Option<ClaimedSubject> = self.get(ItemRef::FederatedSubject(&from), ItemKind::FederatedSubject).await?;
        let Some(claimed) = claimed else { return Ok(None) };
        let Some(account) = claimed.account else {
            return Ok(Some(Change::reclaim_subject(claimed, None, None, from, to)));
        };
        let state = self.find_authentication(account).await?;
        // The erasure takes the account out of this claim. A later run moves what it leaves.
        if state.as_ref().is_some_and(is_erased) {
            return Ok(None);
        }
        let link: Option<LinkedIdentity> = self.get(ItemRef::LinkedIdentity(account, &from), ItemKind::LinkedIdentity).await?;
        Ok(Some(Change::reclaim_subject(claimed, state.map(|state| state.version), link, from, to)))
    }
    /// Failures that were also counted under the next version were united there: the former ones are removed.
    async fn reclaim_failures(&self, from: IdentifierHash, to: IdentifierHash) -> Result<Option<Change>, StoreError> {
        let found: Option<UnknownIdentifierFailures> =
            self.get(ItemRef::UnknownFailures(&from), ItemKind::UnknownFailures).await?;
        let Some(former) = found else { return Ok(None) };
        let next: Option<UnknownIdentifierFailures> =
            self.get(ItemRef::UnknownFailures(&to), ItemKind::UnknownFailures).await?;
        Ok(Some(Change::reclaim_failures(former, next, to)))
    }
}

fn is_erased(state: &AccountState) -> bool {
    matches!(state.status, AccountStatus::Erased { .. })
}

/// The item by its key. Only the key is read: a claim is read again before it moves. Of an account its state says under which version
/// it names its claim; one under a later version is not reported.
fn former_item(item: Item, version: u32) -> Result<Option<FormerItem>, StoreError> {
    let pk = item.get(PK).and_then(|pk| pk.as_s().ok()).cloned().unwrap_or_default();
    let kind = item.get(KIND).and_then(|kind| kind.as_s().ok()).cloned().unwrap_or_default();
    let found = match kind {
        kind if kind == ItemKind::Identifier.as_str() => hash_of(pk.rsplit('#')).map(FormerItem::Identifier),
        kind if kind == ItemKind::FederatedSubject.as_str() => {
            hash_of(pk.rsplit('#')).map(|hash| FormerItem::Subject(SubjectHash(hash)))
        }
        kind if kind == ItemKind::UnknownFailures.as_str() => hash_of(pk.rsplit('.')).map(FormerItem::Failures),
        _ => {
            let state: AccountState = read(ItemKind::Authentication, item)?;
            return Ok((state.identifier.key_version <= version).then_some(FormerItem::Account(state.account)));
        }
    };
    found.map(Some).ok_or_else(|| malformed(ItemKind::Identifier, "its key names no hash"))
}

/// The hash and its version: the last two parts of a key.
fn hash_of<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<IdentifierHash> {
    let hash = BASE64URL_NOPAD.decode(parts.next()?.as_bytes()).ok()?.try_into().ok()?;
    Some(IdentifierHash { key_version: parts.next()?.parse().ok()?, hash })
}
