//! `latchkey cognito status`: progress of a migration. It lists the pool's users page by page and lookups each up here by their identity in
//! the pool.
//!
//! 1. List the pool's users 60 a page (`ListUsers`), at a rate that leaves quota for other callers. Only one page is in memory.
//! 2. Look up each user by the claim on their external identity: an account, an erased account, or none.
//! 3. For users with an account, show whether they have ever signed in. For the others, the pool's user status shows what prevents the
//!    import. The output has counts only, no personal data.

use super::pool::{ImportRoute, Pool, PoolUser, RateLimit};
use crate::command_error::CommandError;
use crate::target::{Target, TargetOptions, document, tenant};
use crate::terminal::{Progress, columns, say, say_json};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use latchkey::context::Clock;
use latchkey::domain::account::AccountStatus;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::legacy_directory::{InvalidUserPoolId, UserPoolId};
use latchkey::domain::time::Timestamp;
use latchkey::keys::{KeyError, Keys, TenantKeys};
use latchkey::purpose::Purpose;
use latchkey::store::{StoreError, TenantStore};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many users are looked up concurrently.
const AT_ONCE: usize = 16;
/// How many days are shown. JSON has all of them.
const DAYS: usize = 30;
/// The width of the longest bar, in characters.
const BAR: usize = 40;

/// What to count.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// The pool, if the tenant's document names none
    #[arg(long, value_name = "ID", value_parser = pool)]
    user_pool_id: Option<UserPoolId>,
    /// Calls of ListUsers a second, 60 users each. By default a pool allows 30 a second, for all callers together
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=30))]
    rate: u32,
    /// Print one JSON object with every day, for programs
    #[arg(long)]
    json: bool,
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

fn pool(text: &str) -> Result<UserPoolId, String> {
    text.parse().map_err(|error: InvalidUserPoolId| error.to_string())
}

/// The counts.
#[derive(Debug, Default, Serialize)]
struct MigrationCounts {
    /// Users that the pool lists.
    in_the_pool: u64,
    /// Users with an account here.
    moved: u64,
    /// Of those, users who have signed in here.
    active: u64,
    /// Of the users with an account, those with a closed account.
    closed: u64,
    /// Users imported and then erased here.
    erased: u64,
    /// Users not imported yet.
    left: u64,
    /// Those, by what prevents the import.
    left_by_state: BTreeMap<&'static str, u64>,
    /// Imports by day (UTC). Erased users are not included: only their erasure is known.
    by_day: BTreeMap<String, u64>,
}

/// Counts and prints.
pub(super) async fn run(status: &Status) -> Result<(), CommandError> {
    let target = status.target.open().await?;
    let store = target.store.tenant(status.tenant.clone());
    let config = document(&store).await?;
    let named = config.legacy_directory.as_ref().map(|cognito| &cognito.user_pool_id);
    let pool = status.user_pool_id.as_ref().or(named).ok_or_else(|| {
        CommandError::new("the tenant's document names no user pool: give its id with --user-pool-id eu-central-1_AbCdEfGhI")
    })?;
    let keys = Keys::new(target.vault()?, &[Purpose::Identifier]);
    let keys = keys.tenant(&store, config.keys.signer, Clock::system().now()).await;
    let keys = keys.map_err(|error| CommandError::caused_by("the tenant's keys could not be opened", &error))?;
    let store = keys.bind(store);
    let walk = StatusScan { pool: Pool::open(&target, pool).await, store, keys };
    let counted = walk.count(status.rate).await?;
    if status.json { say_json(&counted) } else { say(&render(&counted, pool, &status.tenant, &target)) }
}

/// What is known about one user.
enum UserState {
    Imported { since: Timestamp, active: bool, closed: bool },
    Erased,
    NotImported(&'static str),
}

#[derive(Debug, thiserror::Error)]
enum FindError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

struct StatusScan {
    pool: Pool,
    store: TenantStore,
    keys: Arc<TenantKeys>,
}

impl StatusScan {
    async fn count(&self, rate: u32) -> Result<MigrationCounts, CommandError> {
        let mut progress = Progress::new(self.pool.estimate().await?);
        let (pace, mut counted, mut token) = (RateLimit::per_second(rate), MigrationCounts::default(), None);
        loop {
            let (users, next) = self.pool.list_users(&pace, token).await?;
            let found = stream::iter(users).map(|user| self.find(user)).buffer_unordered(AT_ONCE);
            let found: Vec<UserState> = found
                .try_collect()
                .await
                .map_err(|error| CommandError::caused_by("a user could not be looked up; run the command again", &error))?;
            for one in found {
                counted.add(&one);
                progress.step();
            }
            token = next;
            if token.is_none() {
                progress.end();
                return Ok(counted);
            }
        }
    }

