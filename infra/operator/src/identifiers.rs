//! `latchkey identifiers`: rotates the key that hashes e-mail addresses and subjects of other identity providers (docs/keys.md).
//!
//! 1. `begin` makes the next version. Functions read both versions from then on, and make new items under the next one minutes later.
//! 2. `reclaim` moves what is stored under the earlier version. It can be interrupted and repeated.
//! 3. `drop` ends the earlier version, only if nothing is left under it.
//!
//! The output has counts only, no personal data.

use crate::command_error::{CommandError, causes};
use crate::target::{Target, TargetOptions, document, tenant};
use crate::terminal::{Progress, columns, confirm, say};
use clap::Subcommand;
use data_encoding::BASE32_NOPAD;
use futures_util::{StreamExt as _, stream};
use latchkey::context::{Clock, Deadline, Random, RequestContext};
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::IdentifierForms;
use latchkey::keys::identifier_rotation::{self, IdentifierVersion};
use latchkey::keys::{KeyError, Keys};
use latchkey::purpose::Purpose;
use latchkey::store::reclaim::{FormerItem, Reclaimed};
use latchkey::store::{StoreError, TenantStore};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How many items are moved concurrently.
const AT_ONCE: u32 = 16;
/// How many failures are listed one by one.
const MAX_LISTED: usize = 5;

