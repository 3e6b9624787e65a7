//! Imports one user: writes an account, a profile and a link in one transaction. The transaction fails if the e-mail address or the
//! external identity is already taken.

use data_encoding::BASE32_NOPAD;
use latchkey::context::{Clock, Deadline, Random, RequestContext};
use latchkey::domain::account::{DataKeyState, WrappedDataKey};
use latchkey::domain::change::Decision;
use latchkey::domain::id::{RequestId, Sub};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::legacy_directory::{
    Completion, ImportConflicts, ImportOutcome, ImportedPassword, ImportedUser, complete_import, import_legacy_user,
};
use latchkey::domain::linked_identity::{FederatedSubject, SubjectHash};
use latchkey::domain::profile::Claims;
use latchkey::domain::roles::Roles;
use latchkey::domain::secret::PasswordHash;
use latchkey::domain::totp::TotpSeed;
use latchkey::keys::{KeyError, PlainUser, SealedField, TenantKeys};
use latchkey::store::principal::PrincipalQuery;
use latchkey::store::{DecideError, StoreError, TenantStore};
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A user to import.
pub(crate) struct UserToImport {
    /// The user's identity in the source system.
    pub(crate) subject: FederatedSubject,
    /// The `sub` to keep, if any.
    pub(crate) sub: Option<Sub>,
    /// The e-mail address. If the source has not verified it, there is no password.
    pub(crate) email: EmailAddress,
    /// The profile claims.
    pub(crate) claims: Claims,
    /// The password, or where it is.
    pub(crate) password: ImportedPassword,
    /// The seed of the authenticator app, if the user has one that Latchkey can verify. With it the account is protected.
    pub(crate) totp: Option<TotpSeed>,
}

/// Why one user was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the request has no name")]
    InvalidRequestId,
    #[error("the stored profile does not read")]
    Unreadable,
}

/// Imports users into one tenant.
pub(crate) struct UserImporter<'a> {
    pub(crate) store: &'a TenantStore,
    pub(crate) keys: &'a TenantKeys,
    pub(crate) locale: &'a str,
    /// Identifies this run. Together with `next`, it identifies each request of the run.
    run: String,
    next: AtomicUsize,
}

