//! Counts the accounts without a second factor or passkey, which a tenant document asks to set one up. It reads nothing beyond the walk.

use crate::account_scan::scan_accounts;
use crate::command_error::CommandError;
use crate::terminal::warn;
use latchkey::domain::account::{AccountState, AccountStatus};
use latchkey::domain::sign_in::assurance::Acr;
use latchkey::store::{StoreError, TenantStore};
use serde::Serialize;

/// The accounts without a second factor.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Unenrolled {
    /// Accounts that were walked, without erased ones.
    pub(crate) accounts: usize,
    /// Of these, accounts without a second factor or passkey.
    pub(crate) without_factor: usize,
    /// Accounts that could not be read.
    pub(crate) unreadable: usize,
}

impl Unenrolled {
    /// Walks the accounts of a tenant. `passkeys`: whether it has passkeys under the new document.
    pub(crate) async fn count(store: &TenantStore, rate: u32, passkeys: bool, of: &str) -> Result<Self, CommandError> {
        warn(&format!(
            "counting the accounts of {of} without a second factor, at most {rate} a second: one read unit for each 4 KB of the table\n"
        ));
        let mut counted = Self::default();
        let read = |state: AccountState| async move { Ok::<_, StoreError>(state) };
        scan_accounts(store, rate, read, |_, found| {
            match found {
                Ok(state) if matches!(state.status, AccountStatus::Erased { .. }) => {}
                Ok(state) => {
                    counted.accounts += 1;
                    counted.without_factor += usize::from(state.factors.highest_level(passkeys) < Acr::Aal2);
                }
                Err(_) => counted.unreadable += 1,
            }
            Ok(())
        })
        .await?;
        Ok(counted)
    }

    /// The counts in words.
    pub(crate) fn line(&self) -> String {
        let Self { accounts, without_factor, unreadable } = self;
        format!(
            "accounts counted: {accounts}; without a second factor or passkey, which are asked to set one up: {without_factor}; not readable, so \
             not counted: {unreadable}"
        )
    }
}