/// The key that hashes addresses.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows the versions, and how much is stored under one that is being replaced
    Status {
        #[command(flatten)]
        options: Options,
    },
    /// Makes the next version of the key. Every lookup costs one read unit more until the earlier version is dropped
    Begin {
        #[command(flatten)]
        options: Options,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Moves what is stored under the earlier version. An interrupted run can be repeated
    Reclaim {
        #[command(flatten)]
        options: Options,
        /// Items a second
        #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
        rate: u32,
    },
    /// Ends the earlier version, if nothing is stored under it
    Drop {
        #[command(flatten)]
        options: Options,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// The tenant.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

impl Options {
    async fn open(&self) -> Result<(Target, TenantStore), CommandError> {
        let target = self.target.open().await?;
        let store = target.store.tenant(self.tenant.clone());
        Ok((target, store))
    }
}

/// The version that is replaced, and the one that replaces it.
struct Replacement {
    former: IdentifierVersion,
    next: IdentifierVersion,
}

/// Runs the command. Returns whether nothing is left to do.
pub(crate) async fn run(command: &Command) -> Result<bool, CommandError> {
    match command {
        Command::Status { options } => status(options).await.map(|()| true),
        Command::Begin { options, yes } => begin(options, *yes).await.map(|()| true),
        Command::Reclaim { options, rate } => reclaim(options, *rate).await,
        Command::Drop { options, yes } => drop_version(options, *yes).await.map(|()| true),
    }
}

async fn status(options: &Options) -> Result<(), CommandError> {
    let (_, store) = options.open().await?;
    let versions = versions(&store).await?;
    let mut rows = Vec::new();
    for version in &versions {
        let state = match version.dropped_at {
            Some(at) => format!("dropped since {at}"),
            None => "live".to_owned(),
        };
        rows.push([format!("version {}", version.version), format!("made {}", version.created_at), state]);
    }
    say(&columns(&rows))?;
    let Some(Replacement { former, .. }) = replacement(versions) else { return Ok(()) };
    let left = count(&store, former.version).await?;
    say(&format!("stored under version {}: {left}\n", former.version))
}

async fn begin(options: &Options, yes: bool) -> Result<(), CommandError> {
    let (target, store) = options.open().await?;
    say(&format!(
        "Makes the next version of the identifier key for tenant {} of {}. Until the earlier one is dropped, each lookup of an address costs \
         1 read unit more and each registration 2 write units more. Do not begin while an earlier release of Latchkey may come back: it would \
         not find accounts that were moved.\n",
        options.tenant, target.name
    ))?;
    confirm("Make it?", yes)?;
    let made = identifier_rotation::begin(&target.vault()?, &store, Clock::system().now()).await;
    match made.map_err(|error| key_error(&error))? {
        Some(version) => say(&format!(
            "version {version} is made; every instance uses it in 7 minutes: then run latchkey identifiers reclaim\n"
        )),
        None => Err(CommandError::new("a rotation has begun already: latchkey identifiers status shows it")),
    }
}

async fn reclaim(options: &Options, rate: u32) -> Result<bool, CommandError> {
    let (target, store) = options.open().await?;
    let Replacement { former, next } = in_progress(&store).await?;
    let now = Clock::system().now();
    if now < next.reclaims_from() {
        let words =
            format!("not every instance uses version {} yet: run this again after {}", next.version, next.reclaims_from());
        return Err(CommandError::new(words));
    }
    let signer = document(&store).await?.keys.signer;
    let keys = Keys::new(target.vault()?, &[Purpose::Identifier]).tenant(&store, signer, now).await;
    let keys = keys.map_err(|error| key_error(&error))?;
    let forms = keys.identifier_forms().ok_or_else(|| CommandError::new("the identifier key could not be opened"))?;
    let moved = Move { store: &store, forms, run: BASE32_NOPAD.encode(&Random.bytes::<10>()) };
    let done = moved.all(former.version, rate).await?;
    let mut text = format!("moved: {}\n", done.moved);
    if done.failed > 0 {
        let _ = writeln!(text, "failed: {}", done.failed);
        text.extend(done.causes.iter().map(|cause| format!("  {cause}\n")));
    }
    let left = count(&store, former.version).await?;
    let _ = writeln!(text, "stored under version {}: {left}", former.version);
    text.push_str(if left == 0 {
        "the earlier version can be dropped: latchkey identifiers drop\n"
    } else {
        "run the command again\n"
    });
    say(&text)?;
    Ok(left == 0)
}

async fn drop_version(options: &Options, yes: bool) -> Result<(), CommandError> {
    let (target, store) = options.open().await?;
    let Replacement { former, next } = in_progress(&store).await?;
    if Clock::system().now() < next.replaces_from() {
        let words = format!(
            "counters of the day may still be stored under version {}: run this again after {}",
            former.version,
            next.replaces_from()
        );
        return Err(CommandError::new(words));
    }
    let left = count(&store, former.version).await?;
    if left > 0 {
        let words = format!("{left} items are stored under version {}: run latchkey identifiers reclaim", former.version);
        return Err(CommandError::new(words));
    }
    say(&format!("Nothing is stored under version {} for tenant {} of {}.\n", former.version, options.tenant, target.name))?;
    confirm("Drop it?", yes)?;
    let dropped = identifier_rotation::drop_version(&store, &former, Clock::system().now()).await;
    if !dropped.map_err(|error| store_error(&error))? {
        return Err(CommandError::new("it is not stored any more: latchkey identifiers status shows the versions"));
    }
    say(&format!("version {} is dropped; a lookup costs what it did before within 2 minutes\n", former.version))
}

/// Moves items.
struct Move<'a> {
    store: &'a TenantStore,
    forms: Arc<dyn IdentifierForms>,
    /// Identifies this run.
    run: String,
}

/// What was moved.
#[derive(Default)]
struct Done {
    /// How many items were read: each has a request of its own.
    seen: u64,
    moved: u64,
    failed: u64,
    causes: Vec<String>,
}

impl Move<'_> {
    /// Moves every item under this version, at most `rate` a second: the claims with the accounts that name them, then each account that names
    /// an address whose claim it does not have, or whose claim moved without it.
    async fn all(&self, version: u32, rate: u32) -> Result<Done, CommandError> {
        let mut done = Done::default();
        self.pass(version, rate, &mut done, |item| !matches!(item, FormerItem::Account(_))).await?;
        self.pass(version, rate, &mut done, |item| matches!(item, FormerItem::Account(_))).await?;
        Ok(done)
    }
    /// One scan of the table, page by page. It moves the items that `is_meant` names.
    async fn pass(
        &self,
        version: u32,
        rate: u32,
        done: &mut Done,
        is_meant: impl Fn(&FormerItem) -> bool,
    ) -> Result<(), CommandError> {
        let (mut progress, mut next) = (Progress::without_total(), None);
        let mut pace = tokio::time::interval(Duration::from_secs(1) * AT_ONCE / rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let page = self.store.find_former_items(version, next).await.map_err(|error| store_error(&error))?;
            let mut items = page.found.into_iter().filter(|item| item.as_ref().map_or(true, &is_meant)).peekable();
            while items.peek().is_some() {
                pace.tick().await;
                let some: Vec<_> = items
                    .by_ref()
                    .take(AT_ONCE as usize)
                    .map(|item| {
                        done.seen += 1;
                        (done.seen, item)
                    })
                    .collect();
                let mut ones =
                    stream::iter(some).map(|(number, item)| self.one(number, item)).buffer_unordered(AT_ONCE as usize);
                while let Some(one) = ones.next().await {
                    match one {
                        Ok(Reclaimed::Moved) => done.moved += 1,
                        Ok(Reclaimed::Gone | Reclaimed::Busy) => {}
                        Err(error) => {
                            done.failed += 1;
                            if done.causes.len() < MAX_LISTED {
                                done.causes.push(causes(&error));
                            }
                        }
                    }
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
    async fn one(&self, number: u64, item: Result<FormerItem, StoreError>) -> Result<Reclaimed, ReclaimError> {
        let request_id = format!("reclaim-{}-{number}", self.run).parse().map_err(|_| ReclaimError::InvalidRequestId)?;
        let (now, deadline) = (Clock::system().now(), Deadline::default());
        let request = RequestContext { request_id, now, attempt: 1, address_hash: None, deadline };
        Ok(self.store.reclaim(item?, self.forms.as_ref(), &request).await?)
    }
}

/// Why one item was not moved.
#[derive(Debug, thiserror::Error)]
enum ReclaimError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the request has no name")]
    InvalidRequestId,
}

/// How many items are stored under this version.
async fn count(store: &TenantStore, version: u32) -> Result<u64, CommandError> {
    let (mut count, mut next) = (0, None);
    loop {
        let page = store.find_former_items(version, next).await.map_err(|error| store_error(&error))?;
        count += page.found.len() as u64;
        next = page.next;
        if next.is_none() {
            return Ok(count);
        }
    }
}

async fn versions(store: &TenantStore) -> Result<Vec<IdentifierVersion>, CommandError> {
    identifier_rotation::versions(store).await.map_err(|error| store_error(&error))
}

async fn in_progress(store: &TenantStore) -> Result<Replacement, CommandError> {
    let found = replacement(versions(store).await?);
    found.ok_or_else(|| CommandError::new("only one version is live: latchkey identifiers begin makes the next one"))
}

fn replacement(versions: Vec<IdentifierVersion>) -> Option<Replacement> {
    let mut live = versions.into_iter().filter(|version| version.dropped_at.is_none());
    Some(Replacement { former: live.next()?, next: live.next()? })
}

fn store_error(error: &StoreError) -> CommandError {
    CommandError::caused_by("the tables could not be read or written", error)
}

fn key_error(error: &KeyError) -> CommandError {
    CommandError::caused_by("the identifier key could not be made or opened", error)
}
