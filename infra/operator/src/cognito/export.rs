//! `latchkey cognito export`: writes users to CSV files for the import job of a Cognito user pool (reverse migration, docs/cognito.md).
//!
//! 1. Read the pool's columns (`GetCSVHeader`) and check that its import job accepts these users (`DescribeUserPool`).
//! 2. Write one row per active account: the verified address, and attributes as `[reverse_migration]` maps them. No file contains a password: the
//!    pool's user migration trigger fetches it, or the user sets a new one.
//! 3. Start a new file when the current one reaches the job's limits. Files get their final names only after all rows are written.

use super::pool::{Pool, PoolSettings};
use crate::account_scan::scan_accounts;
use crate::command_error::{CommandError, causes};
use crate::people::create;
use crate::target::{TargetOptions, document, tenant};
use crate::terminal::{columns, say};
use latchkey::context::Clock;
use latchkey::domain::account::{AccountState, AccountStatus};
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::profile::Claims;
use latchkey::domain::reverse_migration::attributes;
use latchkey::domain::tenant::{ReverseMigrationConfig, TenantConfig, Username};
use latchkey::keys::{KeyError, Keys, SealedField, TenantKeys};
use latchkey::purpose::Purpose;
use latchkey::store::{StoreError, TenantStore};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Limits of one import job (Cognito: 500,000 rows, 100 MB, 16,000 characters a row).
const MOST_ROWS: usize = 500_000;
const MOST_BYTES: usize = 100_000_000;
const LONGEST_ROW: usize = 16_000;
/// How many failures are listed one by one.
const MAX_LISTED_CAUSES: usize = 5;

/// What to export, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The output file, which must not exist yet; only you can read it. Beyond the limit of one import job, the export continues in
    /// `FILE-2.csv`, and so on
    #[arg(long, short, value_name = "FILE.csv")]
    output: PathBuf,
    /// Users a second; each takes about four read units, plus the table scan
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Rows a file
    #[arg(long, value_name = "N", default_value_t = MOST_ROWS, value_parser = rows)]
    rows: usize,
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

fn rows(text: &str) -> Result<usize, String> {
    let rows = text.parse().ok().filter(|rows| (1..=MOST_ROWS).contains(rows));
    rows.ok_or_else(|| format!("must be from 1 to {MOST_ROWS}, which is what a job takes"))
}

/// Runs the command. Returns whether every eligible user is in the files.
pub(super) async fn run(export: &Export) -> Result<bool, CommandError> {
    let target = export.target.open().await?;
    let store = target.store.tenant(export.tenant.clone());
    let config = document(&store).await?;
    let reverse_migration = config.reverse_migration.as_ref().ok_or_else(|| {
        CommandError::new(
            "the tenant's document names no user pool for the reverse migration: apply a document with [handover] first",
        )
    })?;
    let pool = Pool::open(&target, &reverse_migration.user_pool_id).await;
    let table = Table { columns: pool.csv_header().await? };
    table.check(reverse_migration, &config)?;
    check_settings(reverse_migration, &pool.settings().await?)?;
    let keys = Keys::new(target.vault()?, &[Purpose::Data]).tenant(&store, config.keys.signer, Clock::system().now()).await;
    let keys = keys.map_err(|error| CommandError::caused_by("the tenant's keys could not be opened", &error))?;
    let mut files = Files::create(&export.output, export.rows, table.heading()).map_err(write_error)?;
    let mut report = Report::default();
    let read = |state: AccountState| {
        let (store, keys, config) = (&store, &keys, &config);
        async move { read_account(store, keys, config, reverse_migration, &state).await }
    };
    let walked = scan_accounts(&store, export.rate, read, |_, found| {
        match found {
            Ok(AccountExport::User(person)) => match table.row(&person, &mut report) {
                Some(row) => {
                    files.write(&row)?;
                    report.people += 1;
                }
                None => report.too_long += 1,
            },
            Ok(AccountExport::LeftOut(why)) => *report.left_out.entry(why).or_default() += 1,
            Err(error) => {
                report.unreadable += 1;
                if report.causes.len() < MAX_LISTED_CAUSES {
                    report.causes.push(causes(&error));
                }
            }
        }
        Ok(())
    });
    let ended = match walked.await {
        Ok(()) => files.finish().map_err(write_error),
        Err(refused) => Err(refused),
    };
    if let Err(refused) = ended {
        // An incomplete export must not be mistaken for a complete one.
        let left = if files.remove() { "nothing is left of the files" } else { "remove what is left of the files" };
        return Err(CommandError::new(format!("{refused}; {left}")));
    }
    say(&report.render(reverse_migration, &files, &format!("tenant {} of {}", export.tenant, target.name)))?;
    Ok(report.is_complete())
}

