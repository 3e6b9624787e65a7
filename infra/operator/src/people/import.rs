//! `latchkey people import`: accounts for people whom another system exported (docs/foreign-hashes.md).
//!
//! 1. The file is read, each person for themselves; nothing is written yet, and nobody is kept.
//! 2. Each is looked at: address, its proof, the fields of the tenant's form. What can't come is named by its place in the file.
//! 3. Once confirmed, the file is read again. Each is one transaction that finds neither their address nor their identity there taken.
//!    So a run that was broken off is run again, and who came before is left as they are.

use super::export::{self, Export};
use super::roles::{self, Roles};
use super::settle::{self, Walked};
use super::sort::{Bound, NAMED, Origin, Seen, Sorted, Sorter};
use super::source::{Format, Source};
use crate::bring::{Bringer, NotBrought, words};
use crate::refused::{Refused, causes};
use crate::target::{TargetOptions, document, tenant};
use crate::terminal::{Progress, confirm, say};
use clap::Subcommand;
use futures_util::{StreamExt as _, stream};
use latchkey::context::Clock;
use latchkey::domain::id::TenantId;
use latchkey::keys::Keys;
use latchkey::purpose::Purpose;
use latchkey::store::DecideError;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::pin::pin;
use std::thread;
use tokio::sync::mpsc;

/// How many people are written at once.
const AT_ONCE: usize = 16;

/// People of other systems, and of this one.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes everybody of a tenant into a file, password hashes included, that `import --from latchkey` takes. Changes nothing.
    Export(Export),
    /// Makes accounts of an export, passwords included: shows who can come, and asks. Run again, it goes on where it was broken off.
    Import(Import),
    /// Gives and takes the roles of one person, and says which they have: what they are to your own applications, told in access tokens.
    Roles(Roles),
}

/// What to import, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The export.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose format it has.
    #[arg(long, value_enum)]
    from: Format,
    /// The issuer identifier of the other system, such as https://login.example.com/realms/shop: with their number there it names each
    /// person for ever, so it must be the same in every run. A file of Latchkey's says it itself.
    #[arg(
        long, value_name = "URL", value_parser = issuer,
        required_if_eq_any([("from", "auth0"), ("from", "firebase"), ("from", "keycloak")])
    )]
    issuer: Option<String>,
    /// Keeps the number that a person has there as their `sub`, where it is a UUID. Whoever comes from Latchkey keeps theirs anyhow.
    #[arg(long)]
    keep_sub: bool,
    /// The hash parameters of the Firebase project, as its console shows them, in a JSON file.
    #[arg(long, value_name = "FILE")]
    hash_parameters: Option<PathBuf>,
    /// Takes a file of Latchkey's that was broken off, or that people were taken out of.
    #[arg(long)]
    incomplete: bool,
    /// Says who could come, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// The tenant.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

fn issuer(text: &str) -> Result<String, String> {
    let is_issuer = url::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host() && url.query().is_none());
    if is_issuer { Ok(text.to_owned()) } else { Err("expected https://… without a query".to_owned()) }
}

/// Runs it; whether everybody who could come is here now.
pub(crate) async fn run(command: &Command) -> Result<bool, Refused> {
    let import = match command {
        Command::Export(export) => return export::run(export).await,
        Command::Roles(roles) => return roles::run(roles).await.map(|()| true),
        Command::Import(import) => import,
    };
    let (mut source, origin) = open(import)?;
    let target = import.target.open().await?;
    let store = target.store.tenant(import.tenant.clone());
    let config = document(&store).await?;
    let locale = config.locales.first().cloned().unwrap_or_else(|| "en".to_owned());
    let (signer, now) = (config.keys.signer, Clock::system().now());
    let sorter = Sorter { config, issuer: target.origin.issuer(&import.tenant), origin, now };
    let sorted = sort(&mut source, &sorter)?;
    say(&sorted.told(&format!("tenant {} of {}", import.tenant, target.name), &sorter.origin))?;
    if import.dry_run || sorted.ready == 0 {
        return Ok(true);
    }
    confirm(&format!("Bring {} people over?", sorted.ready), import.yes)?;
    let keys = Keys::new(target.vault()?, &[Purpose::Data, Purpose::Identifier]);
    let keys = keys.tenant(&store, signer, Clock::system().now()).await;
    let keys = keys.map_err(|error| Refused::because("the tenant's keys could not be opened", &error))?;
    let walked = match sorter.origin {
        Origin::Latchkey(_) => Walked::read(&store).await?,
        Origin::Elsewhere { .. } => Walked::default(),
    };
    let desk = Desk { bringer: Bringer::new(&store, &keys, &locale), walked };
    write(source, sorter, sorted.ready, &desk).await
}

