//! Places and lifts a legal hold by the account's address. Neither the address nor the account is logged.

use crate::command::HoldRequest;
use crate::{Retention, RetentionError};
use latchkey::context::Deadline;
use latchkey::domain::account::AccountState;
use latchkey::domain::change::Decision;
use latchkey::domain::erasure::{Hold, lift_hold, place_hold};
use latchkey::domain::identifier::EmailAddress;
use latchkey::store::{DecideError, StoreError};
use serde_json::{Value, json};

/// Protects an account from erasure.
pub(crate) async fn place(job: &Retention, named: HoldRequest, deadline: Deadline) -> Result<Value, RetentionError> {
    let now = job.services.clock.now();
    let decided = decide(job, &named, deadline, |account| place_hold(account, now)).await?;
    Ok(answer("hold", &named, decided, "held"))
}

/// Allows the erasure again.
pub(crate) async fn lift(job: &Retention, named: HoldRequest, deadline: Deadline) -> Result<Value, RetentionError> {
    let decided = decide(job, &named, deadline, lift_hold).await?;
    Ok(answer("release", &named, decided, "released"))
}

/// The result. `None` if the address has no account.
async fn decide(
    job: &Retention,
    named: &HoldRequest,
    deadline: Deadline,
    rule: impl Fn(&AccountState) -> Decision<Hold>,
) -> Result<Option<Hold>, RetentionError> {
    let address = EmailAddress::parse(&named.email)
        .map_err(|_| RetentionError::Refused("\"email\" is not an e-mail address".to_owned()))?;
    let tenant = job.services.tenant(&named.tenant).await?;
    let identifier = tenant.keys.identifier()?.hash_email(&address);
    let request = job.request(deadline)?;
    let (store, rule) = (&tenant.store, &rule);
    let decided = store.decide(&request, || async move {
        let Some(account) = store.find_account(&identifier).await? else { return Ok(Decision::unchanged(None)) };
        let Some(authentication) = store.find_authentication(account).await? else { return Ok(Decision::unchanged(None)) };
        let Decision { changes, outcome } = rule(&authentication);
        Ok::<_, StoreError>(Decision { changes, outcome: Some(outcome) })
    });
    match decided.await {
        Ok(outcome) => Ok(outcome),
        Err(DecideError::Busy | DecideError::LimitReached) => Err(RetentionError::Busy),
        Err(DecideError::Store(error) | DecideError::Decide(error)) => Err(error.into()),
    }
}

fn answer(job: &str, named: &HoldRequest, decided: Option<Hold>, done: &str) -> Value {
    let (status, changed) = match decided {
        Some(Hold::Placed | Hold::Lifted) => (done, true),
        Some(Hold::Unchanged) => (done, false),
        Some(Hold::Erased) | None => ("no_account", false),
    };
    tracing::info!(job, tenant = %named.tenant, status, changed, "legal hold");
    json!({ "job": job, "tenant": named.tenant, "status": status, "changed": changed })
}
