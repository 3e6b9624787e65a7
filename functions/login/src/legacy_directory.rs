//! An identifier that is unknown here: the legacy directory is queried, and a user known there is imported (see
//! [`latchkey::domain::legacy_directory`]).
//!
//! 1. The failure was counted before. Now the directory is queried, once.
//! 2. Without a verdict the count is undone, because nothing was evaluated.
//! 3. A user with the right password there, or with a proof of the address by mail, gets an account here. If two requests import the same
//!    user, the first one wins, and the other one signs in locally.
//! 4. A user imported without a password types it once at the first sign-in. The directory checks it. From then on it is stored here.

use crate::attempt::{Attempted, Typed};
use latchkey::domain::account::{AccountState, DataKeyState, PasswordHome, WrappedDataKey};
use latchkey::domain::change::Decision;
use latchkey::domain::failure_window::UnknownIdentifierFailures;
use latchkey::domain::flow::Flow;
use latchkey::domain::id::AccountId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::{
    self, ImportRefusal, ImportedPassword, ImportedUser, LegacyPasswordVerdict, LegacyUser, MappedAttributes, admit,
};
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::recovery::Owner;
use latchkey::domain::secret::PasswordHash;
use latchkey::domain::sign_in::complete::{NewSignIn, Remembering};
use latchkey::domain::sign_in::methods::password::Authenticated;
use latchkey::domain::tenant::{LegacyDirectoryConfig, SubPolicy};
use latchkey::domain::time::Span;
use latchkey::keys::{DataKey, PlainUser, SealedField};
use latchkey::legacy_directory::LegacyDirectoryError;
use latchkey::services::Services;
use latchkey::store::account::{ProfileSnapshot, SignInSnapshot};
use latchkey::web::problem::ProblemKind;
use latchkey::web::session::{self, NewSessionSecrets};
use latchkey::web::{Browser, Problem, TenantHandle};

/// The context of the browser's request, and the values for a new session.
pub(crate) struct Visit<'a> {
    pub(crate) handle: &'a TenantHandle,
    pub(crate) browser: &'a Browser,
    pub(crate) session_secrets: &'a NewSessionSecrets,
    /// What the first step makes of a remembered device. A sign-in with the directory rests on none.
    pub(crate) remembering: Remembering,
    pub(crate) locale: &'a str,
}

/// Queries the directory about an identifier that is unknown here, and imports the user.
pub(crate) async fn attempt(
    services: &Services,
    visit: &Visit<'_>,
    pool: &LegacyDirectoryConfig,
    typed: &Typed,
    counted: UnknownIdentifierFailures,
    before: Option<UnknownIdentifierFailures>,
) -> Result<Attempted, Problem> {
    match ask(services, pool, typed).await {
        Ok(Said::Right(user)) => take_over(services, visit, pool, typed, &user).await,
        Ok(Said::Otherwise(attempted)) => Ok(attempted),
        Err(error) => unasked(visit.handle, &error, legacy_directory::undo_unknown_failure(&counted, before.as_ref())).await,
    }
}

/// Queries the directory about a user who was imported without a password.
pub(crate) async fn first_password(
    services: &Services,
    visit: &Visit<'_>,
    pool: &LegacyDirectoryConfig,
    typed: &Typed,
    counted: &AccountState,
    before: &AccountState,
) -> Result<Attempted, Problem> {
    match ask(services, pool, typed).await {
        Ok(Said::Right(user)) => keep_password(services, visit, pool, typed, &user).await,
        Ok(Said::Otherwise(attempted)) => Ok(attempted),
        Err(error) => unasked(visit.handle, &error, legacy_directory::undo_failure(counted, before)).await,
    }
}

/// The directory's answer about the typed password.
enum Said {
    /// The password is right, and the user may be imported.
    Right(Box<LegacyUser>),
    /// Any other answer, and its outcome.
    Otherwise(Attempted),
}