/// The file, and where its people come from.
fn open(import: &Import) -> Result<(Source, Origin), Refused> {
    let mut source = Source::open(&import.file, import.from, import.hash_parameters.as_deref(), import.incomplete)?;
    let origin = match (import.from, import.issuer.clone()) {
        (Format::Latchkey, None) => Origin::Latchkey(source.heading()?),
        (Format::Latchkey, Some(_)) => {
            return Err(Refused::new("a file of Latchkey's says its issuer itself: leave --issuer out"));
        }
        (Format::Auth0 | Format::Firebase | Format::Keycloak, Some(issuer)) => {
            Origin::Elsewhere { issuer, keep_sub: import.keep_sub }
        }
        (Format::Auth0 | Format::Firebase | Format::Keycloak, None) => {
            return Err(Refused::new("give the issuer identifier of the other system with --issuer"));
        }
    };
    Ok((source, origin))
}

/// The first reading: everybody is looked at, nobody kept. Who is in a file that does not read to its end is not known, so nobody comes of
/// one by mistake.
fn sort(source: &mut Source, sorter: &Sorter) -> Result<Sorted, Refused> {
    let (mut sorted, mut seen) = (Sorted::default(), Seen::default());
    let read = source.read(&mut |person| sorted.add(sorter.look(&mut seen, person)));
    read.map_err(|refused| Refused::new(format!("{refused}; nothing was changed")))?;
    Ok(sorted)
}

/// Where people are written.
struct Desk<'a> {
    bringer: Bringer<'a>,
    walked: Walked,
}

impl Desk<'_> {
    async fn bring(&self, bound: Bound) -> Result<&'static str, DecideError<NotBrought>> {
        match bound {
            Bound::Foreign(coming) => self.bringer.bring(coming).await.map(words),
            Bound::Own(person) => self.bringer.settle(*person, &self.walked).await.map(settle::words),
        }
    }
}

/// The second reading: whoever can come is written as they are read. The reader waits for the writers, so that few are held at once.
async fn write(mut source: Source, sorter: Sorter, all: usize, desk: &Desk<'_>) -> Result<bool, Refused> {
    let (sender, receiver) = mpsc::channel(AT_ONCE);
    let reading = thread::spawn(move || {
        let mut seen = Seen::default();
        source.read(&mut |person| {
            if let Ok(comer) = sorter.look(&mut seen, person) {
                // Nobody receives any more only where the command is over.
                let _ = sender.blocking_send((comer.number, comer.bound));
            }
        })
    });
    let people = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|one| (one, receiver)));
    let mut ones = pin!(people.map(async |(number, bound)| (number, desk.bring(bound).await)).buffer_unordered(AT_ONCE));
    let (mut done, mut progress) = (BTreeMap::<&'static str, usize>::new(), Progress::new(all));
    let (mut failed, mut named) = (0, Vec::new());
    while let Some((number, brought)) = ones.next().await {
        match brought {
            Ok(brought) => *done.entry(brought).or_default() += 1,
            Err(error) => {
                failed += 1;
                if named.len() < NAMED {
                    named.push(format!("  person {number}: {}\n", causes(&error)));
                }
            }
        }
        progress.step();
    }
    progress.end();
    let mut text = String::new();
    for (what, count) in &done {
        let _ = writeln!(text, "{what}: {count}");
    }
    if failed > 0 {
        let _ = writeln!(text, "failed: {failed}; run it again");
        text.extend(named);
    }
    say(&text)?;
    reading.join().map_err(|_| Refused::new("the file could not be read to its end"))??;
    Ok(failed == 0)
}
