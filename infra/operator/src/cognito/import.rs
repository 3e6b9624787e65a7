//! `latchkey cognito import`: accounts for the pool's users before they sign in; their passwords stay there until they do.
//!
//! 1. The pool lists its users by sixties, and one page is held at a time, so memory does not grow with the pool.
//! 2. Who came before is left as they are, so a run that was broken off is run again. Of the others the pool's state decides, as it does
//!    at a sign-in; who has a second factor stays, and where the pool lets people choose, each is looked at (`AdminGetUser`).
//! 3. Each who can come is one transaction that finds neither their address nor their identity taken. Their password is asked of the
//!    pool once, at their first sign-in here.
//!
//! 4. Who is in a group that becomes a role gets it, once everybody has come.
//!
//! A dry run reads the same and writes nothing. Nobody is named: everything is counted.

use super::pool::{Looks, Pace, Pool, PoolUser, Untold, Way};
use crate::bring::{Bringer, Coming, NotBrought};
use crate::people::roles::give;
use crate::refused::{Refused, causes};
use crate::target::{Target, TargetOptions, document, tenant};
use crate::terminal::{Progress, columns, confirm, say, say_json};
use aws_sdk_cognitoidentityprovider::types::UserPoolMfaType;
use futures_util::{StreamExt as _, stream};
use latchkey::context::Clock;
use latchkey::domain::directory::{Brought, ComingPassword, Mapped, map};
use latchkey::domain::id::{Sub, TenantId};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::roles::{MAX_ROLES, Role, RolesChanged};
use latchkey::domain::tenant::{CognitoConfig, KeptSub, TenantConfig};
use latchkey::keys::{KeyError, Keys, TenantKeys};
use latchkey::purpose::Purpose;
use latchkey::store::{DecideError, StoreError, TenantStore};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many people are looked at or written at once.
const AT_ONCE: usize = 16;
/// How many failures are told one by one.
const TOLD: usize = 5;

/// What to import, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// Says who could come and what of them, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Calls of ListUsers a second, sixty people each. A pool answers thirty by default, to everybody together.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=30))]
    rate: u32,
    /// Calls of AdminGetUser a second, one for each person, where the pool lets people choose a second factor. A pool answers 120 by
    /// default, to everybody together.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=120))]
    user_rate: u32,
    /// For programs: one JSON object.
    #[arg(long)]
    json: bool,
    /// The tenant.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

/// What came of everybody.
#[derive(Debug, Default, Serialize)]
struct Report {
    dry_run: bool,
    /// Everybody whom the pool listed.
    in_the_pool: u64,
    /// Who came over now; in a dry run, who could.
    came: u64,
    /// Of those, who sets a new password by mail: the pool wants theirs replaced.
    new_password_by_mail: u64,
    /// Who had come before.
    already_here: u64,
    /// Who was erased here, and stays so.
    erased: u64,
    /// Who stays there, by why.
    stay: BTreeMap<&'static str, u64>,
    /// Who could not be looked up or written.
    failed: Failures,
    /// Who is in a group that becomes a role, by group, whether they come or not.
    groups: BTreeMap<String, u64>,
    /// Groups that become no role.
    groups_without_role: Vec<String>,
    /// Who has a role from now on, by role; nobody in a dry run.
    roles: BTreeMap<String, u64>,
    /// Roles that were not given since their person has as many as one account can have.
    roles_too_many: u64,
    /// Roles that could not be given.
    roles_failed: Failures,
    /// Attributes that no field of the form takes, by how many who came have them.
    unmapped: BTreeMap<String, u64>,
    /// Fields whose attribute does not fit them, by how many who came.
    unfit: BTreeMap<String, u64>,
}

/// How often something failed.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Failures {
    count: u64,
    /// The first causes.
    #[serde(skip)]
    causes: Vec<String>,
}