async fn ask(services: &Services, pool: &LegacyDirectoryConfig, typed: &Typed) -> Result<Said, LegacyDirectoryError> {
    let (username, fresh) = (typed.identifier.trim(), services.random.bytes());
    let attempted = match services.legacy_directory()?.verify(pool, username, &typed.password, fresh).await? {
        LegacyPasswordVerdict::Right(user) => match admit(&user, &typed.email) {
            Ok(()) => return Ok(Said::Right(user)),
            Err(reason) => {
                not_taken_over(reason);
                match reason {
                    ImportRefusal::SecondFactor => Attempted::SecondFactor,
                    ImportRefusal::AddressNotProven => Attempted::NotProven,
                    ImportRefusal::Disabled | ImportRefusal::OtherAddress => Attempted::Decided(Authenticated::Refused),
                }
            }
        },
        LegacyPasswordVerdict::Wrong => Attempted::Decided(Authenticated::Refused),
        LegacyPasswordVerdict::MustBeReplaced => Attempted::MustBeReplaced,
        LegacyPasswordVerdict::SecondFactor => Attempted::SecondFactor,
    };
    Ok(Said::Otherwise(attempted))
}

/// Nothing was evaluated, so nothing is counted.
async fn unasked(handle: &TenantHandle, error: &LegacyDirectoryError, taken_back: Decision<()>) -> Result<Attempted, Problem> {
    error.log();
    // If another attempt has written the counter in the meantime, the count stays: one failure too many.
    if handle.tenant.store.commit(&taken_back.changes, &handle.request).await.is_err() {
        tracing::warn!("a failure that was none could not be taken back");
    }
    Ok(Attempted::Unasked { retry_after: error.retry_after() })
}

