//! The user migration trigger of a user pool (reverse migration): the pool calls it for users that it does not know.
//!
//! | `triggerSource` | meaning | answer |
//! |---|---|---|
//! | `UserMigration_Authentication` | a user signs in at the pool | the user's attributes, confirmed, if the password is correct here |
//! | `UserMigration_ForgotPassword` | a user of the pool requests a new password | the user's attributes, if the address has an account; the pool mails the code |
//!
//! For a refused user the event is returned unchanged, and the pool answers that the user does not exist. Any other event is an error, and
//! so is a failure. A password guess counts as a sign-in of the funnel, like one on the sign-in page. The password is never logged.

use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::change::Decision;
use latchkey::domain::credential::MAX_PASSWORD_BYTES;
use latchkey::domain::id::{AccountId, InvalidId, RequestId, TenantId};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::profile::Claims;
use latchkey::domain::reverse_migration::{ReverseMigrationOutcome, attributes, check_forwarded_password, opens_by_password};
use latchkey::domain::secret::SecretText;
use latchkey::domain::sign_in::methods::password::{PasswordVerdict, Subject};
use latchkey::domain::tenant::ReverseMigrationConfig;
use latchkey::domain::time::Timestamp;
use latchkey::keys::password::{HashMemo, HasherBusy};
use latchkey::keys::{KeyError, SealedField};
use latchkey::purpose::Purpose;
use latchkey::services::{Services, Tenant, TenantError};
use latchkey::store::account::SignInSnapshot;
use latchkey::store::{DecideError, StoreError};
use latchkey::web::funnel::{Method, Outcome, Step};
use latchkey::web::problem::chain;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The keys of this function: it finds users by their address, and decrypts their attributes.
pub const PURPOSES: &[Purpose] = &[Purpose::Identifier, Purpose::Data];

/// The function and its dependencies. Clones are inexpensive.
#[derive(Clone)]
pub struct Migration {
    services: Services,
    tenant: TenantId,
}

/// The error that the pool gets, and shows to the user. The cause is in the log only: it would not help the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not possible just now, please try again later")]
pub struct TryAgainLater;