/// What came of one.
enum Came {
    Over { recovers: bool, unmapped: Vec<String>, unfit: Vec<String> },
    Before,
    Erased,
    Stays(&'static str),
}

/// Why nothing came of one.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Brought(#[from] DecideError<NotBrought>),
    #[error(transparent)]
    Pool(#[from] Untold),
    #[error(transparent)]
    Roles(#[from] Refused),
}

/// Runs it; whether everybody who could come is here now.
pub(super) async fn run(import: &Import) -> Result<bool, Refused> {
    let target = import.target.open().await?;
    let store = target.store.tenant(import.tenant.clone());
    let config = document(&store).await?;
    let cognito = config.cognito.as_ref().ok_or_else(|| {
        Refused::new(
            "the tenant's document names no user pool, so nobody who is brought over could sign in: put [cognito] in force first",
        )
    })?;
    let pool = Pool::open(&target, &cognito.user_pool_id).await;
    let about = pool.estimate().await?;
    let groups_without_role = groups_without_role(&pool, cognito).await?;
    let chosen = match pool.second_factors().await? {
        Some(UserPoolMfaType::Off) => None,
        Some(UserPoolMfaType::On) => {
            return Err(Refused::new(
                "the user pool requires a second factor of everybody, and it would be left behind: nobody can come",
            ));
        }
        // People choose, Cognito has learned something new, or does not say: each is looked at.
        Some(_) | None => Some(Looks::of(import.user_rate)),
    };
    if !import.dry_run {
        let question = format!(
            "Bring the people of user pool {} (about {about}) over to tenant {} of {}? --dry-run says who can come.",
            cognito.user_pool_id, import.tenant, target.name
        );
        confirm(&question, import.yes)?;
    }
    let keys = Keys::new(target.vault()?, &[Purpose::Data, Purpose::Identifier]);
    let keys = keys.tenant(&store, config.keys.signer, Clock::system().now()).await;
    let keys = keys.map_err(|error| Refused::because("the tenant's keys could not be opened", &error))?;
    let locale = config.locales.first().map_or("en", String::as_str);
    let bringer = (!import.dry_run).then(|| Bringer::new(&store, &keys, locale));
    let walk = Walk { pool, chosen, cognito, config: &config, store: &store, keys: &keys, bringer };
    let (mut report, mut broken_off) = walk.all(import.rate, about).await;
    report.groups_without_role = groups_without_role;
    if broken_off.is_none() {
        broken_off = walk.roles(import.rate, &mut report).await.err();
    }
    if import.json {
        say_json(&report)?
    } else {
        say(&told(&report, cognito, &target, import))?
    }
    match broken_off {
        Some(refused) => Err(refused),
        None => Ok(report.failed.count == 0 && report.roles_failed.count == 0 && report.roles_too_many == 0),
    }
}

struct Walk<'a> {
    pool: Pool,
    /// At second factors, where people choose.
    chosen: Option<Looks>,
    cognito: &'a CognitoConfig,
    config: &'a TenantConfig,
    store: &'a TenantStore,
    keys: &'a TenantKeys,
    /// None in a dry run.
    bringer: Option<Bringer<'a>>,
}

impl Walk<'_> {
    /// Everybody, and why it was broken off, if it was.
    async fn all(&self, rate: u32, about: usize) -> (Report, Option<Refused>) {
        let mut report = Report { dry_run: self.bringer.is_none(), ..Report::default() };
        let (pace, mut progress, mut token) = (Pace::of(rate), Progress::new(about), None);
        loop {
            let (users, next) = match self.pool.page(&pace, token).await {
                Ok(page) => page,
                Err(refused) => return (report, Some(refused)),
            };
            let mut broken_off = None;
            let mut ones = stream::iter(users).map(|user| self.one(user)).buffer_unordered(AT_ONCE);
            while let Some(one) = ones.next().await {
                match one {
                    Ok(came) => report.add(came),
                    Err(failed) => {
                        report.failed(&failed);
                        if let Failed::Pool(Untold::OfAnybody(refused)) = failed {
                            broken_off = Some(refused);
                        }
                    }
                }
                progress.step();
            }
            token = next;
            if token.is_none() || broken_off.is_some() {
                progress.end();
                return (report, broken_off);
            }
        }
    }

