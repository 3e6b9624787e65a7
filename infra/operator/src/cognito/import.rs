//! `latchkey cognito import`: creates accounts for the pool's users before they sign in. Passwords stay in the pool until then.
//!
//! 1. List the pool's users 60 a page. Only one page is in memory, so memory does not grow with the pool.
//! 2. Leave users imported before unchanged, so an interrupted run can be repeated. For the others, the pool's user status decides, as at a
//!    sign-in. Skip users with a second factor; where second factors are optional in the pool, look up each user (`AdminGetUser`).
//! 3. Write each importable user in one transaction, which fails if the address or the identity is taken. The password is checked against
//!    the pool once, at the first sign-in here.
//!
//! 4. After all users are imported, assign roles to the members of groups that map to a role.
//!
//! A dry run reads the same and writes nothing. The output has counts only, no personal data.

use super::pool::{ImportRoute, LookupError, Pool, PoolUser, RateLimit, UserLookups};
use crate::command_error::{CommandError, causes};
use crate::people::roles::assign_role;
use crate::target::{Target, TargetOptions, document, tenant};
use crate::terminal::{Progress, columns, confirm, say, say_json};
use crate::user_import::{ImportError, UserImporter, UserToImport};
use aws_sdk_cognitoidentityprovider::types::UserPoolMfaType;
use futures_util::{StreamExt as _, stream};
use latchkey::context::Clock;
use latchkey::domain::id::{Sub, TenantId};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::{ImportOutcome, ImportedPassword, MappedAttributes, map_attributes};
use latchkey::domain::roles::{MAX_ROLES, Role, RolesChanged};
use latchkey::domain::tenant::{LegacyDirectoryConfig, SubPolicy, TenantConfig};
use latchkey::keys::{KeyError, Keys, TenantKeys};
use latchkey::purpose::Purpose;
use latchkey::store::{DecideError, StoreError, TenantStore};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many users are looked up or written concurrently.
const AT_ONCE: usize = 16;
/// How many failures are listed one by one.
const MAX_LISTED_CAUSES: usize = 5;

/// What to import, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// Report who can be imported, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Calls of ListUsers a second, 60 users each. By default a pool allows 30 a second, for all callers together
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=30))]
    rate: u32,
    /// Calls of AdminGetUser a second, one for each user, where second factors are optional in the pool. By default a pool allows 120 a
    /// second, for all callers together
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=120))]
    user_rate: u32,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

/// The result counts.
#[derive(Debug, Default, Serialize)]
struct Report {
    dry_run: bool,
    /// Users that the pool listed.
    in_the_pool: u64,
    /// Users imported by this run; in a dry run, users who can be imported.
    came: u64,
    /// Of those, users who set a new password by mail, because the pool requires them to replace theirs.
    new_password_by_mail: u64,
    /// Users imported before.
    already_here: u64,
    /// Users erased here, who stay erased.
    erased: u64,
    /// Users skipped, by reason.
    stay: BTreeMap<&'static str, u64>,
    /// Users who could not be looked up or written.
    failed: Failures,
    /// Members of groups that map to a role, by group, whether imported or not.
    groups: BTreeMap<String, u64>,
    /// Groups that map to no role.
    groups_without_role: Vec<String>,
    /// Users who got a role, by role. Empty in a dry run.
    roles: BTreeMap<String, u64>,
    /// Roles not assigned, because the account already has the most roles that it can have.
    roles_too_many: u64,
    /// Roles that could not be assigned.
    roles_failed: Failures,
    /// Attributes without a matching form field, by number of imported users.
    unmapped: BTreeMap<String, u64>,
    /// Fields with an unsuitable attribute value, by number of imported users.
    unfit: BTreeMap<String, u64>,
}

/// How often an operation failed.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Failures {
    count: u64,
    /// The first causes.
    #[serde(skip)]
    causes: Vec<String>,
}

