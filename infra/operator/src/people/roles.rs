//! `latchkey people roles`: shows and changes the roles of one user.

use crate::command_error::{CommandError, causes};
use crate::target::{TargetOptions, document, tenant};
use crate::terminal::say;
use data_encoding::BASE32_NOPAD;
use latchkey::context::{Clock, Deadline, Random, RequestContext};
use latchkey::domain::change::Decision;
use latchkey::domain::id::{RequestId, TenantId};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::roles::{MAX_ROLES, Role, RolesChanged, change_roles};
use latchkey::keys::Keys;
use latchkey::purpose::Purpose;
use latchkey::store::{DecideError, StoreError, TenantStore};

/// The user, and the changes.
#[derive(Debug, clap::Args)]
pub(crate) struct Roles {
    /// The user's e-mail address. It is not stored or logged
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: EmailAddress,
    /// A role to add: 1 to 20 of A-Z a-z 0-9 . _ : -
    #[arg(long, value_name = "ROLE", value_parser = role)]
    give: Vec<Role>,
    /// A role to remove
    #[arg(long, value_name = "ROLE", value_parser = role)]
    take: Vec<Role>,
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

pub(super) fn email(text: &str) -> Result<EmailAddress, &'static str> {
    EmailAddress::parse(text).map_err(|_| "must be an e-mail address")
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error: latchkey::domain::roles::InvalidRole| error.to_string())
}

/// Runs the command.
pub(super) async fn run(roles: &Roles) -> Result<(), CommandError> {
    let target = roles.target.open().await?;
    let store = target.store.tenant(roles.tenant.clone());
    let config = document(&store).await?;
    let now = Clock::system().now();
    let keys = Keys::new(target.vault()?, &[Purpose::Identifier]).tenant(&store, config.keys.signer, now).await;
    let keys = keys.map_err(|error| CommandError::caused_by("the tenant's keys could not be opened", &error))?;
    let hashed = keys.identifier().map(|identifiers| identifiers.hash_email(&roles.email));
    let identifier = hashed.map_err(|error| CommandError::caused_by("the tenant's keys could not be opened", &error))?;
    let store = keys.bind(store);
    let request = request_context()?;
    let changed = store.decide(&request, || async {
        let found = match store.find_account(&identifier).await? {
            Some(account) => store.find_authentication(account).await?,
            None => None,
        };
        let Some(authentication) = found else { return Ok::<_, StoreError>(Decision::unchanged(None)) };
        let Decision { changes, outcome } = change_roles(&authentication, &roles.give, &roles.take);
        Ok(Decision { changes, outcome: Some(outcome) })
    });
    let told = match changed.await.map_err(|error| write_error(&error))? {
        None | Some(RolesChanged::Erased) => return Err(CommandError::new("no account has this e-mail address")),
        Some(RolesChanged::TooMany) => {
            return Err(CommandError::new(format!(
                "one account has at most {MAX_ROLES} roles; remove one in the same command"
            )));
        }
        Some(RolesChanged::Changed(roles)) if roles.is_empty() => "the user now has no roles\n".to_owned(),
        Some(RolesChanged::Unchanged(roles)) if roles.is_empty() => "the user has no roles\n".to_owned(),
        Some(RolesChanged::Changed(roles)) => format!("the user's roles are now: {roles}\n"),
        Some(RolesChanged::Unchanged(roles)) => format!("the user's roles: {roles}\n"),
    };
    say(&told)
}

/// Assigns one role to the account of an external identity. Returns whether the account did not have it before.
pub(crate) async fn assign_role(
    store: &TenantStore,
    account: latchkey::domain::id::AccountId,
    role: &Role,
) -> Result<Option<RolesChanged>, CommandError> {
    let request = request_context()?;
    let given = std::slice::from_ref(role);
    let changed = store.decide(&request, || async {
        let found = store.find_authentication(account).await?;
        let Some(authentication) = found else { return Ok::<_, StoreError>(Decision::unchanged(None)) };
        let Decision { changes, outcome } = change_roles(&authentication, given, &[]);
        Ok(Decision { changes, outcome: Some(outcome) })
    });
    changed.await.map_err(|error| write_error(&error))
}

fn write_error(error: &DecideError<StoreError>) -> CommandError {
    CommandError::new(format!("the roles could not be written: {}", causes(error)))
}

pub(super) fn request_context() -> Result<RequestContext, CommandError> {
    let request_id = format!("people-{}", BASE32_NOPAD.encode(&Random.bytes::<10>()));
    Ok(RequestContext {
        request_id: request_id
            .parse::<RequestId>()
            .map_err(|error| CommandError::caused_by("the request has no name", &error))?,
        now: Clock::system().now(),
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    })
}