async fn take_over(
    services: &Services,
    visit: &Visit<'_>,
    pool: &LegacyDirectoryConfig,
    typed: &Typed,
    user: &LegacyUser,
) -> Result<Attempted, Problem> {
    let (handle, tenant) = (visit.handle, &visit.handle.tenant);
    // Expensive or random: computed once, even if the decision is retried.
    let account = services.random.account_id();
    let (key, wrapped, keyring_version) = tenant.keys.data()?.generate(account)?;
    let data_key = WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account };
    let password = services.hasher.hash(&typed.password).await?;
    let imported_user = Comer { pool, user, email: &typed.email, locale: visit.locale, key, data_key, password };
    let imported_user = imported_user.seal(services, handle).await?;
    let decide = || async {
        // Keep this order: an account created between the two reads is seen by the second read, or the write condition fails.
        let standing = tenant.store.find_subject(&imported_user.subject).await?;
        if tenant.store.find_account(&imported_user.identifier).await?.is_some() {
            return Ok::<_, Problem>(Decision::unchanged(Attempted::KnownByNow));
        }
        let replaced = session::find(handle, visit.browser, None).await?;
        let sign_in = NewSignIn {
            session: visit.session_secrets.session(Some(session::seal_device(handle, visit.browser, &imported_user.data_key)?)),
            device: visit.session_secrets.device(),
            replaced: replaced.as_ref().map(|replaced| &replaced.session),
            policy: &tenant.config.session,
            // The account is new, or has never been used here.
            second_factor: tenant.config.sign_in.second_factor,
            keeps_expiry: false,
            attempt: None,
            remembering: Remembering::Off,
        };
        let Decision { changes, outcome } = legacy_directory::take_over(imported_user.clone(), standing, sign_in, handle.now());
        Ok(Decision { changes, outcome: Attempted::Decided(outcome) })
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

/// Signs in a user who was imported before, and stores the password that the directory has confirmed.
async fn keep_password(
    services: &Services,
    visit: &Visit<'_>,
    pool: &LegacyDirectoryConfig,
    typed: &Typed,
    user: &LegacyUser,
) -> Result<Attempted, Problem> {
    let (handle, tenant) = (visit.handle, &visit.handle.tenant);
    let identifier = tenant.keys.identifier()?.hash_email(&typed.email);
    let subject = tenant.keys.identifier()?.hash_subject(&subject(pool, user));
    let hash = services.hasher.hash(&typed.password).await?;
    let roles = pool.roles_of(&user.groups);
    let decide = || async {
        let standing = tenant.store.find_subject(&subject).await?;
        let SignInSnapshot::Known { authentication, data_key, .. } = tenant.store.find_sign_in(&identifier).await? else {
            return Ok::<_, Problem>(Decision::unchanged(Attempted::KnownByNow));
        };
        if authentication.password_home == PasswordHome::Here {
            return Ok(Decision::unchanged(Attempted::KnownByNow));
        }
        let device = visit.browser.device_of(authentication.account);
        let replaced = session::find(handle, visit.browser, None).await?;
        let sign_in = NewSignIn {
            session: visit.session_secrets.session(Some(session::seal_device(handle, visit.browser, &data_key)?)),
            device: visit.session_secrets.device(),
            replaced: replaced.as_ref().map(|replaced| &replaced.session),
            policy: &tenant.config.session,
            // The account is new, or has never been used here.
            second_factor: tenant.config.sign_in.second_factor,
            keeps_expiry: false,
            attempt: None,
            remembering: Remembering::Off,
        };
        let kept = (hash.clone(), &roles);
        let decided = legacy_directory::keep_password(&authentication, standing, kept, device, sign_in, handle.now());
        Ok(Decision { changes: decided.changes, outcome: Attempted::Decided(decided.outcome) })
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

fn subject(pool: &LegacyDirectoryConfig, user: &LegacyUser) -> FederatedSubject {
    FederatedSubject { issuer: pool.issuer(), subject: user.subject.clone() }
}

/// The owner of a completed password reset for an address without an account here. A user known to the directory is imported with the
/// new password.
pub(crate) async fn owner(
    services: &Services,
    handle: &TenantHandle,
    pool: &LegacyDirectoryConfig,
    flow: &Flow,
    data_key: WrappedDataKey,
    password: PasswordHash,
) -> Result<Option<Owner<'static>>, Problem> {
    let tenant = &handle.tenant;
    let Proven { user, email, key } = find(services, handle, pool, flow, &data_key).await?;
    let Some(user) = user else { return Ok(Some(Owner::UnknownIdentifier)) };
    if let Err(reason) = admit(&user, &email) {
        not_taken_over(reason);
        return Ok(Some(match reason {
            // The mailbox owner may not be the user who signed up there: they start with a new account and inherit nothing.
            ImportRefusal::AddressNotProven => Owner::UnknownIdentifier,
            ImportRefusal::Disabled | ImportRefusal::SecondFactor | ImportRefusal::OtherAddress => Owner::Stays,
        }));
    }
    let imported_user = Comer { pool, user: &user, email: &email, locale: &flow.locale, key, data_key, password };
    let imported_user = imported_user.seal(services, handle).await?;
    match tenant.store.find_subject(&imported_user.subject).await? {
        None => Ok(Some(Owner::Comes(Box::new(imported_user)))),
        Some(_) if tenant.store.find_account(&imported_user.identifier).await?.is_some() => {
            let detail = "This account was just taken over. Send the form once more.";
            Err(Problem::new(ProblemKind::TooManyRequests, detail).retry_after(Span::seconds(1)))
        }
        Some(_) => Ok(Some(Owner::Stays)),
    }
}

/// Whether the directory keeps the password of an imported account, although the address is verified: it has closed the account,
/// requires a second factor, or has another address for the user.
pub(crate) async fn holds_back(
    services: &Services,
    handle: &TenantHandle,
    pool: &LegacyDirectoryConfig,
    flow: &Flow,
    data_key: &WrappedDataKey,
    account: AccountId,
) -> Result<bool, Problem> {
    let Proven { user, email, .. } = find(services, handle, pool, flow, data_key).await?;
    let is_theirs = match &user {
        Some(user) => {
            let subject = handle.tenant.keys.identifier()?.hash_subject(&subject(pool, user));
            handle.tenant.store.find_subject(&subject).await?.is_some_and(|standing| standing.account == Some(account))
        }
        None => false,
    };
    let user = if is_theirs { user } else { find_linked(services, handle, pool, account).await? };
    // Deleted there: the mailbox is the only remaining proof.
    let Some(user) = user else { return Ok(false) };
    Ok(match admit(&user, &email) {
        // The address was verified there when the account was imported, and here just now.
        Ok(()) | Err(ImportRefusal::AddressNotProven) => false,
        Err(reason @ (ImportRefusal::Disabled | ImportRefusal::SecondFactor | ImportRefusal::OtherAddress)) => {
            not_taken_over(reason);
            true
        }
    })
}

/// A verified address, and the directory's user for it.
struct Proven {
    user: Option<LegacyUser>,
    email: EmailAddress,
    key: DataKey,
}

/// The directory's user for the identity of an account there.
async fn find_linked(
    services: &Services,
    handle: &TenantHandle,
    pool: &LegacyDirectoryConfig,
    account: AccountId,
) -> Result<Option<LegacyUser>, Problem> {
    let tenant = &handle.tenant;
    let Some(ProfileSnapshot { data_key, .. }) = tenant.store.find_profile(account).await? else {
        return Ok(None);
    };
    let key = tenant.keys.data()?.unwrap(&data_key)?;
    for link in tenant.store.find_links(account).await? {
        let named = key.open(SealedField::LinkedIdentity, &link.named)?;
        let FederatedSubject { issuer, subject } = serde_json::from_slice(&named).map_err(|_| Problem::internal())?;
        if issuer == pool.issuer() {
            return Ok(services.legacy_directory()?.find_subject(pool, &subject).await?);
        }
    }
    Ok(None)
}

/// The directory's user for the address of this flow.
async fn find(
    services: &Services,
    handle: &TenantHandle,
    pool: &LegacyDirectoryConfig,
    flow: &Flow,
    data_key: &WrappedDataKey,
) -> Result<Proven, Problem> {
    let sealed = flow.payload.as_ref().ok_or_else(Problem::internal)?;
    let key = handle.tenant.keys.data()?.unwrap(data_key)?;
    let typed = String::from_utf8(key.open(SealedField::RecoveryAddress, sealed)?).map_err(|_| Problem::internal())?;
    let email = EmailAddress::parse(&typed).map_err(|_| Problem::internal())?;
    let user = services.legacy_directory()?.find(pool, &typed, &email).await?;
    Ok(Proven { user, email, key })
}

fn not_taken_over(reason: ImportRefusal) {
    tracing::info!(%reason, "a person of the user pool was not taken over");
}

/// The imported user and their data.
struct Comer<'a> {
    pool: &'a LegacyDirectoryConfig,
    user: &'a LegacyUser,
    email: &'a EmailAddress,
    locale: &'a str,
    key: DataKey,
    data_key: WrappedDataKey,
    password: PasswordHash,
}

impl Comer<'_> {
    /// Mapped and sealed.
    async fn seal(self, services: &Services, handle: &TenantHandle) -> Result<ImportedUser, Problem> {
        let Self { pool, user, email, locale, key, data_key, password } = self;
        let tenant = &handle.tenant;
        let kept = match pool.sub {
            SubPolicy::Keep => tenant.store.free_sub(&user.subject).await?,
            SubPolicy::Alias => None,
        };
        let MappedAttributes { claims, refused, unmapped } =
            legacy_directory::map_attributes(pool, &tenant.config.registration.fields, &user.attributes, handle.now());
        if !refused.is_empty() || !unmapped.is_empty() {
            let refused: Vec<_> = refused.iter().map(|(field, flaw)| format!("{field} ({})", flaw.code())).collect();
            tracing::info!(refused = refused.join(", "), unmapped = unmapped.join(", "), "not everything was taken over");
        }
        let plain_user = PlainUser {
            subject: &subject(pool, user),
            sub: kept.unwrap_or_else(|| services.random.sub()),
            email,
            claims,
            locale,
            password: ImportedPassword::Hash(password),
            totp: None,
            roles: pool.roles_of(&user.groups),
            key: &key,
            data_key,
        };
        Ok(plain_user.seal(&tenant.keys)?)
    }
}
