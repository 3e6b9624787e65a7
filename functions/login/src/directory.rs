//! Somebody whom nobody here knows: the former directory is asked, and who it knows comes over (see [`latchkey::domain::directory`]).
//!
//! 1. The failure was counted before; now the directory is asked, once.
//! 2. Without a verdict the count is taken back: nothing was evaluated.
//! 3. Who showed the right password there, or proved the address by mail, has an account from here on. Whoever was faster
//!    with the same person wins; the other signs in locally.

use crate::login::{Attempted, Typed};
use latchkey::config::{CognitoConfig, KeptSub};
use latchkey::directory::DirectoryError;
use latchkey::domain::account::{DataKeyState, WrappedDataKey};
use latchkey::domain::authentication::{Authenticated, NewSignIn, UnknownIdentifierFailures};
use latchkey::domain::change::Decision;
use latchkey::domain::directory::{
    self, DirectoryUser, DirectoryVerdict, FederatedSubject, Mapped, NewComer, NotAdmitted, admit,
};
use latchkey::domain::flow::Flow;
use latchkey::domain::id::Sub;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::recovery::Owner;
use latchkey::domain::secret::PasswordHash;
use latchkey::domain::time::Span;
use latchkey::keys::{Arrival, DataKey, SealedField};
use latchkey::services::Services;
use latchkey::web::problem::ProblemKind;
use latchkey::web::session::{self, Opening};
use latchkey::web::{Browser, Problem, TenantHandle};

/// What the browser brings, and what it may leave with.
pub(crate) struct Visit<'a> {
    pub(crate) handle: &'a TenantHandle,
    pub(crate) browser: &'a Browser,
    pub(crate) opening: &'a Opening,
    pub(crate) locale: &'a str,
}

/// Asks the directory about somebody whom nobody here knows, and takes them over if it knows them.
pub(crate) async fn attempt(
    services: &Services,
    visit: &Visit<'_>,
    pool: &CognitoConfig,
    typed: &Typed,
    counted: UnknownIdentifierFailures,
    before: Option<UnknownIdentifierFailures>,
) -> Result<Attempted, Problem> {
    let user = match services.directory.verify(pool, typed.identifier.trim(), &typed.password).await {
        Ok(DirectoryVerdict::Right(user)) => user,
        Ok(DirectoryVerdict::Wrong) => return Ok(Attempted::Decided(Authenticated::Refused)),
        Ok(DirectoryVerdict::MustBeReplaced) => return Ok(Attempted::MustBeReplaced),
        Ok(DirectoryVerdict::SecondFactor) => return Ok(Attempted::SecondFactor),
        Err(error) => return unasked(visit.handle, &error, &counted, before.as_ref()).await,
    };
    match admit(&user, &typed.email) {
        Ok(()) => take_over(services, visit, pool, typed, &user).await,
        Err(reason) => {
            not_taken_over(reason);
            Ok(match reason {
                NotAdmitted::SecondFactor => Attempted::SecondFactor,
                NotAdmitted::AddressNotProven => Attempted::NotProven,
                NotAdmitted::Disabled | NotAdmitted::OtherAddress => Attempted::Decided(Authenticated::Refused),
            })
        }
    }
}

/// Nothing was evaluated: nobody is counted for it.
async fn unasked(
    handle: &TenantHandle,
    error: &DirectoryError,
    counted: &UnknownIdentifierFailures,
    before: Option<&UnknownIdentifierFailures>,
) -> Result<Attempted, Problem> {
    log(error);
    // Another try of the same identifier meanwhile stands over this count: then it stays, one failure too many.
    let Decision { changes, .. } = directory::take_back(counted, before);
    if handle.tenant.store.commit(&changes, &handle.request).await.is_err() {
        tracing::warn!("a failure that was none could not be taken back");
    }
    Ok(Attempted::Unasked { retry_after: error.retry_after() })
}

async fn take_over(
    services: &Services,
    visit: &Visit<'_>,
    pool: &CognitoConfig,
    typed: &Typed,
    user: &DirectoryUser,
) -> Result<Attempted, Problem> {
    let (handle, tenant) = (visit.handle, &visit.handle.tenant);
    // Dear or random: made once, however often is decided.
    let account = services.random.account_id();
    let (key, wrapped, keyring_version) = tenant.keys.data()?.generate(account)?;
    let data_key = WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account };
    let password = services.hasher.hash(&typed.password).await?;
    let comer = Comer { pool, user, email: &typed.email, locale: visit.locale, key, data_key, password };
    let comer = comer.seal(services, handle)?;
    let decide = || async {
        // In this order: an account that is made between the two reads is seen by the second, or met by the write.
        let standing = tenant.store.find_subject(&comer.subject).await?;
        if tenant.store.find_account(&comer.identifier).await?.is_some() {
            return Ok::<_, Problem>(Decision::unchanged(Attempted::KnownByNow));
        }
        let replaced = session::find(handle, visit.browser, None).await?;
        let sign_in = NewSignIn {
            session: visit.opening.session(Some(session::seal_device(handle, visit.browser, &comer.data_key)?)),
            device: visit.opening.device(),
            replaced: replaced.as_ref().map(|replaced| &replaced.session),
            policy: &tenant.config.session,
        };
        let Decision { changes, outcome } = directory::take_over(comer.clone(), standing, sign_in, handle.now());
        Ok(Decision { changes, outcome: Attempted::Decided(outcome) })
    };
    Ok(tenant.store.decide(&handle.request, decide).await?)
}

