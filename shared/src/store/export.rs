//! Reads of an export: all items of an account outside the protected prefix of its secrets (`X#`), its passkeys, and its audit trail.
use super::item::{Item, ItemKind, KIND, malformed, read};
use super::key::{ItemKey, ItemRef, Table, flow_audit_pk, passkeys_pk};
use super::principal::PrincipalSnapshot;
use super::{StoreError, TenantStore};
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::audit::Event;
use crate::domain::consent::{AcceptedTerms, Consent};
use crate::domain::id::{AccountId, GrantId, SessionId};
use crate::domain::linked_identity::LinkedIdentity;
use crate::domain::oauth::grant::Grant;
use crate::domain::passkey::Passkey;
use crate::domain::profile::Profile;
use crate::domain::record::Terms;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;

/// The most records of one flow in an export. A flow has a start, a few codes that are sent again, a few wrong ones, and an end.
const MAX_FLOW_EVENTS: u16 = 50;

/// All stored data of an account, still sealed.
#[derive(Debug, Clone)]
pub struct AccountSnapshot {
    /// The hot item.
    pub authentication: AccountState,
    /// The profile.
    pub profile: Option<Profile>,
    /// The key of the sealed values.
    pub data_key: Option<WrappedDataKey>,
    /// Every linked identity.
    pub links: Vec<LinkedIdentity>,
    /// Every session, by id.
    pub sessions: Vec<Session>,
    /// Every grant, by id.
    pub grants: Vec<Grant>,
    /// Every consent, by client.
    pub consents: Vec<Consent>,
    /// Every passkey, by the hash of its id.
    pub passkeys: Vec<Passkey>,
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
    /// The newest audit records, newest first.
    pub history: Vec<Event>,
}

impl AccountSnapshot {
    /// The data for admission: the account with the presented session or grant.
    #[must_use]
    pub fn principal(&self, session: Option<SessionId>, grant: Option<GrantId>) -> PrincipalSnapshot {
        PrincipalSnapshot {
            authentication: self.authentication.clone(),
            session: session.and_then(|id| self.sessions.iter().find(|session| session.id == id)).cloned(),
            grant: grant.and_then(|id| self.grants.iter().find(|grant| grant.id == id)).cloned(),
            profile: None,
            data_key: None,
            password: None,
            totp: None,
            recovery_codes: None,
        }
    }
}

impl TenantStore {
    /// The account's whole partition ‖ its passkeys ‖ its data key ‖ its audit records until this moment, at most `at_most`: four concurrent
    /// requests, 1 RRU for each 4 KB. Then the records of the flows that these records name, such as its registration: one request
    /// each. `None` if the account does not exist.
    ///
    /// # Errors
    /// If the store fails, or an item is of a kind that has no place in the export.
    pub async fn find_account_snapshot(
        &self,
        account: AccountId,
        until: Timestamp,
        at_most: u16,
    ) -> Result<Option<AccountSnapshot>, StoreError> {
        let ItemKey { pk, .. } = self.key(ItemRef::Authentication(account));
        let passkeys_pk = passkeys_pk(&self.tenant, account);
        let (items, passkeys, data_key, history) = tokio::try_join!(
            self.partition(&pk),
            self.partition(&passkeys_pk),
            self.get(ItemRef::DataKey(account), ItemKind::DataKey),
            self.newest_audit(account, Some(until), at_most),
        )?;
        let mut found = PartitionItems::default();
        for item in items.into_iter().chain(passkeys) {
            found.add(item)?;
        }
        let history: Vec<Event> = history.into_iter().map(|item| read(ItemKind::Audit, item)).collect::<Result<_, _>>()?;
        let history = self.with_flow_events(history, until).await?;
        let PartitionItems { authentication, profile, links, sessions, grants, consents, passkeys, terms } = found;
        Ok(authentication.map(|authentication| AccountSnapshot {
            authentication,
            profile,
            data_key,
            links,
            sessions,
            grants,
            consents,
            passkeys,
            terms,
            history,
        }))
    }
}

impl TenantStore {
    /// Adds the records of registrations and password resets that the account's records name, newest first. Other flows name no
    /// account and cannot be found.
    async fn with_flow_events(&self, mut history: Vec<Event>, until: Timestamp) -> Result<Vec<Event>, StoreError> {
        let flows: BTreeSet<String> = history.iter().filter_map(|event| event.flow).map(|flow| flow.to_string()).collect();
        for flow in flows {
            let pk = flow_audit_pk(self.tenant(), &flow);
            let page = self.page(Table::Audit, &pk, None, Some(MAX_FLOW_EVENTS)).await?;
            for item in page.items {
                let event: Event = read(ItemKind::Audit, item)?;
                if event.at <= until {
                    history.push(event);
                }
            }
        }
        history.sort_by(|one, other| other.id.cmp(&one.id));
        Ok(history)
    }
}

/// The items of a partition, grouped by kind.
#[derive(Default)]
pub(super) struct PartitionItems {
    pub(super) authentication: Option<AccountState>,
    pub(super) profile: Option<Profile>,
    pub(super) links: Vec<LinkedIdentity>,
    sessions: Vec<Session>,
    grants: Vec<Grant>,
    pub(super) consents: Vec<Consent>,
    passkeys: Vec<Passkey>,
    pub(super) terms: Vec<AcceptedTerms>,
}

impl PartitionItems {
    pub(super) fn add(&mut self, item: Item) -> Result<(), StoreError> {
        let kind = item.get(KIND).and_then(|kind| kind.as_s().ok()).cloned().unwrap_or_default();
        let is = |known: ItemKind| kind == known.as_str();
        if is(ItemKind::Authentication) {
            self.authentication = Some(read(ItemKind::Authentication, item)?);
        } else if is(ItemKind::Profile) {
            self.profile = Some(read(ItemKind::Profile, item)?);
        } else if is(ItemKind::LinkedIdentity) {
            self.links.push(read(ItemKind::LinkedIdentity, item)?);
        } else if is(ItemKind::Session) {
            self.sessions.push(read(ItemKind::Session, item)?);
        } else if is(ItemKind::Grant) {
            self.grants.push(read(ItemKind::Grant, item)?);
        } else if is(ItemKind::Consent) {
            self.consents.push(read(ItemKind::Consent, item)?);
        } else if is(ItemKind::Passkey) {
            self.passkeys.push(read(ItemKind::Passkey, item)?);
        } else if is(ItemKind::Terms) {
            let Terms { accepted, .. } = read(ItemKind::Terms, item)?;
            self.terms = accepted;
        } else {
            // An export must fail rather than silently omit data of a kind that a later version stores.
            return Err(malformed(ItemKind::Authentication, format!("items of kind {kind} have no place in the export")));
        }
        Ok(())
    }
}
