//! Scans all accounts of a tenant page by page, at a limited rate that leaves capacity for the service. One page is in memory.

use crate::command_error::CommandError;
use crate::terminal::Progress;
use futures_util::{StreamExt as _, stream};
use latchkey::domain::account::AccountState;
use latchkey::domain::id::AccountId;
use latchkey::store::{StoreError, TenantStore};
use std::io;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How many accounts are read concurrently.
const AT_ONCE: u32 = 16;

/// Reads each account with `read` and passes the result to `add`, in scan order, with the account id where it is known.
///
/// # Errors
/// If the table cannot be scanned, or `add` failed.
pub(crate) async fn scan_accounts<T, E: From<StoreError>, Reading: Future<Output = Result<T, E>>>(
    store: &TenantStore,
    rate: u32,
    read: impl Fn(AccountState) -> Reading,
    mut add: impl FnMut(Option<AccountId>, Result<T, E>) -> io::Result<()>,
) -> Result<(), CommandError> {
    let mut progress = Progress::without_total();
    let mut pace = tokio::time::interval(Duration::from_secs(1) * AT_ONCE / rate);
    // Do not catch up after a slow table: the rate is an upper limit.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = None;
    loop {
        let page = store.walk_accounts(next).await;
        let page = page.map_err(|error| CommandError::caused_by("the table could not be scanned", &error))?;
        let mut accounts = page.found.into_iter().peekable();
        while accounts.peek().is_some() {
            pace.tick().await;
            let some: Vec<_> = accounts.by_ref().take(AT_ONCE as usize).collect();
            let mut ones = stream::iter(some)
                .map(|state| async {
                    match state {
                        Ok(state) => (Some(state.account), read(state).await),
                        Err(error) => (None, Err(error.into())),
                    }
                })
                .buffered(AT_ONCE as usize);
            while let Some((account, found)) = ones.next().await {
                add(account, found).map_err(|error| CommandError::new(format!("the export could not be written: {error}")))?;
                progress.step();
            }
        }
        next = page.next;
        if next.is_none() {
            progress.end();
            return Ok(());
        }
    }
}