/// Whose a proven recovery is that nobody here owns: the directory is asked, and who it knows comes with the new password.
pub(crate) async fn owner(
    services: &Services,
    handle: &TenantHandle,
    pool: &CognitoConfig,
    flow: &Flow,
    data_key: WrappedDataKey,
    password: PasswordHash,
) -> Result<Option<Owner<'static>>, Problem> {
    let tenant = &handle.tenant;
    let Some(sealed) = &flow.payload else { return Ok(None) };
    let key = tenant.keys.data()?.unwrap(&data_key)?;
    let typed = String::from_utf8(key.open(SealedField::RecoveryAddress, sealed)?).map_err(|_| Problem::internal())?;
    let email = EmailAddress::parse(&typed).map_err(|_| Problem::internal())?;
    let user = services.directory.find(pool, &typed, &email).await.map_err(|error| {
        log(&error);
        let detail = "The former sign-in service does not answer. Nothing is lost; send the form again in a few seconds.";
        Problem::new(ProblemKind::Unavailable, detail).retry_after(error.retry_after())
    })?;
    let Some(user) = user else { return Ok(Some(Owner::Nobody)) };
    if let Err(reason) = admit(&user, &email) {
        not_taken_over(reason);
        return Ok(Some(match reason {
            // Whoever has this mailbox is not known to be who signed up there: they begin anew, and inherit nothing.
            NotAdmitted::AddressNotProven => Owner::Nobody,
            NotAdmitted::Disabled | NotAdmitted::SecondFactor | NotAdmitted::OtherAddress => Owner::Stays,
        }));
    }
    let comer = Comer { pool, user: &user, email: &email, locale: &flow.locale, key, data_key, password };
    let comer = comer.seal(services, handle)?;
    match tenant.store.find_subject(&comer.subject).await? {
        None => Ok(Some(Owner::Comes(Box::new(comer)))),
        Some(_) if tenant.store.find_account(&comer.identifier).await?.is_some() => {
            let detail = "This account was just taken over. Send the form once more.";
            Err(Problem::new(ProblemKind::TooManyRequests, detail).retry_after(Span::seconds(1)))
        }
        Some(_) => Ok(Some(Owner::Stays)),
    }
}

fn not_taken_over(reason: NotAdmitted) {
    tracing::info!(%reason, "a person of the user pool was not taken over");
}

fn log(error: &DirectoryError) {
    match error {
        DirectoryError::Misconfigured(_) => tracing::error!(%error, "nobody can come from the user pool"),
        DirectoryError::Resting(_) | DirectoryError::Busy(_) | DirectoryError::Locked(_) | DirectoryError::Unavailable(_) => {
            tracing::warn!(%error, "the user pool gave no verdict");
        }
    }
}

/// Who comes, and what they come with.
struct Comer<'a> {
    pool: &'a CognitoConfig,
    user: &'a DirectoryUser,
    email: &'a EmailAddress,
    locale: &'a str,
    key: DataKey,
    data_key: WrappedDataKey,
    password: PasswordHash,
}

impl Comer<'_> {
    /// Mapped and sealed.
    fn seal(self, services: &Services, handle: &TenantHandle) -> Result<NewComer, Problem> {
        let Self { pool, user, email, locale, key, data_key, password } = self;
        let tenant = &handle.tenant;
        let kept = match pool.sub {
            KeptSub::Keep => Sub::brought(&user.subject),
            KeptSub::Alias => None,
        };
        let Mapped { claims, refused, unmapped } =
            directory::map(pool, &tenant.config.registration.fields, &user.attributes, handle.now());
        if !refused.is_empty() || !unmapped.is_empty() {
            let refused: Vec<_> = refused.iter().map(|(field, flaw)| format!("{field} ({})", flaw.code())).collect();
            tracing::info!(refused = refused.join(", "), unmapped = unmapped.join(", "), "not everything was taken over");
        }
        let arrival = Arrival {
            subject: &FederatedSubject { issuer: pool.issuer(), subject: user.subject.clone() },
            sub: kept.unwrap_or_else(|| services.random.sub()),
            email,
            claims,
            locale,
            password: Some(password),
            key: &key,
            data_key,
        };
        Ok(arrival.seal(&tenant.keys)?)
    }
}
