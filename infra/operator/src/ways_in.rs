//! Counts the passkeys that a tenant document ends, and the accounts that it leaves without a way in.
//!
//! 1. It walks the accounts at a limited rate. An account without passkeys costs nothing beyond the walk.
//! 2. Of an account with passkeys it reads these, and whether a password is stored.
//! 3. [`latchkey::domain::sign_in::ways_in`] decides. The walk is not a snapshot: an account that changes meanwhile counts as before or after.

use crate::account_scan::scan_accounts;
use crate::command_error::CommandError;
use crate::terminal::warn;
use latchkey::domain::account::{AccountState, AccountStatus};
use latchkey::domain::sign_in::ways_in::{AllowedWays, StoredWays, WayIn};
use latchkey::store::principal::PrincipalQuery;
use latchkey::store::{StoreError, TenantStore};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The rate of the walk.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct WalkOptions {
    /// Accounts a second, where the accounts must be counted; the walk takes one read unit for each 4 KB of the table, and an account with
    /// passkeys about four more
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RATE, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
}

/// Accounts a second.
pub(crate) const DEFAULT_RATE: u32 = 500;

/// What a document ends.
#[derive(Debug, Default, Serialize)]
pub(crate) struct EndedWays {
    /// Accounts that were walked, without erased ones.
    pub(crate) accounts: usize,
    /// Passkeys in use that the document ends, by their relying party id.
    pub(crate) ended_passkeys: BTreeMap<String, usize>,
    /// Accounts with such a passkey.
    pub(crate) concerned: usize,
    /// Of these, accounts that nothing opens any more.
    pub(crate) without_way_in: usize,
    /// Of these, accounts that a password reset by mail opens.
    pub(crate) only_by_reset: usize,
    /// Accounts that could not be read.
    pub(crate) unreadable: usize,
}

/// What was found of one account.
enum Found {
    /// Erased.
    Erased,
    /// Nothing ends.
    Unconcerned,
    /// These relying party ids of ended passkeys, and what is left.
    Concerned(Vec<String>, WayIn),
}

impl EndedWays {
    /// Walks the accounts of a tenant.
    pub(crate) async fn count(
        store: &TenantStore,
        rate: u32,
        allowed: AllowedWays<'_>,
        of: &str,
    ) -> Result<Self, CommandError> {
        warn(&format!(
            "counting the passkeys of {of}, at most {rate} accounts a second: one read unit for each 4 KB of the table, and about four for \
             each account with passkeys\n"
        ));
        let mut ended = Self::default();
        let read = |state: AccountState| async move { read_account(store, state, allowed).await };
        scan_accounts(store, rate, read, |_, found| {
            ended.add(found);
            Ok(())
        })
        .await?;
        Ok(ended)
    }

    fn add(&mut self, found: Result<Found, StoreError>) {
        match found {
            Ok(Found::Erased) => return,
            Ok(Found::Unconcerned) => {}
            Ok(Found::Concerned(rp_ids, way_in)) => {
                self.concerned += 1;
                self.without_way_in += usize::from(way_in == WayIn::None);
                self.only_by_reset += usize::from(way_in == WayIn::PasswordReset);
                for rp_id in rp_ids {
                    *self.ended_passkeys.entry(rp_id).or_default() += 1;
                }
            }
            Err(_) => self.unreadable += 1,
        }
        self.accounts += 1;
    }

    /// Whether it ends nothing, as far as every account could be read.
    pub(crate) fn is_harmless(&self) -> bool {
        self.concerned == 0 && self.unreadable == 0
    }

    /// The counts, one a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Self { accounts, concerned, without_way_in, only_by_reset, unreadable, .. } = self;
        let mut lines: Vec<String> = Vec::new();
        for (rp_id, count) in &self.ended_passkeys {
            lines.push(format!("passkeys of {rp_id} that sign in no more: {count}"));
        }
        let mut found = format!("accounts counted: {accounts}; with such a passkey: {concerned}");
        for (count, what) in [
            (without_way_in, "left without a way in (protected, and the passkey is their only second factor)"),
            (only_by_reset, "opened only by a password reset by mail"),
            (unreadable, "not readable, so not counted"),
        ] {
            let _ = write!(found, "; {what}: {count}");
        }
        lines.push(found);
        lines
    }
}

/// The accounts of which a way in could end are those with passkeys.
async fn read_account(store: &TenantStore, state: AccountState, allowed: AllowedWays<'_>) -> Result<Found, StoreError> {
    if matches!(state.status, AccountStatus::Erased { .. }) {
        return Ok(Found::Erased);
    }
    if state.factors.passkeys == 0 {
        return Ok(Found::Unconcerned);
    }
    let query = PrincipalQuery {
        account: state.account,
        session: None,
        grant: None,
        profile: false,
        password: true,
        second_factors: false,
    };
    let (passkeys, found) = (store.find_passkeys(state.account).await?, store.find_principal(query).await?);
    let Some(found) = found else { return Ok(Found::Erased) };
    let ways = StoredWays { account: &found.authentication, has_password: found.password.is_some(), passkeys: &passkeys };
    let ended: Vec<String> = ways.ended_passkeys(allowed).map(|passkey| passkey.rp_id.clone()).collect();
    Ok(if ended.is_empty() { Found::Unconcerned } else { Found::Concerned(ended, ways.way_in(allowed)) })
}
