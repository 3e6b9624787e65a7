//! `latchkey people import`: accounts for people whom another system exported (docs/foreign-hashes.md).
//!
//! 1. The file is read, each person for themselves; nothing is written yet.
//! 2. Each is looked at: address, its proof, the fields of the tenant's form. What can't come is named by its place in the file.
//! 3. Once confirmed, each is one transaction that finds neither their address nor their identity there taken. So a run that was broken
//!    off is run again, and who came before is left as they are.

use super::{ForeignPerson, People, auth0, firebase, keycloak};
use crate::refused::{Refused, causes};
use crate::target::{Target, TargetOptions, tenant};
use crate::terminal::{confirm, say};
use clap::{Subcommand, ValueEnum};
use data_encoding::BASE32_NOPAD;
use futures_util::{StreamExt as _, stream};
use latchkey::config::TenantConfig;
use latchkey::domain::account::{DataKeyState, WrappedDataKey};
use latchkey::domain::change::Decision;
use latchkey::domain::directory::{Brought, FederatedSubject, bring};
use latchkey::domain::form;
use latchkey::domain::id::{RequestId, Sub, TenantId};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::secret::PasswordHash;
use latchkey::keys::{Arrival, KeyError, Keys, Purpose, TenantKeys};
use latchkey::services::{Clock, Deadline, Random, RequestContext};
use latchkey::store::{DecideError, StoreError, TenantStore};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many people are written at once.
const AT_ONCE: usize = 16;
/// How many of those who can't come are named one by one.
const NAMED: usize = 20;

/// People of other systems.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes accounts of an export, passwords included: shows who can come, and asks. Run again, it goes on where it was broken off.
    Import(Import),
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
    /// person for ever, so it must be the same in every run.
    #[arg(long, value_name = "URL", value_parser = issuer)]
    issuer: String,
    /// Keeps the number that a person has there as their `sub`, where it is a UUID.
    #[arg(long)]
    keep_sub: bool,
    /// The hash parameters of the Firebase project, as its console shows them, in a JSON file.
    #[arg(long, value_name = "FILE")]
    hash_parameters: Option<PathBuf>,
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

/// A format of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Auth0: a user on each line, or the list of its bulk import.
    Auth0,
    /// Firebase Authentication: `auth:export` as JSON.
    Firebase,
    /// Keycloak: the export of a realm or of its users.
    Keycloak,
}

fn issuer(text: &str) -> Result<String, String> {
    let is_issuer = url::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host() && url.query().is_none());
    if is_issuer { Ok(text.to_owned()) } else { Err("expected https://… without a query".to_owned()) }
}

/// The parameters of a Firebase project, by the names of its console.
#[derive(Deserialize)]
struct Parameters {
    base64_signer_key: String,
    base64_salt_separator: String,
    rounds: u32,
    mem_cost: u32,
}

/// Somebody who can come.
struct Ready {
    place: usize,
    subject: FederatedSubject,
    sub: Option<Sub>,
    email: EmailAddress,
    claims: latchkey::domain::profile::Claims,
    password: Option<PasswordHash>,
}

/// What there is to bring, and what not.
#[derive(Default)]
struct Sorted {
    ready: Vec<Ready>,
    /// How many stay away, by why.
    away: BTreeMap<String, usize>,
    /// The first of those, by their place.
    named: Vec<String>,
    /// Attributes that no field of the form takes, by how many have them.
    unmapped: BTreeMap<String, usize>,
    /// Fields whose value did not fit.
    unfit: BTreeMap<String, usize>,
}

impl Sorted {
    fn stays(&mut self, place: &str, why: &str) {
        *self.away.entry(why.to_owned()).or_default() += 1;
        if self.named.len() < NAMED {
            self.named.push(format!("{place}: {why}"));
        }
    }
}

/// Runs it; whether everybody who could come is here now.
pub(crate) async fn run(command: &Command) -> Result<bool, Refused> {
    let Command::Import(import) = command;
    let people = read(import)?;
    let target = import.target.open().await?;
    let store = target.store.tenant(import.tenant.clone());
    let config = config(&store).await?;
    let sorted = sort(people, &config, import, Clock::system().now());
    say(&told(&sorted, &target, import))?;
    if import.dry_run || sorted.ready.is_empty() {
        return Ok(true);
    }
    confirm(&format!("Bring {} people over?", sorted.ready.len()), import.yes)?;
    let keys = Keys::new(target.vault()?, &[Purpose::Data, Purpose::Identifier]);
    let keys = keys.tenant(&store, config.keys.signer, Clock::system().now()).await;
    let keys = keys.map_err(|error| Refused::because("the tenant's keys could not be opened", &error))?;
    write(sorted.ready, &store, &keys, config.locales.first().map_or("en", String::as_str)).await
}