    async fn find(&self, user: PoolUser) -> Result<UserState, FindError> {
        let subject = self.pool.subject(&user);
        let claimed = self.store.find_subject(&self.keys.identifier()?.hash_subject(&subject)).await?;
        let Some(claimed) = claimed else { return Ok(UserState::NotImported(route_label(user.import_route()))) };
        let Some(account) = claimed.account else { return Ok(UserState::Erased) };
        let Some(state) = self.store.find_authentication(account).await? else { return Ok(UserState::Erased) };
        let here = |closed| UserState::Imported { since: claimed.at, active: !state.devices.is_empty(), closed };
        Ok(match state.status {
            AccountStatus::Active => here(false),
            AccountStatus::Disabled { .. } | AccountStatus::ErasureDue { .. } => here(true),
            AccountStatus::Erased { .. } => UserState::Erased,
        })
    }
}

fn route_label(way: ImportRoute) -> &'static str {
    match way {
        ImportRoute::CurrentPassword => "can come at their next sign-in",
        ImportRoute::NewPassword => "need a new password by mail",
        ImportRoute::Excluded(why) => why,
    }
}

impl MigrationCounts {
    fn add(&mut self, found: &UserState) {
        self.in_the_pool += 1;
        match found {
            UserState::Imported { since, active, closed } => {
                self.moved += 1;
                self.active += u64::from(*active);
                self.closed += u64::from(*closed);
                *self.by_day.entry(since.to_string().chars().take(10).collect()).or_default() += 1;
            }
            UserState::Erased => self.erased += 1,
            UserState::NotImported(why) => {
                self.left += 1;
                *self.left_by_state.entry(why).or_default() += 1;
            }
        }
    }
}

fn render(counted: &MigrationCounts, pool: &UserPoolId, tenant: &TenantId, target: &Target) -> String {
    let mut text = format!("user pool {pool}, tenant {tenant} of {}\n\n", target.name);
    let share = |count: u64| format!("{:.1} %", 100.0 * ratio(count, counted.in_the_pool));
    let row = |what: &str, count: u64| [what.to_owned(), count.to_string(), share(count)];
    let mut rows = vec![
        row("in the pool", counted.in_the_pool),
        row("moved", counted.moved),
        row("  signed in here", counted.active),
        row("  closed here", counted.closed),
        row("erased here", counted.erased),
        row("left", counted.left),
    ];
    rows.extend(counted.left_by_state.iter().map(|(why, count)| row(&format!("  {why}"), *count)));
    text.push_str(&columns(&rows));
    if counted.left > 0 {
        text.push_str("Users with a second factor stay in the pool; the pool's user list does not show who they are.\n");
    }
    if !counted.by_day.is_empty() {
        text.push_str("\nimported by day (UTC)\n");
        let days: Vec<_> = counted.by_day.iter().rev().take(DAYS).collect();
        let most = days.iter().map(|(_, count)| **count).max().unwrap_or_default();
        let bars: Vec<_> =
            days.iter().rev().map(|(day, count)| [(*day).clone(), count.to_string(), bar(**count, most)]).collect();
        text.push_str(&columns(&bars));
        let earlier: u64 = counted.by_day.iter().rev().skip(DAYS).map(|(_, count)| count).sum();
        if earlier > 0 {
            text.push_str(&format!("on {} earlier days: {earlier}\n", counted.by_day.len() - DAYS));
        }
    }
    text
}

fn ratio(count: u64, all: u64) -> f64 {
    let small = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    if all == 0 { 0.0 } else { small(count) / small(all) }
}

/// At least one mark for any count above zero.
fn bar(count: u64, most: u64) -> String {
    let length = usize::try_from(count.saturating_mul(BAR as u64) / most.max(1)).unwrap_or(BAR);
    "#".repeat(length.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_never_empty_for_a_count() {
        assert_eq!([bar(1, 1_000).len(), bar(500, 1_000).len(), bar(1_000, 1_000).len()], [1, BAR / 2, BAR]);
    }
}