impl<'a> UserImporter<'a> {
    /// `locale`: the language of mails to the imported users.
    pub(crate) fn new(store: &'a TenantStore, keys: &'a TenantKeys, locale: &'a str) -> Self {
        Self { store, keys, locale, run: BASE32_NOPAD.encode(&Random.bytes::<10>()), next: AtomicUsize::new(1) }
    }
    /// Imports one user. `has_owner` tells whether an account of before the claims has a `sub`.
    pub(crate) async fn import(
        &self,
        person: UserToImport,
        has_owner: impl Fn(Sub) -> bool,
    ) -> Result<ImportOutcome, DecideError<ImportError>> {
        let decided = |error: KeyError| DecideError::Decide(ImportError::Keys(error));
        let (store, account) = (self.store, Random.account_id());
        let (key, wrapped, keyring_version) = self.keys.data().and_then(|data| data.generate(account)).map_err(decided)?;
        let totp = person.totp.clone();
        let (claims, hash) = match &person.password {
            ImportedPassword::Hash(hash) => (Some(person.claims.clone()), Some(hash.clone())),
            ImportedPassword::None => (Some(person.claims.clone()), None),
            ImportedPassword::StaysThere => (None, None),
        };
        let plain_user = PlainUser {
            subject: &person.subject,
            sub: person.sub.unwrap_or_else(|| Random.sub()),
            email: &person.email,
            claims: person.claims,
            locale: self.locale,
            password: person.password,
            totp: person.totp,
            roles: Roles::default(),
            key: &key,
            data_key: WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account },
        };
        let user = plain_user.seal(self.keys).map_err(decided)?;
        let request = self.request().map_err(DecideError::Decide)?;
        let decide = || async {
            // Keep this order: an account created between the two reads is seen by the second read, or the write condition fails.
            let mut linked = store.find_subject(&user.subject).await?;
            let owner = store.find_account(&user.identifier).await?;
            if linked.is_none() && owner.is_some() {
                // The address may belong to this same user, imported between the two reads.
                linked = store.find_subject(&user.subject).await?;
            }
            let is_sub_taken = match person.sub {
                Some(sub) => has_owner(sub) || store.find_subject(&SubjectHash::of_sub(sub)).await?.is_some(),
                None => false,
            };
            let found = ImportConflicts { subject: linked, owner, is_sub_taken };
            let Decision { changes, outcome } = import_legacy_user(user.clone(), found, request.now);
            Ok::<_, ImportError>(Decision { changes, outcome })
        };
        match (store.decide(&request, decide).await?, claims) {
            (ImportOutcome::AlreadyHere, Some(claims)) => self.complete(&user, (hash, totp), &claims, &request).await,
            (outcome, _) => Ok(outcome),
        }
    }
    /// Fills in what an earlier run left empty: two files of one system, or one run without passwords and one with them. Only if the account
    /// has the address of this user: a file with another address proves nothing to the account's owner.
    async fn complete(
        &self,
        user: &ImportedUser,
        (hash, totp): (Option<PasswordHash>, Option<TotpSeed>),
        claims: &Claims,
        request: &RequestContext,
    ) -> Result<ImportOutcome, DecideError<ImportError>> {
        // A second decision of the same request: its writes have names of their own.
        let request =
            self.request().map(|second| RequestContext { now: request.now, ..second }).map_err(DecideError::Decide)?;
        let decide = || async {
            let unchanged = || Decision::unchanged(ImportOutcome::AlreadyHere);
            let Some(account) = self.store.find_subject(&user.subject).await?.and_then(|claim| claim.account) else {
                return Ok(unchanged());
            };
            let query =
                PrincipalQuery { account, session: None, grant: None, profile: true, password: true, second_factors: false };
            let Some(found) = self.store.find_principal(query).await? else { return Ok(unchanged()) };
            let (Some(profile), Some(data_key)) = (&found.profile, &found.data_key) else { return Ok(unchanged()) };
            let key = self.keys.data()?.unwrap(data_key)?;
            let plain = key.open(SealedField::Profile, &profile.claims)?;
            let mut known: Map<String, Value> = serde_json::from_slice(&plain).map_err(|_| ImportError::Unreadable)?;
            let before = known.len();
            for (name, value) in &claims.0 {
                known.entry(name.clone()).or_insert_with(|| value.clone());
            }
            let completed = match known.len() > before {
                true => Some(key.seal(SealedField::Profile, Value::Object(known).to_string().as_bytes())?),
                false => None,
            };
            let has_same_address = self.keys.identifier()?.is_same(&found.authentication.identifier, &user.identifier);
            // The seed again, sealed under the key of the account that exists.
            let totp = totp.as_ref().map(|seed| key.seal(SealedField::TotpSeed, seed.expose())).transpose()?;
            let completion = Completion { has_same_address, password: hash.clone(), claims: completed, totp };
            let has_password = found.password.is_some();
            Ok::<_, ImportError>(complete_import(&found.authentication, profile, has_password, completion, request.now))
        };
        self.store.decide(&request, decide).await
    }
    /// The next request of this run.
    pub(crate) fn request(&self) -> Result<RequestContext, ImportError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request_id: Result<RequestId, _> = format!("import-{}-{number}", self.run).parse();
        Ok(RequestContext {
            request_id: request_id.map_err(|_| ImportError::InvalidRequestId)?,
            now: Clock::system().now(),
            attempt: 1,
            address_hash: None,
            deadline: Deadline::default(),
        })
    }
}

/// The outcome as a row label in the report.
pub(crate) fn outcome_label(brought: ImportOutcome) -> &'static str {
    match brought {
        ImportOutcome::Imported => "newly imported",
        ImportOutcome::AlreadyHere => "imported before",
        ImportOutcome::Erased => "erased here, and stay erased",
        ImportOutcome::AddressTaken => "skipped, another account here has their e-mail address",
        ImportOutcome::Completed => "imported before, and completed now",
        ImportOutcome::OtherAddress => "imported before, and not completed: their account here has another e-mail address",
        ImportOutcome::FactorNotAdded => {
            "imported before, and their second factor was not added: they have signed in here since"
        }
        ImportOutcome::SubTaken => "skipped, another account here has their sub",
    }
}