fn read(import: &Import) -> Result<People, Refused> {
    let open = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| Refused::new(format!("cannot read {}: {error}", path.display())))
    };
    let text = open(&import.file)?;
    let parameters = match &import.hash_parameters {
        None => None,
        Some(path) => {
            let found: Parameters = serde_json::from_str(&open(path)?).map_err(|_| {
                let names = "base64_signer_key, base64_salt_separator, rounds and mem_cost";
                Refused::new(format!("{} is not an object with {names}", path.display()))
            })?;
            Some(firebase::HashParameters {
                signer_key: found.base64_signer_key,
                salt_separator: found.base64_salt_separator,
                rounds: found.rounds,
                mem_cost: found.mem_cost,
            })
        }
    };
    Ok(match import.from {
        Format::Auth0 => auth0::read(&text),
        Format::Firebase => firebase::read(&text, parameters.as_ref()),
        Format::Keycloak => keycloak::read(&text),
    })
}

async fn config(store: &TenantStore) -> Result<TenantConfig, Refused> {
    let newest = store.find_newest_document().await;
    let newest = newest.map_err(|error| Refused::because("the tenant's document could not be read", &error))?;
    let newest =
        newest.ok_or_else(|| Refused::new("the tenant has no document: put one in force with `latchkey config apply`"))?;
    TenantConfig::parse(store.tenant(), &newest.document)
        .map_err(|errors| Refused::new(format!("the tenant's document is not valid by this build: {errors}")))
}

fn sort(people: People, config: &TenantConfig, import: &Import, now: latchkey::domain::time::Timestamp) -> Sorted {
    let mut sorted = Sorted::default();
    for (index, person) in people.into_iter().enumerate() {
        let place = index + 1;
        let person = match person {
            Ok(person) => person,
            Err(unreadable) => {
                sorted.stays(&unreadable.place.to_string(), &unreadable.flaw.to_string());
                continue;
            }
        };
        let email = match may_come(&person) {
            Ok(email) => email,
            Err(why) => {
                sorted.stays(&format!("person {place}"), why);
                continue;
            }
        };
        let (claims, unfit) = form::take_over(&config.registration.fields, &person.attributes, now);
        for (field, _) in unfit {
            *sorted.unfit.entry(field).or_default() += 1;
        }
        let is_field = |name: &str| config.registration.fields.iter().any(|field| field.name == name);
        for name in person.attributes.keys().filter(|name| !is_field(name)) {
            *sorted.unmapped.entry(name.clone()).or_default() += 1;
        }
        sorted.ready.push(Ready {
            place,
            sub: import.keep_sub.then(|| Sub::brought(&person.subject)).flatten(),
            subject: FederatedSubject { issuer: import.issuer.clone(), subject: person.subject },
            email,
            claims,
            password: person.password.map(PasswordHash::from_phc),
        });
    }
    sorted
}

/// The address that a person comes with, if they can.
fn may_come(person: &ForeignPerson) -> Result<EmailAddress, &'static str> {
    if !person.enabled {
        return Err("the account is disabled there");
    }
    let Some(email) = &person.email else { return Err("there is no e-mail address") };
    let Ok(email) = EmailAddress::parse(email) else { return Err("the e-mail address is not usable") };
    if !person.email_verified {
        return Err("the e-mail address was not proven there");
    }
    Ok(email)
}

fn told(sorted: &Sorted, target: &Target, import: &Import) -> String {
    let with = sorted.ready.iter().filter(|ready| ready.password.is_some()).count();
    let kept = sorted.ready.iter().filter(|ready| ready.sub.is_some()).count();
    let ready = sorted.ready.len();
    let mut text = format!(
        "{ready} people can come to tenant {} of {}: {with} with their password, {} set a new one by mail",
        import.tenant,
        target.name,
        ready - with,
    );
    text.push_str(&if import.keep_sub { format!("; {kept} keep their sub\n") } else { "\n".to_owned() });
    let list = |text: &mut String, title: &str, of: &BTreeMap<String, usize>| {
        for (what, count) in of {
            let _ = writeln!(text, "{title}{what}: {count}");
        }
    };
    list(&mut text, "stays away, ", &sorted.away);
    sorted.named.iter().for_each(|named| text.push_str(&format!("  {named}\n")));
    list(&mut text, "left out, no field of the form takes it, ", &sorted.unmapped);
    list(&mut text, "left out, the value does not fit the field, ", &sorted.unfit);
    text
}

