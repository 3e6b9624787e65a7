//! `latchkey people import`: creates accounts for users exported from another system (docs/foreign-hashes.md).
//!
//! 1. Read the file, each user separately. Write nothing and keep no user in memory.
//! 2. Check each user: the address, its verification, the fields of the tenant's form. Users who cannot be imported are reported by their
//!    position in the file.
//! 3. After confirmation, read the file again. Write each user in one transaction, which fails if the address or the identity is taken. So
//!    an interrupted run can be repeated: users imported before are left unchanged.

use super::classify::{AddressOwners, Classifier, ImportKind, ImportSummary, MAX_LISTED, Origin, SeenUsers};
use super::export::{self, Export};
use super::roles::{self, Roles};
use super::second_step::{self, SecondStep};
use super::source::{Format, Source};
use super::transfer::{self, ExistingAccounts};
use crate::command_error::{CommandError, causes};
use crate::target::{TargetOptions, document, tenant};
use crate::terminal::{Progress, confirm, say};
use crate::user_import::{ImportError, UserImporter, outcome_label};
use clap::Subcommand;
use futures_util::{StreamExt as _, stream};
use latchkey::context::Clock;
use latchkey::domain::id::TenantId;
use latchkey::keys::Keys;
use latchkey::purpose::Purpose;
use latchkey::store::DecideError;
use latchkey::web::passkey::RelyingParty;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::pin::pin;
use std::thread;
use tokio::sync::mpsc;

/// How many users are written concurrently.
const AT_ONCE: usize = 16;

/// Users of other systems, and of this one.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes all users of a tenant to a file, password hashes and second factors included, for `import --from latchkey`. Changes nothing
    Export(Export),
    /// Creates accounts from an export, passwords included: shows who can be imported, and asks for confirmation. An interrupted run can be
    /// repeated
    Import(Import),
    /// Shows and changes the roles of one user. Your applications find the roles in access tokens
    Roles(Roles),
    /// Shows the second step of one user's sign-in, removes it for a user who has lost it, or unlocks it
    SecondStep(SecondStep),
}

/// What to import, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The export
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The format of the export
    #[arg(long, value_enum)]
    from: Format,
    /// The issuer identifier of the other system, such as https://login.example.com/realms/shop. Together with a user's id in that system
    /// it identifies the user permanently, so it must be the same in every run. A Latchkey file contains it already
    #[arg(
        long, value_name = "URL", value_parser = issuer,
        required_if_eq_any([("from", "auth0"), ("from", "firebase"), ("from", "keycloak")])
    )]
    issuer: Option<String>,
    /// Keeps a user's id of the other system as `sub`, if it is a UUID. Users of a Latchkey file always keep theirs
    #[arg(long)]
    keep_sub: bool,
    /// The hash parameters of the Firebase project, as its console shows them, in a JSON file
    #[arg(long, value_name = "FILE")]
    hash_parameters: Option<PathBuf>,
    /// Accepts a Latchkey file that is incomplete, or that users were removed from
    #[arg(long)]
    incomplete: bool,
    /// Skips users who would lose their second factor, so that no account is opened by one factor alone that needed two before
    #[arg(long)]
    require_factors: bool,
    /// Report who can be imported, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

fn issuer(text: &str) -> Result<String, String> {
    let is_issuer = url::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host() && url.query().is_none());
    if is_issuer { Ok(text.to_owned()) } else { Err("expected https://… without a query".to_owned()) }
}

/// Runs the command. Returns whether every importable user is imported.
pub(crate) async fn run(command: &Command) -> Result<bool, CommandError> {
    let import = match command {
        Command::Export(export) => return export::run(export).await,
        Command::Roles(roles) => return roles::run(roles).await.map(|()| true),
        Command::SecondStep(user) => return second_step::run(user).await.map(|()| true),
        Command::Import(import) => import,
    };
    let (mut source, origin) = open(import)?;
    let target = import.target.open().await?;
    let store = target.store.tenant(import.tenant.clone());
    let config = document(&store).await?;
    let locale = config.locales.first().cloned().unwrap_or_else(|| "en".to_owned());
    let (signer, now) = (config.keys.signer, Clock::system().now());
    let (issuer, owners) = (target.origin.issuer(&import.tenant), AddressOwners::default());
    let rp_id = RelyingParty::new(&config.passkeys, &issuer).map(|party| party.id);
    let mut classifier = Classifier { config, issuer, origin, rp_id, requires_factors: import.require_factors, now, owners };
    classifier.owners = find_owners(&mut source, &classifier)?;
    let summary = classify_all(&mut source, &classifier)?;
    say(&summary.render(&format!("tenant {} of {}", import.tenant, target.name), &classifier.origin))?;
    if import.dry_run || summary.ready == 0 {
        return Ok(true);
    }
    confirm(&format!("Import {} users?", summary.ready), import.yes)?;
    let keys = Keys::new(target.vault()?, &[Purpose::Data, Purpose::Identifier]);
    let keys = keys.tenant(&store, signer, Clock::system().now()).await;
    let keys = keys.map_err(|error| CommandError::caused_by("the tenant's keys could not be opened", &error))?;
    let store = keys.bind(store);
    let existing = match classifier.origin {
        Origin::Latchkey(_) | Origin::OtherSystem { keep_sub: true, .. } => ExistingAccounts::read(&store).await?,
        Origin::OtherSystem { keep_sub: false, .. } => ExistingAccounts::default(),
    };
    let writer = Writer { importer: UserImporter::new(&store, &keys, &locale), existing };
    write(source, classifier, summary.ready, &writer).await
}