    /// Who is in a group that becomes a role, and has an account here, gets it; a role is never taken away here. Group by group, page by
    /// page, so that memory does not grow with them.
    async fn roles(&self, rate: u32, report: &mut Report) -> Result<(), Refused> {
        let pace = Pace::of(rate);
        for (group, role) in &self.cognito.groups {
            let members_of = report.groups.entry(group.clone()).or_default();
            let mut token = None;
            loop {
                let (members, next) = self.pool.members(&pace, group, token).await?;
                *members_of += members.len() as u64;
                let members = if self.bringer.is_some() { members } else { Vec::new() };
                let mut ones = stream::iter(members).map(|member| self.role(member, role)).buffer_unordered(AT_ONCE);
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

    /// Gives a role to somebody, if they have an account here.
    async fn role(&self, member: PoolUser, role: &Role) -> Result<Option<RolesChanged>, Failed> {
        let subject = self.keys.identifier()?.hash_subject(&self.pool.subject(&member));
        let Some(account) = self.store.find_subject(&subject).await?.and_then(|standing| standing.account) else {
            return Ok(None);
        };
        Ok(give(self.store, account, role).await?)
    }

    async fn one(&self, user: PoolUser) -> Result<Came, Failed> {
        let subject = self.pool.subject(&user);
        if subject.subject.is_empty() {
            return Ok(Came::Stays("in a state that is not known here"));
        }
        match self.store.find_subject(&self.keys.identifier()?.hash_subject(&subject)).await? {
            Some(standing) if standing.account.is_some() => return Ok(Came::Before),
            Some(_) => return Ok(Came::Erased),
            None => {}
        }
        let recovers = match user.way() {
            Way::SignIn => false,
            Way::Recovery => true,
            Way::None(why) => return Ok(Came::Stays(why)),
        };
        let Some(email) = user.attributes.get("email").and_then(|email| EmailAddress::parse(email).ok()) else {
            return Ok(Came::Stays("their e-mail address is not usable"));
        };
        if let Some(looks) = &self.chosen {
            match self.pool.has_second_factor(looks, &user).await? {
                Some(false) => {}
                Some(true) => return Ok(Came::Stays("a second factor protects the account there")),
                None => return Ok(Came::Stays("gone from the pool since it listed them")),
            }
        }
        let now = Clock::system().now();
        let Mapped { claims, refused, unmapped } = map(self.cognito, &self.config.registration.fields, &user.attributes, now);
        let unfit = refused.into_iter().map(|(field, _)| field).collect();
        let brought = match &self.bringer {
            None => {
                let owner = self.store.find_account(&self.keys.identifier()?.hash_email(&email)).await?;
                owner.map_or(Brought::Imported, |_| Brought::AddressTaken)
            }
            Some(bringer) => {
                let sub = match self.cognito.sub {
                    KeptSub::Keep => Sub::brought(&subject.subject),
                    KeptSub::Alias => None,
                };
                bringer.bring(Coming { subject, sub, email, claims, password: ComingPassword::StaysThere }).await?
            }
        };
        Ok(match brought {
            Brought::Imported => Came::Over { recovers, unmapped, unfit },
            Brought::AlreadyHere => Came::Before,
            Brought::Erased => Came::Erased,
            Brought::AddressTaken => Came::Stays("somebody here has their address"),
        })
    }
}

impl Report {
    fn add(&mut self, came: Came) {
        self.in_the_pool += 1;
        match came {
            Came::Over { recovers, unmapped, unfit } => {
                self.came += 1;
                self.new_password_by_mail += u64::from(recovers);
                unmapped.into_iter().for_each(|name| *self.unmapped.entry(name).or_default() += 1);
                unfit.into_iter().for_each(|field| *self.unfit.entry(field).or_default() += 1);
            }
            Came::Before => self.already_here += 1,
            Came::Erased => self.erased += 1,
            Came::Stays(why) => *self.stay.entry(why).or_default() += 1,
        }
    }
    fn failed(&mut self, failed: &Failed) {
        self.in_the_pool += 1;
        self.failed.add(failed);
    }
}

impl Failures {
    fn add(&mut self, failed: &Failed) {
        self.count += 1;
        if self.causes.len() < TOLD {
            self.causes.push(causes(failed));
        }
    }
    fn told(&self, what: &str) -> String {
        let mut text = String::new();
        if self.count > 0 {
            text.push_str(&columns(&[[what.to_owned(), self.count.to_string()]]));
        }
        self.causes.iter().for_each(|cause| text.push_str(&format!("  {cause}\n")));
        text
    }
}

/// Groups of the pool that become no role; every group that the document names is one of the pool's.
async fn groups_without_role(pool: &Pool, cognito: &CognitoConfig) -> Result<Vec<String>, Refused> {
    let there = pool.groups().await?;
    let missing: Vec<&str> = cognito.groups.keys().filter(|group| !there.contains(group)).map(String::as_str).collect();
    if !missing.is_empty() {
        let words =
            format!("the user pool {} has no group {}: mend [cognito] groups", cognito.user_pool_id, missing.join(", "));
        return Err(Refused::new(words));
    }
    Ok(there.into_iter().filter(|group| !cognito.groups.contains_key(group)).collect())
}

fn told(report: &Report, cognito: &CognitoConfig, target: &Target, import: &Import) -> String {
    let mut text = format!("user pool {}, tenant {} of {}\n\n", cognito.user_pool_id, import.tenant, target.name);
    let row = |what: &str, count: u64| [what.to_owned(), count.to_string()];
    let mut rows = vec![
        row("in the pool", report.in_the_pool),
        row(if report.dry_run { "can come over" } else { "came over" }, report.came),
    ];
    if report.new_password_by_mail > 0 {
        rows.push(row("  set a new password by mail", report.new_password_by_mail));
    }
    rows.push(row("had come before", report.already_here));
    rows.push(row("were erased here, and stay so", report.erased));
    rows.push(row("stay there", report.stay.values().sum()));
    rows.extend(report.stay.iter().map(|(why, count)| row(&format!("  {why}"), *count)));
    text.push_str(&columns(&rows));
    text.push_str(&report.failed.told("failed: run it again"));
    let (title, has) = if report.dry_run {
        ("are in a group that becomes a role", &report.groups)
    } else {
        ("have a role from now on", &report.roles)
    };
    if !has.is_empty() {
        text.push_str(&format!("\n{title}\n"));
        let rows: Vec<_> = has.iter().map(|(name, count)| row(&format!("  {name}"), *count)).collect();
        text.push_str(&columns(&rows));
    }
    if report.roles_too_many > 0 {
        let what = format!("roles not given, an account has at most {MAX_ROLES}");
        text.push_str(&columns(&[row(&what, report.roles_too_many)]));
    }
    text.push_str(&report.roles_failed.told("roles that could not be given: run it again"));
    if !report.groups_without_role.is_empty() {
        text.push_str(&format!("\ngroups that become no role: {}\n", report.groups_without_role.join(", ")));
    }
    for (title, left) in [("no field of the form takes", &report.unmapped), ("the value does not fit the field", &report.unfit)]
    {
        if !left.is_empty() {
            text.push_str(&format!("\nleft out, {title}\n"));
            let rows: Vec<_> = left.iter().map(|(name, count)| row(&format!("  {name}"), *count)).collect();
            text.push_str(&columns(&rows));
        }
    }
    text
}
