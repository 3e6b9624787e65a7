//! Reads of grants and of revoked tokens that have none.
use super::item::Kind;
use super::key::Thing;
use super::{StoreError, TenantStore};
use crate::domain::account::{Authentication, WrappedDataKey};
use crate::domain::id::{AccountId, GrantId, Jti, SessionId};
use crate::domain::oauth::grant::Grant;
use crate::domain::profile::Profile;
use crate::domain::record::RevokedToken;
use crate::domain::session::Session;

/// Which grant, and what to read with it.
#[derive(Debug, Clone, Copy)]
pub struct GrantQuery {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub grant: GrantId,
    /// Its session too (codes, grants without `offline_access`): 1 RRU more.
    pub session: Option<SessionId>,
    /// Profile and data key too (userinfo): 2 RRU more.
    pub profile: bool,
}

/// A grant with what decides whether it lives.
#[derive(Debug, Clone)]
pub struct GrantSnapshot {
    /// The grant.
    pub grant: Grant,
    /// Its account.
    pub authentication: Authentication,
    /// Its session, when asked for and there.
    pub session: Option<Session>,
    /// The profile, when asked for and there.
    pub profile: Option<Profile>,
    /// The data key, when asked for and there.
    pub data_key: Option<WrappedDataKey>,
}

impl TenantStore {
    /// The grant ‖ AUTHN (‖ session ‖ PROFILE ‖ key), one BatchGetItem: from 2 RRU. `None` when grant or account is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_grant(&self, query: GrantQuery) -> Result<Option<GrantSnapshot>, StoreError> {
        let GrantQuery { account, grant, session, profile } = query;
        let grant = self.key(Thing::Grant(account, grant));
        let authentication = self.key(Thing::Authentication(account));
        let session = session.map(|session| self.key(Thing::Session(account, session)));
        let person = profile.then(|| (self.key(Thing::Profile(account)), self.key(Thing::DataKey(account))));
        let mut keys = vec![grant.clone(), authentication.clone()];
        keys.extend(session.clone());
        keys.extend(person.clone().map(<[_; 2]>::from).into_iter().flatten());
        let mut items = self.batch_keys(keys).await?;
        let session = match session {
            Some(key) => items.take(&key, Kind::Session)?,
            None => None,
        };
        let (profile, data_key) = match person {
            Some((profile, data_key)) => (items.take(&profile, Kind::Profile)?, items.take(&data_key, Kind::DataKey)?),
            None => (None, None),
        };
        let grant = items.take(&grant, Kind::Grant)?;
        let authentication = items.take(&authentication, Kind::Authentication)?;
        Ok(grant.zip(authentication).map(|(grant, authentication)| GrantSnapshot {
            grant,
            authentication,
            session,
            profile,
            data_key,
        }))
    }
    /// Whether an access token that has no grant was revoked. 1 RRU.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_revoked_jti(&self, jti: Jti) -> Result<bool, StoreError> {
        let revoked: Option<RevokedToken> = self.get(Thing::RevokedJti(jti), Kind::RevokedJti).await?;
        Ok(revoked.is_some())
    }
}
