//! `latchkey people second-step`: shows and removes the second step of one user's sign-in, unlocks it, and shortens the delay of its removal.

use super::roles::{email, request_context};
use crate::command_error::{CommandError, causes};
use crate::target::{TargetOptions, document, tenant};
use crate::terminal::say;
use latchkey::context::Clock;
use latchkey::domain::account::AccountState;
use latchkey::domain::change::Decision;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::lost_factor::{Shortened, pending, shorten};
use latchkey::domain::second_factor::reset::{Helped, reset_second_steps, unlock_second_steps};
use latchkey::domain::sign_in::factors::SecondStepsBlocked;
use latchkey::keys::Keys;
use latchkey::purpose::Purpose;
use latchkey::store::principal::PrincipalQuery;
use latchkey::store::{DecideError, StoreError};

/// The user, and what to do.
#[derive(Debug, clap::Args)]
pub(crate) struct SecondStep {
    /// The user's e-mail address. It is not stored or logged
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: EmailAddress,
    /// Removes the authenticator app and the recovery codes. Make sure who asks: afterwards the account opens by its password alone. All
    /// sessions end, and the user is told by mail
    #[arg(long, conflicts_with = "unlock")]
    remove: bool,
    /// Lets codes be tried again after too many wrong ones
    #[arg(long)]
    unlock: bool,
    /// Shortens the delay of a running request to remove lost factors: to this many hours from the request, and at least 12 from now. Make sure
    /// who asks. The user is told by mail, and can still cancel
    #[arg(long, value_name = "HOURS", num_args = 0..=1, default_missing_value = "24", conflicts_with_all = ["remove", "unlock"], value_parser = clap::value_parser!(u8).range(24..=71))]
    shorten: Option<u8>,
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

/// Runs the command.
pub(super) async fn run(user: &SecondStep) -> Result<(), CommandError> {
    let target = user.target.open().await?;
    let store = target.store.tenant(user.tenant.clone());
    let config = document(&store).await?;
    let now = Clock::system().now();
    let keys = Keys::new(target.vault()?, &[Purpose::Identifier]).tenant(&store, config.keys.signer, now).await;
    let keys = keys.map_err(|error| unopened(&error))?;
    let identifier =
        keys.identifier().map(|identifiers| identifiers.hash_email(&user.email)).map_err(|error| unopened(&error))?;
    let store = keys.bind(store);
    let request = request_context()?;
    let decided = store.decide(&request, || async {
        let Some(account) = store.find_account(&identifier).await? else {
            return Ok::<_, StoreError>(Decision::unchanged(None));
        };
        let query =
            PrincipalQuery { account, session: None, grant: None, profile: false, password: false, second_factors: true };
        let Some(found) = store.find_principal(query).await? else { return Ok(Decision::unchanged(None)) };
        let state = &found.authentication;
        if let Some(hours) = user.shorten {
            let Decision { changes, outcome } = shorten(state, hours, now);
            return Ok(Decision { changes, outcome: Some((Outcome::Shortened(outcome), state.clone())) });
        }
        let Decision { changes, outcome } = match (user.remove, user.unlock) {
            (true, _) => reset_second_steps(state, found.totp.as_ref(), found.recovery_codes.as_ref(), now),
            (false, true) => unlock_second_steps(state),
            (false, false) => Decision::unchanged(Helped::Unchanged),
        };
        Ok(Decision { changes, outcome: Some((Outcome::Helped(outcome), state.clone())) })
    });
    let decided: Result<_, DecideError<StoreError>> = decided.await;
    let decided = decided.map_err(|error| CommandError::new(format!("nothing was changed: {}", causes(&error))))?;
    let told = match (decided, user.remove) {
        (None | Some((Outcome::Helped(Helped::Erased), _)), _) => {
            return Err(CommandError::new("no account has this e-mail address"));
        }
        (Some((Outcome::Shortened(shortened), _)), _) => told_of(shortened)?,
        (Some((Outcome::Helped(Helped::Done), _)), true) => {
            "the app and the recovery codes are removed; all sessions have ended, and the user is told by mail\n".to_owned()
        }
        (Some((Outcome::Helped(Helped::Done), _)), false) => "codes are accepted again\n".to_owned(),
        (Some((Outcome::Helped(Helped::Unchanged), _)), true) => "the user has no second step\n".to_owned(),
        (Some((Outcome::Helped(Helped::Unchanged), state)), false) => shown(&state),
    };
    say(&told)
}

/// What became of the request.
enum Outcome {
    Helped(Helped),
    Shortened(Shortened),
}

fn told_of(shortened: Shortened) -> Result<String, CommandError> {
    match shortened {
        Shortened::To(due) => {
            Ok(format!("the second step can be removed from {due}; the user is told by mail, and can still cancel\n"))
        }
        Shortened::Already(due) => Ok(format!(
            "nothing was changed: the second step can be removed from {due}, and not earlier: the user needs 24 hours after the request, \
             and 12 hours after this command\n"
        )),
        Shortened::NoRequest => Err(CommandError::new(
            "nothing was changed: no request to remove lost factors is running. The user starts one at the second step of a sign-in, where the \
             tenant document allows it (lost_factor = \"delay\"); or it was cancelled, or is over",
        )),
    }
}

fn unopened(error: &dyn std::error::Error) -> CommandError {
    CommandError::caused_by("the tenant's keys could not be opened", error)
}

/// What the user has.
fn shown(state: &AccountState) -> String {
    let now = Clock::system().now();
    let factors = state.factors;
    let app = if factors.totp.is_some() { "on" } else { "off" };
    let locked = match factors.blocked(now) {
        None => String::new(),
        Some(SecondStepsBlocked::For(wait)) => format!("\ncodes wait {} seconds after wrong ones", wait.as_seconds()),
        Some(SecondStepsBlocked::Locked) => {
            "\ncodes are locked after too many wrong ones: --unlock, once you know who asks".to_owned()
        }
    };
    let removal = match pending(state, now) {
        None => String::new(),
        Some(request) => format!("\nremoval requested {}, possible from {}", request.asked_at, request.due_at()),
    };
    format!(
        "authenticator app: {app}\nrecovery codes left: {}\npasskeys: {}{locked}{removal}\n",
        factors.recovery_codes, factors.passkeys
    )
}
