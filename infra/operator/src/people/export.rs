//! `latchkey people export`: writes all users of a tenant, password hashes and second factors included, in Latchkey's own format
//! (docs/people-file.md).
//!
//! 1. Scan the table page by page, at a limited rate that leaves capacity for the service. One page is in memory.
//! 2. Read each active or disabled account in one consistent read, and decrypt it.
//! 3. Write the number of users as the last line. Without that line the file is incomplete, and the import refuses it.

use super::classify::MAX_LISTED;
use super::latchkey_factors::{passkey_member, recovery_codes_member, totp_member};
use super::latchkey_file::{Ending, Heading, UserLine};
use crate::account_scan::scan_accounts;
use crate::command_error::{CommandError, causes};
use crate::target::{TargetOptions, document, tenant};
use crate::terminal::{say, warn};
use latchkey::context::Clock;
use latchkey::domain::account::{AccountState, AccountStatus, PasswordHome};
use latchkey::domain::id::{AccountId, TenantId};
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::totp::TotpSeed;
use latchkey::keys::{DataKey, KeyError, Keys, SealedField, TenantKeys};
use latchkey::purpose::Purpose;
use latchkey::store::people::StoredPerson;
use latchkey::store::{StoreError, TenantStore};
use serde_json::{Map, Value};
use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// What to export, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The output file, which must not exist yet; only you can read it. `-` is standard output, if that is not a terminal
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Users a second; each takes about four read units, plus the table scan
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

/// Runs the command. Returns whether every eligible user is in the file.
pub(super) async fn run(export: &Export) -> Result<bool, CommandError> {
    let to_file = Some(export.output.as_path()).filter(|path| *path != Path::new("-"));
    if to_file.is_none() && io::stdout().is_terminal() {
        return Err(CommandError::new(
            "password hashes and second factors are not written to a terminal: give a file, or redirect standard output",
        ));
    }
    let target = export.target.open().await?;
    let store = target.store.tenant(export.tenant.clone());
    let config = document(&store).await?;
    let now = Clock::system().now();
    let keys = Keys::new(target.vault()?, &[Purpose::Data]).tenant(&store, config.keys.signer, now).await;
    let keys = keys.map_err(|error| CommandError::caused_by("the tenant's keys could not be opened", &error))?;
    let (issuer, tenant) = (target.origin.issuer(&export.tenant), export.tenant.to_string());
    let heading = Heading { issuer, tenant, exported_at: now, has_factors: true };
    let mut run = UserExport {
        store: &store,
        keys: &keys,
        rate: export.rate,
        ended: Ending::default(),
        with_password: 0,
        protected: 0,
        named: Vec::new(),
    };
    let name = to_file.map_or("standard output".into(), Path::to_string_lossy);
    warn(&format!(
        "{name} will contain the password hashes, the seeds of authenticator apps and personal data of all users of tenant {}: its \
         holder can sign in as them. Protect it, and delete it after use\n",
        export.tenant
    ));
    match to_file {
        None => run.write(&heading, io::stdout().lock()).await?,
        Some(path) => {
            let file = create(path).map_err(|error| {
                CommandError::new(format!("cannot make {}: {error}; an export is never written over a file", path.display()))
            })?;
            let written = match run.write(&heading, &file).await {
                Ok(()) => file.sync_all().map_err(|error| CommandError::new(format!("{}: {error}", path.display()))),
                Err(refused) => Err(refused),
            };
            if let Err(refused) = written {
                // An incomplete file is useless and contains hashes.
                let gone = std::fs::remove_file(path).is_ok();
                let left = if gone { "nothing is left of the file" } else { "remove what is left of the file" };
                return Err(CommandError::new(format!("{refused}; {left}")));
            }
        }
    }
    let told = run.render(&format!("tenant {} of {}", export.tenant, target.name));
    if to_file.is_some() {
        say(&told)?
    } else {
        warn(&told)
    }
    Ok(run.ended.unreadable == 0)
}

/// Creates a new file that only its owner can read.
pub(crate) fn create(path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Why an account could not be read.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the account lacks {0}")]
    Missing(&'static str),
    #[error("its decrypted data is not JSON")]
    NotJson,
    #[error("it cannot be written as JSON")]
    NotSerializable(#[from] serde_json::Error),
}

/// The result for one account.
enum AccountExport {
    /// The user's line.
    User {
        line: Vec<u8>,
        has_password: bool,
        is_protected: bool,
    },
    Closed,
    Erased,
}

struct UserExport<'a> {
    store: &'a TenantStore,
    keys: &'a TenantKeys,
    rate: u32,
    ended: Ending,
    with_password: usize,
    protected: usize,
    /// The first accounts that could not be read, by internal id.
    named: Vec<String>,
}

impl UserExport<'_> {
    async fn write(&mut self, heading: &Heading, to: impl Write) -> Result<(), CommandError> {
        let cannot = |error: io::Error| CommandError::new(format!("the export could not be written: {error}"));
        let mut to = BufWriter::new(to);
        writeln!(to, "{}", heading.line()).map_err(cannot)?;
        let (store, keys, rate) = (self.store, self.keys, self.rate);
        let read = |state: AccountState| async move { read_account(store, keys, &state).await };
        scan_accounts(store, rate, read, |account, found| self.add(account, found, &mut to)).await?;
        let ending = serde_json::json!(self.ended);
        writeln!(to, "{ending}").and_then(|()| to.flush()).map_err(cannot)
    }

    fn add(
        &mut self,
        account: Option<AccountId>,
        found: Result<AccountExport, ExportError>,
        to: &mut impl Write,
    ) -> io::Result<()> {
        match found {
            Ok(AccountExport::User { line, has_password, is_protected }) => {
                self.ended.people += 1;
                self.with_password += usize::from(has_password);
                self.protected += usize::from(is_protected);
                to.write_all(&line)?;
            }
            Ok(AccountExport::Closed) => self.ended.closed_by_their_person += 1,
            Ok(AccountExport::Erased) => self.ended.erased += 1,
            Err(error) => {
                self.ended.unreadable += 1;
                if self.named.len() < MAX_LISTED {
                    let account = account.map_or_else(|| "an account".to_owned(), |account| format!("account {account}"));
                    self.named.push(format!("  {account}: {}\n", causes(&error)));
                }
            }
        }
        Ok(())
    }

    fn render(&self, from: &str) -> String {
        let Ending { people, closed_by_their_person, erased, unreadable } = self.ended;
        let mut text = format!(
            "exported from {from}: {people} users, {} with their password, {} protected by a second factor\n",
            self.with_password, self.protected
        );
        for (what, count) in [
            ("left out, closed by the user", closed_by_their_person),
            ("left out, erased", erased),
            ("left out, could not be read", unreadable),
        ] {
            if count > 0 {
                text.push_str(&format!("{what}: {count}\n"));
            }
        }
        text.extend(self.named.iter().map(String::as_str));
        text
    }
}