/// Why one person was not written.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the request has no name")]
    Unnamed,
}

async fn write(people: Vec<Ready>, store: &TenantStore, keys: &Arc<TenantKeys>, locale: &str) -> Result<bool, Refused> {
    let (all, run) = (people.len(), BASE32_NOPAD.encode(&Random.bytes::<10>()));
    let mut done: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut failed, mut progress) = (Vec::new(), Progress::new(all));
    let ones = people.into_iter().map(|person| {
        let place = person.place;
        let one = one(person, store, keys, locale, &run);
        async move { (place, one.await) }
    });
    let mut ones = stream::iter(ones).buffer_unordered(AT_ONCE);
    while let Some((place, brought)) = ones.next().await {
        match brought {
            Ok(brought) => *done.entry(words(brought)).or_default() += 1,
            Err(error) => failed.push(format!("person {place}: {}", causes(&error))),
        }
        progress.step();
    }
    progress.end();
    let mut text = String::new();
    for (what, count) in &done {
        let _ = writeln!(text, "{what}: {count}");
    }
    if failed.is_empty() {
        say(&text)?;
        return Ok(true);
    }
    let _ = writeln!(text, "failed, and nothing of them was written: {}; run it again", failed.len());
    failed.iter().take(NAMED).for_each(|failure| text.push_str(&format!("  {failure}\n")));
    say(&text)?;
    Ok(false)
}

fn words(brought: Brought) -> &'static str {
    match brought {
        Brought::Imported => "came over",
        Brought::AlreadyHere => "had come before",
        Brought::Erased => "were erased here, and stay so",
        Brought::AddressTaken => "stay away, somebody has their address",
    }
}

async fn one(
    person: Ready,
    store: &TenantStore,
    keys: &Arc<TenantKeys>,
    locale: &str,
    run: &str,
) -> Result<Brought, DecideError<NotWritten>> {
    let decided = |error: KeyError| DecideError::Decide(NotWritten::Keys(error));
    let account = Random.account_id();
    let data = keys.data().map_err(decided)?;
    let (key, wrapped, keyring_version) = data.generate(account).map_err(decided)?;
    let place = person.place;
    let arrival = Arrival {
        subject: &person.subject,
        sub: person.sub.unwrap_or_else(|| Random.sub()),
        email: &person.email,
        claims: person.claims,
        locale,
        password: person.password,
        key: &key,
        data_key: WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account },
    };
    let comer = arrival.seal(keys).map_err(decided)?;
    let request_id: Result<RequestId, _> = format!("import-{run}-{place}").parse();
    let request = RequestContext {
        request_id: request_id.map_err(|_| DecideError::Decide(NotWritten::Unnamed))?,
        now: Clock::system().now(),
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    };
    let decide = || async {
        // In this order: who comes between the two reads is seen by the second, or met by the write.
        let standing = store.find_subject(&comer.subject).await?;
        let owner = store.find_account(&comer.identifier).await?;
        let Decision { changes, outcome } = bring(comer.clone(), standing, owner, request.now);
        Ok::<_, NotWritten>(Decision { changes, outcome })
    };
    store.decide(&request, decide).await
}

/// How far it is, on a terminal that shows it.
struct Progress {
    all: usize,
    done: usize,
    shows: bool,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self { all, done: 0, shows: std::io::stderr().is_terminal() }
    }
    fn step(&mut self) {
        self.done += 1;
        let per_cent = self.done * 100 / self.all.max(1);
        if self.shows && per_cent != (self.done - 1) * 100 / self.all.max(1) {
            let bar = "#".repeat(per_cent / 4);
            let _ = write!(std::io::stderr(), "\r[{bar:<25}] {per_cent:>3} %  {} of {}", self.done, self.all);
        }
    }
    fn end(&self) {
        if self.shows {
            let _ = writeln!(std::io::stderr());
        }
    }
}
