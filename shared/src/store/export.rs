//! Reads of an export: all items of an account outside the protected prefix of its secrets (`X#`), and its audit trail.
use super::item::{Item, KIND, Kind, malformed, read};
use super::key::{ItemKey, Thing};
use super::principal::PrincipalSnapshot;
use super::{StoreError, TenantStore};
use crate::domain::account::{Authentication, WrappedDataKey};
use crate::domain::audit::Event;
use crate::domain::consent::{AcceptedTerms, Consent};
use crate::domain::id::{AccountId, GrantId, SessionId};
use crate::domain::linked_identity::LinkedIdentity;
use crate::domain::oauth::grant::Grant;
use crate::domain::profile::Profile;
use crate::domain::record::Terms;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;

/// All stored data of an account, still sealed.
#[derive(Debug, Clone)]
pub struct Everything {
    /// The hot item.
    pub authentication: Authentication,
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
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
    /// The newest audit records, newest first.
    pub history: Vec<Event>,
}

impl Everything {
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
        }
    }
}

impl TenantStore {
    /// The account's whole partition ‖ its data key ‖ its audit records until this moment, at most `at_most`: three concurrent
    /// requests, 1 RRU for each 4 KB. `None` if the account does not exist.
    ///
    /// # Errors
    /// If the store fails, or an item is of a kind that has no place in the export.
    pub async fn find_everything(
        &self,
        account: AccountId,
        until: Timestamp,
        at_most: u16,
    ) -> Result<Option<Everything>, StoreError> {
        let ItemKey { pk, .. } = self.key(Thing::Authentication(account));
        let (items, data_key, history) = tokio::try_join!(
            self.partition(&pk),
            self.get(Thing::DataKey(account), Kind::DataKey),
            self.newest_audit(account, Some(until), at_most),
        )?;
        let mut found = Found::default();
        for item in items {
            found.add(item)?;
        }
        let history = history.into_iter().map(|item| read(Kind::Audit, item)).collect::<Result<_, _>>()?;
        let Found { authentication, profile, links, sessions, grants, consents, terms } = found;
        Ok(authentication.map(|authentication| Everything {
            authentication,
            profile,
            data_key,
            links,
            sessions,
            grants,
            consents,
            terms,
            history,
        }))
    }
}

/// The items of a partition, grouped by kind.
#[derive(Default)]
pub(super) struct Found {
    pub(super) authentication: Option<Authentication>,
    pub(super) profile: Option<Profile>,
    pub(super) links: Vec<LinkedIdentity>,
    sessions: Vec<Session>,
    grants: Vec<Grant>,
    pub(super) consents: Vec<Consent>,
    pub(super) terms: Vec<AcceptedTerms>,
}

impl Found {
    pub(super) fn add(&mut self, item: Item) -> Result<(), StoreError> {
        let kind = item.get(KIND).and_then(|kind| kind.as_s().ok()).cloned().unwrap_or_default();
        let is = |known: Kind| kind == known.as_str();
        if is(Kind::Authentication) {
            self.authentication = Some(read(Kind::Authentication, item)?);
        } else if is(Kind::Profile) {
            self.profile = Some(read(Kind::Profile, item)?);
        } else if is(Kind::LinkedIdentity) {
            self.links.push(read(Kind::LinkedIdentity, item)?);
        } else if is(Kind::Session) {
            self.sessions.push(read(Kind::Session, item)?);
        } else if is(Kind::Grant) {
            self.grants.push(read(Kind::Grant, item)?);
        } else if is(Kind::Consent) {
            self.consents.push(read(Kind::Consent, item)?);
        } else if is(Kind::Terms) {
            let Terms { accepted, .. } = read(Kind::Terms, item)?;
            self.terms = accepted;
        } else {
            // An export must fail rather than silently omit data of a kind that a later version stores.
            return Err(malformed(Kind::Authentication, format!("nobody said how to export an item of kind {kind}")));
        }
        Ok(())
    }
}