/// Why the pool gets no answer.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The event is not from the migration trigger of this pool.
    #[error("{0}")]
    Refused(&'static str),
    /// The tenant cannot be loaded.
    #[error("the tenant could not be loaded")]
    Tenant(#[from] TenantError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The keys failed.
    #[error("the keys failed")]
    Keys(#[from] KeyError),
    /// Too many passwords are being hashed concurrently.
    #[error("too many passwords are being hashed")]
    Hasher(#[from] HasherBusy),
    /// The request id is invalid.
    #[error("the request has no valid id")]
    Id(#[from] InvalidId),
    /// Too many concurrent changes.
    #[error("concurrent changes won at every attempt")]
    Busy,
    /// Decrypted data is malformed.
    #[error("a profile is malformed")]
    Profile,
}

impl From<DecideError<MigrationError>> for MigrationError {
    fn from(error: DecideError<MigrationError>) -> Self {
        match error {
            DecideError::Busy | DecideError::LimitReached => Self::Busy,
            DecideError::Store(error) => Self::Store(error),
            DecideError::Decide(error) => error,
        }
    }
}

/// The request of the pool.
enum TriggerRequest {
    /// Check this password.
    Authentication(SecretText),
    /// Start a password reset.
    ForgotPassword,
}

impl Migration {
    /// The function for the users of one tenant.
    #[must_use]
    pub fn new(services: Services, tenant: TenantId) -> Self {
        Self { services, tenant }
    }

    /// As [`Self::handle`], for the pool. Logs the cause of a failure.
    ///
    /// # Errors
    /// As [`Self::handle`].
    pub async fn answer(&self, event: Value, request_id: &str, deadline: Deadline) -> Result<Value, TryAgainLater> {
        self.handle(event, request_id, deadline).await.map_err(|error| {
            tracing::error!(request_id, error = chain(&error), "the user pool gets no answer");
            TryAgainLater
        })
    }

    /// Answers one event of the trigger: the same event, with its `response` filled in if the user may migrate.
    ///
    /// # Errors
    /// If the event is not from the pool of the tenant's document, or something failed.
    pub async fn handle(&self, mut event: Value, request_id: &str, deadline: Deadline) -> Result<Value, MigrationError> {
        let trigger = read(&mut event)?;
        let tenant = self.services.tenant(&self.tenant).await?;
        let config = tenant.config.reverse_migration.as_ref();
        let config =
            config.ok_or(MigrationError::Refused("the tenant's document has no [handover], so no user can migrate"))?;
        if event["userPoolId"] != config.user_pool_id.as_str() {
            return Err(MigrationError::Refused("another user pool than the one of [handover] asks"));
        }
        let email = event["userName"].as_str().and_then(|name| EmailAddress::parse(name).ok());
        let Some(email) = email.filter(|_| trigger.can_match()) else { return Ok(event) };
        let request = RequestContext {
            request_id: request_id.parse::<RequestId>()?,
            now: self.services.clock.now(),
            attempt: 1,
            address_hash: None,
            deadline,
        };
        let (found, source, counted) = match &trigger {
            TriggerRequest::Authentication(password) => {
                let (outcome, account) = self.authenticate(&tenant, &email, password, &request).await?;
                (account, "authentication", Some(funnel_outcome(outcome)))
            }
            TriggerRequest::ForgotPassword => {
                let identifier = tenant.keys.identifier()?.hash_email(&email);
                (tenant.store.find_account(&identifier).await?, "forgot_password", None)
            }
        };
        let goes = match found {
            Some(account) => self.attributes(&tenant, config, &email, account, request.now).await?,
            None => None,
        };
        tracing::info!(
            source,
            goes = goes.is_some(),
            // A field without a value is omitted.
            step = counted.map(|_| Step::SignIn.as_str()),
            method = counted.map(|_| Method::Password.as_str()),
            outcome = counted.map(Outcome::as_str),
            Steps = counted.map(|_| 1_u64),
            at = counted.map(|_| request.now.millis()),
            "the user pool asked for a user"
        );
        if let Some(attributes) = goes {
            // Send no message: for the user nothing has changed.
            let mut response = json!({ "userAttributes": attributes, "messageAction": "SUPPRESS" });
            if matches!(trigger, TriggerRequest::Authentication(_)) {
                response["finalUserStatus"] = json!("CONFIRMED");
            }
            event["response"] = response;
        }
        Ok(event)
    }

    /// The result of the password check, and the account.
    async fn authenticate(
        &self,
        tenant: &Tenant,
        email: &EmailAddress,
        password: &SecretText,
        request: &RequestContext,
    ) -> Result<(ReverseMigrationOutcome, Option<AccountId>), MigrationError> {
        let identifier = tenant.keys.identifier()?.hash_email(email);
        // Expensive. The result stays valid after a conflict, unless the password was changed meanwhile.
        let compared = HashMemo::default();
        let decided = tenant.store.decide(request, || async {
            let snapshot = tenant.store.find_sign_in(&identifier).await?;
            let (subject, account) = match &snapshot {
                SignInSnapshot::Known { authentication, password, .. } => {
                    let subject = Subject::Known { authentication, password: password.as_ref(), device: None };
                    (subject, Some(authentication.account))
                }
                SignInSnapshot::Unknown { failures } => (Subject::Unknown { identifier, failures: failures.as_ref() }, None),
            };
            if subject.blocked_for(request.now).is_some() {
                return Ok::<_, MigrationError>(Decision::unchanged((ReverseMigrationOutcome::Blocked, None)));
            }
            let stored = subject.password_hash();
            let computation = self.services.hasher.is_right(password, stored);
            let is_right = compared.get_or_compute(stored.cloned(), computation).await?;
            let verdict = if is_right { PasswordVerdict::Right } else { PasswordVerdict::Wrong };
            let Decision { changes, outcome } =
                check_forwarded_password(subject, &verdict, tenant.config.sign_in.second_factor, request.now);
            Ok(Decision { changes, outcome: (outcome, account.filter(|_| outcome == ReverseMigrationOutcome::Right)) })
        });
        Ok(decided.await?)
    }

    /// The user's attributes. `None` if the account is closed, or needs two factors.
    async fn attributes(
        &self,
        tenant: &Tenant,
        config: &ReverseMigrationConfig,
        email: &EmailAddress,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Option<BTreeMap<String, String>>, MigrationError> {
        let Some(found) = tenant.store.find_profile(account).await? else { return Ok(None) };
        // A user with two factors stays here: the pool would ask for one.
        let account = &found.authentication;
        if !account.is_active() || !opens_by_password(account, tenant.config.sign_in.second_factor, now) {
            return Ok(None);
        }
        let key = tenant.keys.data()?.unwrap(&found.data_key)?;
        let opened = key.open(SealedField::Profile, &found.profile.claims)?;
        let claims: Map<String, Value> = serde_json::from_slice(&opened).map_err(|_| MigrationError::Profile)?;
        let fields = &tenant.config.registration.fields;
        Ok(Some(attributes(config, fields, email, found.authentication.sub, &Claims(claims))))
    }
}

impl TriggerRequest {
    /// An empty or overlong password can never match. It is not hashed, and does not count as a failure.
    fn can_match(&self) -> bool {
        match self {
            Self::Authentication(password) => (1..=MAX_PASSWORD_BYTES).contains(&password.expose().len()),
            Self::ForgotPassword => true,
        }
    }
}

/// The outcome as the sign-in page counts it.
const fn funnel_outcome(outcome: ReverseMigrationOutcome) -> Outcome {
    match outcome {
        ReverseMigrationOutcome::Right => Outcome::Succeeded,
        ReverseMigrationOutcome::Refused => Outcome::WrongCredentials,
        ReverseMigrationOutcome::Blocked => Outcome::Locked,
    }
}

/// Reads the request. The password is removed from the event, which is sent back without it.
fn read(event: &mut Value) -> Result<TriggerRequest, MigrationError> {
    match event["triggerSource"].as_str() {
        Some("UserMigration_Authentication") => {
            let password = event["request"]["password"].take();
            let password = password.as_str().map(|text| TriggerRequest::Authentication(SecretText::from(text)));
            password.ok_or(MigrationError::Refused("the event has no password"))
        }
        Some("UserMigration_ForgotPassword") => Ok(TriggerRequest::ForgotPassword),
        Some(_) | None => Err(MigrationError::Refused("not an event of a user migration trigger")),
    }
}