async fn read_account(store: &TenantStore, keys: &TenantKeys, state: &AccountState) -> Result<AccountExport, ExportError> {
    match state.status {
        AccountStatus::ErasureDue { .. } => return Ok(AccountExport::Closed),
        AccountStatus::Erased { .. } => return Ok(AccountExport::Erased),
        AccountStatus::Active | AccountStatus::Disabled { .. } => {}
    }
    let person = store.find_person(state.account).await?.ok_or(ExportError::Missing("its profile or its data key"))?;
    // The user may have closed the account after the scan read it.
    match person.authentication.status {
        AccountStatus::ErasureDue { .. } => Ok(AccountExport::Closed),
        AccountStatus::Erased { .. } => Ok(AccountExport::Erased),
        AccountStatus::Active | AccountStatus::Disabled { .. } => build_line(keys, &person),
    }
}

/// Decrypts the account and builds its line.
fn build_line(keys: &TenantKeys, person: &StoredPerson) -> Result<AccountExport, ExportError> {
    let StoredPerson { authentication, profile, data_key, password, links, consents, terms, .. } = person;
    let key = keys.data()?.unwrap(data_key)?;
    let claims = key.open(SealedField::Profile, &profile.claims)?;
    let mut claims: Map<String, Value> = serde_json::from_slice(&claims).map_err(|_| ExportError::NotJson)?;
    let email = claims.remove("email");
    // Every stored address is verified.
    claims.remove("email_verified");
    let mut identities = Vec::new();
    for link in links {
        let named = key.open(SealedField::LinkedIdentity, &link.named)?;
        let subject: FederatedSubject = serde_json::from_slice(&named).map_err(|_| ExportError::NotJson)?;
        identities.push(UserLine::identity(&subject, link.linked_at));
    }
    let password = match (password, authentication.password_home) {
        (Some(password), _) => Some(UserLine::hash(&password.hash, password.changed_at)),
        (None, PasswordHome::Directory) => Some(UserLine::password_in_pool()),
        (None, PasswordHome::Here) => None,
    };
    let has_password = password.as_ref().is_some_and(|password| password.get("hash").is_some());
    let factors = Factors::open(person, &key)?;
    let line = UserLine {
        account: authentication.account,
        sub: authentication.sub,
        created_at: authentication.created_at.to_string(),
        disabled_since: UserLine::disabled_since(authentication.status),
        legal_hold_since: authentication.legal_hold.map(|since| since.to_string()),
        roles: authentication.roles.clone(),
        email: email.as_ref().and_then(Value::as_str).ok_or(ExportError::Missing("its address"))?,
        claims,
        updated_at: profile.updated_at.to_string(),
        password,
        protected: authentication.protected,
        totp: factors.totp,
        recovery_codes: factors.recovery_codes,
        passkeys: factors.passkeys,
        identities,
        terms: terms.iter().map(UserLine::terms).collect(),
        consents: consents.iter().map(UserLine::consent).collect(),
    };
    let mut line = serde_json::to_vec(&line)?;
    line.push(b'\n');
    Ok(AccountExport::User { line, has_password, is_protected: authentication.protected })
}

/// The members of second factors and passkeys.
struct Factors {
    totp: Option<Value>,
    recovery_codes: Option<Value>,
    passkeys: Vec<Value>,
}

impl Factors {
    /// Decrypts those in use. The state of the account says whether it has an app: a missing one must not be left out silently.
    fn open(person: &StoredPerson, key: &DataKey) -> Result<Self, ExportError> {
        let mut totp = None;
        if let Some(last_step) = person.authentication.factors.totp {
            let active = person.totp.as_ref().and_then(|totp| totp.active.as_ref());
            let active = active.ok_or(ExportError::Missing("its authenticator app"))?;
            let seed = TotpSeed::from_slice(&key.open(SealedField::TotpSeed, &active.seed)?);
            let seed = seed.ok_or(ExportError::Missing("a seed of the right length"))?;
            totp = Some(totp_member(&seed, active.added_at, last_step));
        }
        let codes = person.recovery_codes.as_ref().filter(|codes| codes.removed_at.is_none());
        let mut passkeys = Vec::new();
        for passkey in person.passkeys.iter().filter(|passkey| passkey.is_active()) {
            let name = passkey.name.as_ref().map(|name| key.open(SealedField::PasskeyName, name)).transpose()?;
            let name = name.as_deref().map(String::from_utf8_lossy);
            passkeys.push(passkey_member(passkey, name.as_deref()));
        }
        Ok(Self { totp, recovery_codes: codes.map(recovery_codes_member), passkeys })
    }
}