fn write_error(error: io::Error) -> CommandError {
    CommandError::new(format!("the export could not be written: {error}"))
}

/// Checks that the pool's import job accepts these users, and that its migration trigger identifies them by the same username.
fn check_settings(reverse_migration: &ReverseMigrationConfig, settings: &PoolSettings) -> Result<(), CommandError> {
    let told = match settings.username {
        None => "does not let users sign in with their e-mail address: create a pool that does, as username or as alias".to_owned(),
        Some(username) if username != reverse_migration.username => {
            let has = match username {
                Username::Email => "the e-mail address as username",
                Username::Sub => "the e-mail address as an alias",
            };
            format!("has {has}: put username = \"{}\" into [handover]", username.as_str())
        }
        Some(_) if settings.requires_second_factor => {
            "requires a second factor of every user. Imported users have none, so its job refuses all of them: make it optional \
             (MfaConfiguration) until the import is done"
                .to_owned()
        }
        Some(_) if !settings.verifies_email => {
            "does not verify e-mail addresses, so its import job does not start: add email to its AutoVerifiedAttributes"
                .to_owned()
        }
        Some(_) => return Ok(()),
    };
    Err(CommandError::new(format!("user pool {} {told}", reverse_migration.user_pool_id)))
}

/// The attributes of an exported user, by the pool's names.
type UserAttributes = BTreeMap<String, String>;

enum AccountExport {
    User(UserAttributes),
    LeftOut(&'static str),
}

/// Why an account could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the account lacks its profile, its data key or its address")]
    Incomplete,
    #[error("its decrypted data is not JSON")]
    NotJson(#[from] serde_json::Error),
}

async fn read_account(
    store: &TenantStore,
    keys: &TenantKeys,
    config: &TenantConfig,
    reverse_migration: &ReverseMigrationConfig,
    state: &AccountState,
) -> Result<AccountExport, ReadError> {
    // An erased account has no profile, so do not read one.
    if let Some(why) = exclusion_reason(state) {
        return Ok(AccountExport::LeftOut(why));
    }
    let found = store.find_profile(state.account).await?.ok_or(ReadError::Incomplete)?;
    // The user may have closed the account after the scan read it.
    if let Some(why) = exclusion_reason(&found.authentication) {
        return Ok(AccountExport::LeftOut(why));
    }
    let key = keys.data()?.unwrap(&found.data_key)?;
    let claims: Map<String, Value> = serde_json::from_slice(&key.open(SealedField::Profile, &found.profile.claims)?)?;
    let email = claims.get("email").and_then(Value::as_str).and_then(|email| EmailAddress::parse(email).ok());
    let email = email.ok_or(ReadError::Incomplete)?;
    let fields = &config.registration.fields;
    Ok(AccountExport::User(attributes(reverse_migration, fields, &email, found.authentication.sub, &Claims(claims))))
}

/// Why an account is not exported, if so.
fn exclusion_reason(state: &AccountState) -> Option<&'static str> {
    match state.status {
        AccountStatus::Active => None,
        AccountStatus::Disabled { .. } => Some("disabled"),
        AccountStatus::ErasureDue { .. } => Some("closed by the user"),
        AccountStatus::Erased { .. } => Some("erased"),
    }
}

/// The CSV table that the pool's import job accepts.
struct Table {
    columns: Vec<String>,
}

