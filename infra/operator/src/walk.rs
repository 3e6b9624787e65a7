//! A walk over everybody of a tenant, page by page, at a rate that leaves the table to the service; one page is held at a time.

use crate::refused::Refused;
use crate::terminal::Progress;
use futures_util::{StreamExt as _, stream};
use latchkey::domain::account::Authentication;
use latchkey::domain::id::AccountId;
use latchkey::store::{StoreError, TenantStore};
use std::io;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How many people are read at once.
const AT_ONCE: u32 = 16;

/// Reads each account with `read` and passes it on to `add`, in the order of the walk; the account's number with it, where it is known.
///
/// # Errors
/// When the table can't be walked, or `add` failed.
pub(crate) async fn everybody<T, E: From<StoreError>, Reading: Future<Output = Result<T, E>>>(
    store: &TenantStore,
    rate: u32,
    read: impl Fn(Authentication) -> Reading,
    mut add: impl FnMut(Option<AccountId>, Result<T, E>) -> io::Result<()>,
) -> Result<(), Refused> {
    let mut progress = Progress::uncounted();
    let mut pace = tokio::time::interval(Duration::from_secs(1) * AT_ONCE / rate);
    // What a slow table held up is not made up for afterwards: the rate is a limit.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = None;
    loop {
        let page = store.walk_accounts(next).await;
        let page = page.map_err(|error| Refused::because("the table could not be walked", &error))?;
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
                add(account, found).map_err(|error| Refused::new(format!("the export could not be written: {error}")))?;
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
