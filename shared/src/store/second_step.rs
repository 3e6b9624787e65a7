//! Reads for the second step of a sign-in.

use super::item::ItemKind;
use super::key::ItemRef;
use super::{StoreError, TenantStore};
use crate::domain::account::{AccountState, WrappedDataKey};
use crate::domain::id::{AccountId, AttemptId};
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::sign_in::attempt::SignInAttempt;
use crate::domain::totp::TotpCredential;

/// The factor that a typed code belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// The authenticator app.
    Totp,
    /// The recovery codes.
    RecoveryCode,
}

/// An account with the attempt that waits for its second step.
#[derive(Debug, Clone)]
pub struct AttemptSnapshot {
    /// The account.
    pub authentication: AccountState,
    /// The attempt.
    pub attempt: SignInAttempt,
}

/// What a typed code is compared with.
#[derive(Debug, Clone)]
pub struct SecondStepSnapshot {
    /// The account.
    pub authentication: AccountState,
    /// Its data key.
    pub data_key: WrappedDataKey,
    /// The attempt, if one was named and is stored.
    pub attempt: Option<SignInAttempt>,
    /// The authenticator app, if it was asked for.
    pub totp: Option<TotpCredential>,
    /// The recovery codes, if they were asked for.
    pub recovery_codes: Option<RecoveryCodes>,
}

impl TenantStore {
    /// The attempt and its account: one BatchGetItem, 2 RRU. An attempt that is over is returned too; the decision checks it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_attempt(&self, account: AccountId, attempt: AttemptId) -> Result<Option<AttemptSnapshot>, StoreError> {
        let (authentication, attempt) = (ItemRef::Authentication(account), ItemRef::Attempt(attempt));
        let mut items = self.batch([authentication, attempt]).await?;
        let authentication: Option<AccountState> = items.take(&self.key(authentication), ItemKind::Authentication)?;
        let attempt: Option<SignInAttempt> = items.take(&self.key(attempt), ItemKind::Attempt)?;
        Ok(authentication.zip(attempt).map(|(authentication, attempt)| AttemptSnapshot { authentication, attempt }))
    }
    /// The recovery codes of an account. 1 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_recovery_codes(&self, account: AccountId) -> Result<Option<RecoveryCodes>, StoreError> {
        self.get(ItemRef::RecoveryCodes(account), ItemKind::RecoveryCodes).await
    }
    /// What a code of this kind is compared with: one BatchGetItem of 4 (3 without an attempt). 4 RRU.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_second_step(
        &self,
        account: AccountId,
        attempt: Option<AttemptId>,
        kind: CodeKind,
    ) -> Result<Option<SecondStepSnapshot>, StoreError> {
        let code = match kind {
            CodeKind::Totp => ItemRef::Totp(account),
            CodeKind::RecoveryCode => ItemRef::RecoveryCodes(account),
        };
        let (authentication, data_key) = (self.key(ItemRef::Authentication(account)), self.key(ItemRef::DataKey(account)));
        let (code, attempt) = (self.key(code), attempt.map(|attempt| self.key(ItemRef::Attempt(attempt))));
        let keys = [&authentication, &data_key, &code].into_iter().chain(&attempt).cloned().collect();
        let mut items = self.batch_keys(keys).await?;
        let (totp, recovery_codes) = match kind {
            CodeKind::Totp => (items.take(&code, ItemKind::Totp)?, None),
            CodeKind::RecoveryCode => (None, items.take(&code, ItemKind::RecoveryCodes)?),
        };
        let authentication: Option<AccountState> = items.take(&authentication, ItemKind::Authentication)?;
        let data_key: Option<WrappedDataKey> = items.take(&data_key, ItemKind::DataKey)?;
        let attempt = items.take_if(attempt.as_ref(), ItemKind::Attempt)?;
        Ok(authentication.zip(data_key).map(|(authentication, data_key)| SecondStepSnapshot {
            authentication,
            data_key,
            attempt,
            totp,
            recovery_codes,
        }))
    }
}