impl Table {
    /// Checks that every attribute of the document has a column.
    fn check(&self, reverse_migration: &ReverseMigrationConfig, config: &TenantConfig) -> Result<(), CommandError> {
        let fields = config.registration.fields.iter().filter_map(|field| reverse_migration.attribute_of(&field.name));
        let wanted =
            ["cognito:username", "email", "email_verified"].into_iter().chain(reverse_migration.sub.as_deref()).chain(fields);
        let missing: Vec<&str> = wanted.filter(|wanted| !self.columns.iter().any(|column| column == wanted)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(CommandError::new(format!(
            "user pool {} has no attribute {}: add it to the pool, or remove it from [handover]",
            reverse_migration.user_pool_id,
            missing.join(", ")
        )))
    }
    fn heading(&self) -> String {
        self.columns.join(",")
    }
    /// The user's row. `None` if it is longer than the job accepts.
    fn row(&self, person: &UserAttributes, report: &mut Report) -> Option<String> {
        let cells = self.columns.iter().map(|column| {
            let value = match column.as_str() {
                // The username is the address where the pool has no separate one.
                "cognito:username" => person.get("username").or_else(|| person.get("email")).map(String::as_str),
                "cognito:mfa_enabled" | "phone_number_verified" => Some("false"),
                other => person.get(other).map(String::as_str),
            };
            match value.map(|value| cell(column, value)) {
                None => String::new(),
                Some(Some(text)) => text,
                Some(None) => {
                    *report.values.entry(column.clone()).or_default() += 1;
                    String::new()
                }
            }
        });
        let row = cells.collect::<Vec<_>>().join(",");
        (row.chars().count() <= LONGEST_ROW).then_some(row)
    }
}

/// Encodes a value for the import job: commas are escaped with a backslash, the birth date gets the job's format. `None` for values that
/// the format cannot express: a backslash or a quotation mark, which have no escape.
fn cell(column: &str, value: &str) -> Option<String> {
    if value.contains(|c: char| c.is_control() || c == '\\' || c == '"') {
        return None;
    }
    if column == "birthdate" {
        let parts: Vec<&str> = value.split('-').collect();
        let [year, month, day] = parts[..] else { return None };
        let is_number = |part: &str, digits| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        return (is_number(year, 4) && is_number(month, 2) && is_number(day, 2)).then(|| format!("{month}/{day}/{year}"));
    }
    Some(value.replace(',', "\\,"))
}

/// The output files. Each starts when the one before is full. Until the end they are named `….part`, so that an interrupted export is not
/// mistaken for a complete one.
struct Files {
    first: PathBuf,
    rows: usize,
    heading: String,
    /// The final name of each file.
    made: Vec<PathBuf>,
    /// How many files have their final name.
    named: usize,
    open: Option<OpenFile>,
}

struct OpenFile {
    file: BufWriter<File>,
    rows: usize,
    bytes: usize,
}

impl Files {
    /// Creates the first file; there is always at least one.
    fn create(first: &Path, rows: usize, heading: String) -> io::Result<Self> {
        let mut files = Self { first: first.to_owned(), rows, heading, made: Vec::new(), named: 0, open: None };
        files.begin_file()?;
        Ok(files)
    }
    fn write(&mut self, row: &str) -> io::Result<()> {
        let fits = |open: &OpenFile| open.rows < self.rows && open.bytes + row.len() < MOST_BYTES;
        if !self.open.as_ref().is_some_and(fits) {
            self.begin_file()?;
        }
        let open = self.open.as_mut().ok_or_else(|| io::Error::other("no file is open"))?;
        open.rows += 1;
        open.bytes += row.len() + 1;
        writeln!(open.file, "{row}")
    }
    fn begin_file(&mut self) -> io::Result<()> {
        self.close()?;
        let path = match self.made.len() {
            0 => self.first.clone(),
            made => {
                let stem = self.first.file_stem().unwrap_or_default().to_string_lossy();
                let end = self.first.extension().map_or_else(String::new, |end| format!(".{}", end.to_string_lossy()));
                self.first.with_file_name(format!("{stem}-{}{end}", made + 1))
            }
        };
        // Check early to save work. The final rename checks again that nothing is overwritten.
        if path.try_exists()? {
            return Err(create_error(&path, "it exists already"));
        }
        let file = create(&part_path(&path)).map_err(|error| create_error(&part_path(&path), error))?;
        self.made.push(path);
        let mut file = BufWriter::new(file);
        writeln!(file, "{}", self.heading)?;
        self.open = Some(OpenFile { file, rows: 0, bytes: self.heading.len() + 1 });
        Ok(())
    }
    fn close(&mut self) -> io::Result<()> {
        match self.open.take() {
            None => Ok(()),
            Some(OpenFile { mut file, .. }) => {
                file.flush()?;
                file.get_ref().sync_all()
            }
        }
    }
    /// All rows are written: gives each file its final name, unless another file has taken that name meanwhile.
    fn finish(&mut self) -> io::Result<()> {
        self.close()?;
        for path in &self.made {
            std::fs::hard_link(part_path(path), path).map_err(|error| create_error(path, error))?;
            self.named += 1;
        }
        self.made.iter().try_for_each(|path| std::fs::remove_file(part_path(path)))
    }
    /// Removes the files. Returns whether all were removed.
    fn remove(&self) -> bool {
        let named = self.made.iter().take(self.named).cloned();
        let stays = |path: &PathBuf| match std::fs::remove_file(path) {
            Ok(()) => false,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        self.made.iter().map(|path| part_path(path)).chain(named).filter(stays).count() == 0
    }
}

fn part_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn create_error(path: &Path, why: impl Display) -> io::Error {
    io::Error::other(format!("cannot make {}: {why}; an export is never written over a file", path.display()))
}

/// The result counts.
#[derive(Default)]
struct Report {
    people: u64,
    /// Accounts left out, by reason.
    left_out: BTreeMap<&'static str, u64>,
    /// Accounts with a row longer than the job accepts.
    too_long: u64,
    unreadable: u64,
    causes: Vec<String>,
    /// Values that the file format cannot express, by attribute.
    values: BTreeMap<String, u64>,
}

impl Report {
    /// Whether every eligible user is in the files.
    fn is_complete(&self) -> bool {
        self.unreadable == 0 && self.too_long == 0
    }
    fn render(&self, reverse_migration: &ReverseMigrationConfig, files: &Files, from: &str) -> String {
        let mut text = format!("exported from {from} for user pool {}\n\n", reverse_migration.user_pool_id);
        let row = |what: &str, count: u64| [what.to_owned(), count.to_string()];
        let mut rows = vec![row("users", self.people)];
        rows.extend(self.left_out.iter().map(|(why, count)| row(&format!("left out, {why}"), *count)));
        for (what, count) in [("left out, too long for a row", self.too_long), ("left out, could not be read", self.unreadable)]
        {
            if count > 0 {
                rows.push(row(what, count));
            }
        }
        text.push_str(&columns(&rows));
        self.causes.iter().for_each(|cause| text.push_str(&format!("  {cause}\n")));
        if !self.values.is_empty() {
            text.push_str("\nvalues left out, the file format cannot express them\n");
            let rows: Vec<_> = self.values.iter().map(|(name, count)| row(&format!("  {name}"), *count)).collect();
            text.push_str(&columns(&rows));
        }
        text.push('\n');
        files.made.iter().for_each(|path| text.push_str(&format!("{}\n", path.display())));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_with_a_row_that_is_too_long_counts_as_missing_like_one_that_cannot_be_read() {
        let (columns, mut report) = (vec!["name".to_owned()], Report::default());
        assert!(report.is_complete());
        let person = |length| BTreeMap::from([("name".to_owned(), "a".repeat(length))]);
        assert!(Table { columns: columns.clone() }.row(&person(LONGEST_ROW), &mut report).is_some());
        assert_eq!(Table { columns }.row(&person(LONGEST_ROW + 1), &mut report), None);
        assert!(!Report { too_long: 1, ..Report::default() }.is_complete());
        assert!(!Report { unreadable: 1, ..Report::default() }.is_complete());
    }

    #[test]
    fn a_value_is_escaped_for_the_import_job_or_left_out() {
        for (column, value, expected) in [
            ("name", "Ada", Some("Ada")),
            ("name", "Lovelace, Ada", Some("Lovelace\\, Ada")),
            ("name", "say \"Ada\"", None),
            ("birthdate", "1815-12-10", Some("12/10/1815")),
            ("birthdate", "1815", None),
            ("birthdate", "1815-12-10,", None),
            ("birthdate", "1815-12-10-", None),
            ("birthdate", "1815-1-2", None),
            ("birthdate", "181a-12-10", None),
            ("name", "two\nlines", None),
            ("name", "ends in \\", None),
        ] {
            assert_eq!(cell(column, value).as_deref(), expected, "{column} {value:?}");
        }
    }
}