/// The result for one user.
enum UserResult {
    Imported { recovers: bool, unmapped: Vec<String>, unfit: Vec<String> },
    AlreadyImported,
    Erased,
    Skipped(&'static str),
}

/// Why one user failed.
#[derive(Debug, thiserror::Error)]
enum UserError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Import(#[from] DecideError<ImportError>),
    #[error(transparent)]
    Pool(#[from] LookupError),
    #[error(transparent)]
    Roles(#[from] CommandError),
}

/// Runs the command. Returns whether every importable user is imported.
pub(super) async fn run(import: &Import) -> Result<bool, CommandError> {
    let target = import.target.open().await?;
    let store = target.store.tenant(import.tenant.clone());
    let config = document(&store).await?;
    let cognito = config.legacy_directory.as_ref().ok_or_else(|| {
        CommandError::new(
            "the tenant's document names no user pool, so imported users could not sign in: apply a document with [cognito] first",
        )
    })?;
    let pool = Pool::open(&target, &cognito.user_pool_id).await;
    let about = pool.estimate().await?;
    let groups_without_role = groups_without_role(&pool, cognito).await?;
    let chosen = match pool.second_factors().await? {
        Some(UserPoolMfaType::Off) => None,
        Some(UserPoolMfaType::On) => {
            return Err(CommandError::new(
                "the user pool requires a second factor of every user, and second factors cannot be imported: no user can be imported",
            ));
        }
        // Second factors are optional, of a kind unknown to this build, or unspecified: look up each user.
        Some(_) | None => Some(UserLookups::per_second(import.user_rate)),
    };
    if !import.dry_run {
        let question = format!(
            "Import the users of user pool {} (about {about}) into tenant {} of {}? --dry-run shows who can be imported.",
            cognito.user_pool_id, import.tenant, target.name
        );
        confirm(&question, import.yes)?;
    }
    let keys = Keys::new(target.vault()?, &[Purpose::Data, Purpose::Identifier]);
    let keys = keys.tenant(&store, config.keys.signer, Clock::system().now()).await;
    let keys = keys.map_err(|error| CommandError::caused_by("the tenant's keys could not be opened", &error))?;
    let store = keys.bind(store);
    let locale = config.locales.first().map_or("en", String::as_str);
    let importer = (!import.dry_run).then(|| UserImporter::new(&store, &keys, locale));
    let run = PoolImport { pool, chosen, cognito, config: &config, store: &store, keys: &keys, importer };
    let (mut report, mut interrupted) = run.import_users(import.rate, about).await;
    report.groups_without_role = groups_without_role;
    if interrupted.is_none() {
        interrupted = run.assign_roles(import.rate, &mut report).await.err();
    }
    if import.json {
        say_json(&report)?
    } else {
        say(&render(&report, cognito, &target, import))?
    }
    match interrupted {
        Some(refused) => Err(refused),
        None => Ok(report.failed.count == 0 && report.roles_failed.count == 0 && report.roles_too_many == 0),
    }
}

struct PoolImport<'a> {
    pool: Pool,
    /// UserLookups up second factors, where they are optional.
    chosen: Option<UserLookups>,
    cognito: &'a LegacyDirectoryConfig,
    config: &'a TenantConfig,
    store: &'a TenantStore,
    keys: &'a TenantKeys,
    /// `None` in a dry run.
    importer: Option<UserImporter<'a>>,
}

impl PoolImport<'_> {
    /// Imports all users. Returns the report, and the error that interrupted the run, if any.
    async fn import_users(&self, rate: u32, about: usize) -> (Report, Option<CommandError>) {
        let mut report = Report { dry_run: self.importer.is_none(), ..Report::default() };
        let (pace, mut progress, mut token) = (RateLimit::per_second(rate), Progress::new(about), None);
        loop {
            let (users, next) = match self.pool.list_users(&pace, token).await {
                Ok(page) => page,
                Err(refused) => return (report, Some(refused)),
            };
            let mut interrupted = None;
            let mut ones = stream::iter(users).map(|user| self.import_user(user)).buffer_unordered(AT_ONCE);
            while let Some(one) = ones.next().await {
                match one {
                    Ok(came) => report.add(came),
                    Err(failed) => {
                        report.count_failure(&failed);
                        if let UserError::Pool(LookupError::Pool(refused)) = failed {
                            interrupted = Some(refused);
                        }
                    }
                }
                progress.step();
            }
            token = next;
            if token.is_none() || interrupted.is_some() {
                progress.end();
                return (report, interrupted);
            }
        }
    }

    /// Assigns roles to members of mapped groups who have an account here. It never removes a role. It works group by group and page by
    /// page, so memory does not grow with them.
    async fn assign_roles(&self, rate: u32, report: &mut Report) -> Result<(), CommandError> {
        let pace = RateLimit::per_second(rate);
        for (group, role) in &self.cognito.groups {
            let members_of = report.groups.entry(group.clone()).or_default();
            let mut token = None;
            loop {
                let (members, next) = self.pool.list_group_members(&pace, group, token).await?;
                *members_of += members.len() as u64;
                let members = if self.importer.is_some() { members } else { Vec::new() };
                let mut ones = stream::iter(members).map(|member| self.assign_role(member, role)).buffer_unordered(AT_ONCE);
                while let Some(one) = ones.next().await {
                    let given = report.roles.entry(role.to_string()).or_default();
                    match one {
                        Ok(Some(RolesChanged::Changed(_))) => *given += 1,
                        Ok(Some(RolesChanged::TooMany)) => report.roles_too_many += 1,
                        Ok(Some(RolesChanged::Unchanged(_) | RolesChanged::Erased) | None) => {}
                        Err(failed) => report.roles_failed.add(&failed),
                    }
                }
                token = next;
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Assigns a role to a user who has an account here.
    async fn assign_role(&self, member: PoolUser, role: &Role) -> Result<Option<RolesChanged>, UserError> {
        let subject = self.keys.identifier()?.hash_subject(&self.pool.subject(&member));
        let Some(account) = self.store.find_subject(&subject).await?.and_then(|standing| standing.account) else {
            return Ok(None);
        };
        Ok(assign_role(self.store, account, role).await?)
    }

    async fn import_user(&self, user: PoolUser) -> Result<UserResult, UserError> {
        let subject = self.pool.subject(&user);
        if subject.subject.is_empty() {
            return Ok(UserResult::Skipped("in a state that is not known here"));
        }
        match self.store.find_subject(&self.keys.identifier()?.hash_subject(&subject)).await? {
            Some(standing) if standing.account.is_some() => return Ok(UserResult::AlreadyImported),
            Some(_) => return Ok(UserResult::Erased),
            None => {}
        }
        let recovers = match user.import_route() {
            ImportRoute::CurrentPassword => false,
            ImportRoute::NewPassword => true,
            ImportRoute::Excluded(why) => return Ok(UserResult::Skipped(why)),
        };
        let Some(email) = user.attributes.get("email").and_then(|email| EmailAddress::parse(email).ok()) else {
            return Ok(UserResult::Skipped("their e-mail address is not usable"));
        };
        if let Some(lookups) = &self.chosen {
            match self.pool.has_second_factor(lookups, &user).await? {
                Some(false) => {}
                Some(true) => return Ok(UserResult::Skipped("a second factor protects the account there")),
                None => return Ok(UserResult::Skipped("gone from the pool since it listed them")),
            }
        }
        let now = Clock::system().now();
        let MappedAttributes { claims, refused, unmapped } =
            map_attributes(self.cognito, &self.config.registration.fields, &user.attributes, now);
        let unfit = refused.into_iter().map(|(field, _)| field).collect();
        let brought = match &self.importer {
            None => {
                let owner = self.store.find_account(&self.keys.identifier()?.hash_email(&email)).await?;
                owner.map_or(ImportOutcome::Imported, |_| ImportOutcome::AddressTaken)
            }
            Some(importer) => {
                let sub = match self.cognito.sub {
                    SubPolicy::Keep => Sub::from_imported(&subject.subject),
                    SubPolicy::Alias => None,
                };
                let password = ImportedPassword::StaysThere;
                let person = UserToImport { subject, sub, email, claims, password, totp: None };
                // A user of this pool who came before the claims has the claim of the subject.
                importer.import(person, |_| false).await?
            }
        };
        Ok(match brought {
            ImportOutcome::Imported => UserResult::Imported { recovers, unmapped, unfit },
            ImportOutcome::AlreadyHere
            | ImportOutcome::Completed
            | ImportOutcome::OtherAddress
            | ImportOutcome::FactorNotAdded => UserResult::AlreadyImported,
            ImportOutcome::Erased => UserResult::Erased,
            ImportOutcome::AddressTaken => UserResult::Skipped("somebody here has their address"),
            ImportOutcome::SubTaken => UserResult::Skipped("another account here has their sub"),
        })
    }
}

impl Report {
    fn add(&mut self, came: UserResult) {
        self.in_the_pool += 1;
        match came {
            UserResult::Imported { recovers, unmapped, unfit } => {
                self.came += 1;
                self.new_password_by_mail += u64::from(recovers);
                unmapped.into_iter().for_each(|name| *self.unmapped.entry(name).or_default() += 1);
                unfit.into_iter().for_each(|field| *self.unfit.entry(field).or_default() += 1);
            }
            UserResult::AlreadyImported => self.already_here += 1,
            UserResult::Erased => self.erased += 1,
            UserResult::Skipped(why) => *self.stay.entry(why).or_default() += 1,
        }
    }
    fn count_failure(&mut self, failed: &UserError) {
        self.in_the_pool += 1;
        self.failed.add(failed);
    }
}

impl Failures {
    fn add(&mut self, failed: &UserError) {
        self.count += 1;
        if self.causes.len() < MAX_LISTED_CAUSES {
            self.causes.push(causes(failed));
        }
    }
    fn render(&self, what: &str) -> String {
        let mut text = String::new();
        if self.count > 0 {
            text.push_str(&columns(&[[what.to_owned(), self.count.to_string()]]));
        }
        self.causes.iter().for_each(|cause| text.push_str(&format!("  {cause}\n")));
        text
    }
}

/// Groups of the pool that map to no role. Every group in the document must exist in the pool.
async fn groups_without_role(pool: &Pool, cognito: &LegacyDirectoryConfig) -> Result<Vec<String>, CommandError> {
    let there = pool.list_groups().await?;
    let missing: Vec<&str> = cognito.groups.keys().filter(|group| !there.contains(group)).map(String::as_str).collect();
    if !missing.is_empty() {
        let words =
            format!("the user pool {} has no group {}: correct [cognito] groups", cognito.user_pool_id, missing.join(", "));
        return Err(CommandError::new(words));
    }
    Ok(there.into_iter().filter(|group| !cognito.groups.contains_key(group)).collect())
}

fn render(report: &Report, cognito: &LegacyDirectoryConfig, target: &Target, import: &Import) -> String {
    let mut text = format!("user pool {}, tenant {} of {}\n\n", cognito.user_pool_id, import.tenant, target.name);
    let row = |what: &str, count: u64| [what.to_owned(), count.to_string()];
    let mut rows = vec![
        row("in the pool", report.in_the_pool),
        row(if report.dry_run { "can be imported" } else { "newly imported" }, report.came),
    ];
    if report.new_password_by_mail > 0 {
        rows.push(row("  set a new password by mail", report.new_password_by_mail));
    }
    rows.push(row("imported before", report.already_here));
    rows.push(row("erased here, and stay erased", report.erased));
    rows.push(row("stay in the pool", report.stay.values().sum()));
    rows.extend(report.stay.iter().map(|(why, count)| row(&format!("  {why}"), *count)));
    text.push_str(&columns(&rows));
    text.push_str(&report.failed.render("failed: run the command again"));
    let (title, has) =
        if report.dry_run { ("in a group that maps to a role", &report.groups) } else { ("got a role", &report.roles) };
    if !has.is_empty() {
        text.push_str(&format!("\n{title}\n"));
        let rows: Vec<_> = has.iter().map(|(name, count)| row(&format!("  {name}"), *count)).collect();
        text.push_str(&columns(&rows));
    }
    if report.roles_too_many > 0 {
        let what = format!("roles not assigned, an account has at most {MAX_ROLES}");
        text.push_str(&columns(&[row(&what, report.roles_too_many)]));
    }
    text.push_str(&report.roles_failed.render("roles that could not be assigned: run the command again"));
    if !report.groups_without_role.is_empty() {
        text.push_str(&format!("\ngroups that map to no role: {}\n", report.groups_without_role.join(", ")));
    }
    for (title, left) in [("the form has no such field", &report.unmapped), ("the value does not fit the field", &report.unfit)]
    {
        if !left.is_empty() {
            text.push_str(&format!("\nleft out, {title}\n"));
            let rows: Vec<_> = left.iter().map(|(name, count)| row(&format!("  {name}"), *count)).collect();
            text.push_str(&columns(&rows));
        }
    }
    text
}
