//! Reads for self-service: the caller's account, credentials and the data of the call, in one request.
use super::item::{Item, ItemKind, read};
use super::key::{ItemKey, ItemRef, LINK_PREFIX};
use super::{StoreError, TenantStore};
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::audit::Event;
use crate::domain::consent::Consent;
use crate::domain::credential::PasswordCredential;
use crate::domain::id::{AccountId, ClientId, GrantId, SessionId};
use crate::domain::linked_identity::LinkedIdentity;
use crate::domain::oauth::grant::Grant;
use crate::domain::profile::Profile;
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::domain::totp::TotpCredential;
use serde::de::DeserializeOwned;
use ulid::Ulid;

/// How many audit records of one moment a look-up by id reads.
const SAME_MOMENT: u16 = 50;

/// The presented credentials, and what to read with them. 1 RRU each.
#[derive(Debug, Clone, Copy)]
pub struct PrincipalQuery {
    /// The account.
    pub account: AccountId,
    /// The presented session, or the session of the presented grant.
    pub session: Option<SessionId>,
    /// The grant of the presented token.
    pub grant: Option<GrantId>,
    /// Whether to read profile and data key.
    pub profile: bool,
    /// Whether to read the password.
    pub password: bool,
    /// Whether to read authenticator app and recovery codes.
    pub second_factors: bool,
}

/// The current state of an account with its presented credentials.
#[derive(Debug, Clone)]
pub struct PrincipalSnapshot {
    /// The account.
    pub authentication: AccountState,
    /// The session, if requested and stored.
    pub session: Option<Session>,
    /// The grant, if requested and stored.
    pub grant: Option<Grant>,
    /// The profile, if requested and stored.
    pub profile: Option<Profile>,
    /// The data key, if requested and stored.
    pub data_key: Option<WrappedDataKey>,
    /// The password, if requested and stored.
    pub password: Option<PasswordCredential>,
    /// The authenticator app, if requested and stored.
    pub totp: Option<TotpCredential>,
    /// The recovery codes, if requested and stored.
    pub recovery_codes: Option<RecoveryCodes>,
}

impl TenantStore {
    /// AUTHN ‖ the presented credentials (‖ PROFILE ‖ key ‖ password ‖ TOTP ‖ RECOVERY), one BatchGetItem. `None` if the account does not exist.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_principal(&self, query: PrincipalQuery) -> Result<Option<PrincipalSnapshot>, StoreError> {
        let PrincipalQuery { account, session, grant, profile, password, second_factors } = query;
        let authentication = self.key(ItemRef::Authentication(account));
        let session = session.map(|session| self.key(ItemRef::Session(account, session)));
        let grant = grant.map(|grant| self.key(ItemRef::Grant(account, grant)));
        let data_key = profile.then(|| self.key(ItemRef::DataKey(account)));
        let profile = profile.then(|| self.key(ItemRef::Profile(account)));
        let password = password.then(|| self.key(ItemRef::Password(account)));
        let totp = second_factors.then(|| self.key(ItemRef::Totp(account)));
        let recovery_codes = second_factors.then(|| self.key(ItemRef::RecoveryCodes(account)));
        let optional =
            [&session, &grant, &profile, &data_key, &password, &totp, &recovery_codes].into_iter().filter_map(Clone::clone);
        let mut items = self.batch_keys(std::iter::once(authentication.clone()).chain(optional).collect()).await?;
        let Some(authentication) = items.take(&authentication, ItemKind::Authentication)? else { return Ok(None) };
        Ok(Some(PrincipalSnapshot {
            authentication,
            session: items.take_if(session.as_ref(), ItemKind::Session)?,
            grant: items.take_if(grant.as_ref(), ItemKind::Grant)?,
            profile: items.take_if(profile.as_ref(), ItemKind::Profile)?,
            data_key: items.take_if(data_key.as_ref(), ItemKind::DataKey)?,
            password: items.take_if(password.as_ref(), ItemKind::Password)?,
            totp: items.take_if(totp.as_ref(), ItemKind::Totp)?,
            recovery_codes: items.take_if(recovery_codes.as_ref(), ItemKind::RecoveryCodes)?,
        }))
    }
    /// Every session of an account, including ended and expired ones. One Query, all pages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_sessions(&self, account: AccountId) -> Result<Vec<Session>, StoreError> {
        self.query_account(account, "SESSION#", ItemKind::Session).await
    }
    /// Every grant of an account, including ended and expired ones. One Query, all pages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_grants(&self, account: AccountId) -> Result<Vec<Grant>, StoreError> {
        self.query_account(account, "GRANT#", ItemKind::Grant).await
    }
    /// Every linked identity of an account. One Query, all pages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_links(&self, account: AccountId) -> Result<Vec<LinkedIdentity>, StoreError> {
        self.query_account(account, LINK_PREFIX, ItemKind::LinkedIdentity).await
    }
    /// Every consent of an account, including withdrawn ones. One Query, all pages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_consents(&self, account: AccountId) -> Result<Vec<Consent>, StoreError> {
        self.query_account(account, "CONSENT#", ItemKind::Consent).await
    }
    /// The consent of an account to one client. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_consent(&self, account: AccountId, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        self.get(ItemRef::Consent(account, client), ItemKind::Consent).await
    }
    /// One session of an account. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_one_session(&self, account: AccountId, session: SessionId) -> Result<Option<Session>, StoreError> {
        self.get(ItemRef::Session(account, session), ItemKind::Session).await
    }
    /// The newest audit records of an account, newest first, at most this many. One Query.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_history(&self, account: AccountId, at_most: u16) -> Result<Vec<Event>, StoreError> {
        let items = self.newest_audit(account, None, at_most).await?;
        items.into_iter().map(|item| read(ItemKind::Audit, item)).collect()
    }

    /// The audit record of an account with this id. One Query. Only the newest [`SAME_MOMENT`] of its millisecond are looked at.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_event(&self, account: AccountId, id: &str) -> Result<Option<Event>, StoreError> {
        let Ok(ulid) = id.parse::<Ulid>() else { return Ok(None) };
        let at = i64::try_from(ulid.timestamp_ms()).map_or(Timestamp::from_millis(0), Timestamp::from_millis);
        let items = self.newest_audit(account, Some(at), SAME_MOMENT).await?;
        let events: Vec<Event> = items.into_iter().map(|item| read(ItemKind::Audit, item)).collect::<Result<_, _>>()?;
        Ok(events.into_iter().find(|event| event.id == id))
    }

    async fn query_account<S: DeserializeOwned>(
        &self,
        account: AccountId,
        prefix: &str,
        kind: ItemKind,
    ) -> Result<Vec<S>, StoreError> {
        let ItemKey { pk, .. } = self.key(ItemRef::Authentication(account));
        let items: Vec<Item> = self.range(&pk, prefix, false).await?;
        items.into_iter().map(|item| read(kind, item)).collect()
    }
}