/// Opens the file and determines the origin of its users.
fn open(import: &Import) -> Result<(Source, Origin), CommandError> {
    let mut source = Source::open(&import.file, import.from, import.hash_parameters.as_deref(), import.incomplete)?;
    let origin = match (import.from, import.issuer.clone()) {
        (Format::Latchkey, None) => {
            let heading = source.heading()?;
            if import.require_factors && !heading.has_factors {
                return Err(CommandError::new(
                    "a file of version 1 does not tell which users have a second factor: export again, or leave --require-factors out",
                ));
            }
            Origin::Latchkey(heading)
        }
        (Format::Latchkey, Some(_)) => {
            return Err(CommandError::new("a Latchkey file contains its issuer: leave --issuer out"));
        }
        (Format::Auth0 | Format::Firebase | Format::Keycloak, Some(issuer)) => {
            Origin::OtherSystem { issuer, keep_sub: import.keep_sub }
        }
        (Format::Auth0 | Format::Firebase | Format::Keycloak, None) => {
            return Err(CommandError::new("give the issuer identifier of the other system with --issuer"));
        }
    };
    Ok((source, origin))
}

/// The first reading: which user gets an address that several users have, among those who can be imported.
fn find_owners(source: &mut Source, classifier: &Classifier) -> Result<AddressOwners, CommandError> {
    let (mut owners, mut seen) = (AddressOwners::default(), SeenUsers::default());
    let read = source.read(&mut |person| owners.add(classifier, &mut seen, person));
    read.map_err(|refused| CommandError::new(format!("{refused}; nothing was changed")))?;
    Ok(owners)
}

/// Next reading: checks every user and keeps none. If the file cannot be read to its end, the run stops here, so no user is imported from
/// a partial list by mistake.
fn classify_all(source: &mut Source, classifier: &Classifier) -> Result<ImportSummary, CommandError> {
    let (mut summary, mut seen) = (ImportSummary::default(), SeenUsers::default());
    let read = source.read(&mut |person| summary.add(classifier.classify(&mut seen, person)));
    read.map_err(|refused| CommandError::new(format!("{refused}; nothing was changed")))?;
    Ok(summary)
}

/// Writes users to the store.
struct Writer<'a> {
    importer: UserImporter<'a>,
    existing: ExistingAccounts,
}

impl Writer<'_> {
    async fn write_user(&self, kind: ImportKind) -> Result<&'static str, DecideError<ImportError>> {
        match kind {
            ImportKind::New(coming) => self.importer.import(coming, |sub| self.existing.has_sub(sub)).await.map(outcome_label),
            ImportKind::Transfer(person) => self.importer.transfer(*person, &self.existing).await.map(transfer::outcome_label),
        }
    }
}

/// Last reading: writes each importable user as it is read. The reader waits for the writers, so few users are in memory at once.
async fn write(mut source: Source, classifier: Classifier, all: usize, writer: &Writer<'_>) -> Result<bool, CommandError> {
    let (sender, receiver) = mpsc::channel(AT_ONCE);
    let reading = thread::spawn(move || {
        let mut seen = SeenUsers::default();
        source.read(&mut |person| {
            if let Ok(candidate) = classifier.classify(&mut seen, person) {
                // The receiver is gone only if the command has ended.
                let _ = sender.blocking_send((candidate.number, candidate.kind));
            }
        })
    });
    let people = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|one| (one, receiver)));
    let mut ones = pin!(people.map(async |(number, kind)| (number, writer.write_user(kind).await)).buffer_unordered(AT_ONCE));
    let (mut done, mut progress) = (BTreeMap::<&'static str, usize>::new(), Progress::new(all));
    let (mut failed, mut named) = (0, Vec::new());
    while let Some((number, brought)) = ones.next().await {
        match brought {
            Ok(brought) => *done.entry(brought).or_default() += 1,
            Err(error) => {
                failed += 1;
                if named.len() < MAX_LISTED {
                    named.push(format!("  user {number}: {}\n", causes(&error)));
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
        let _ = writeln!(text, "failed: {failed}; run the command again");
        text.extend(named);
    }
    say(&text)?;
    reading.join().map_err(|_| CommandError::new("the file could not be read to its end"))??;
    Ok(failed == 0)
}
