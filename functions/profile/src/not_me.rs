//! "This wasn't me": secures the account after an event that was not the user's (security 156). See [`latchkey::domain::not_me`].
//!
//! 1. A signed-in user names an event of the history. A mailed link names the account and the time of its event.
//! 2. The code of the mail is compared. A wrong one changes nothing. It is not counted: the link is sealed, and the code has 50 bits.
//! 3. One transaction ends every session and grant, makes the second factors those of before, and replaces the password by a random one.

use crate::CommandError;
use latchkey::domain::audit::EventKind;
use latchkey::domain::change::Decision;
use latchkey::domain::email_undo::StoredFactors;
use latchkey::domain::id::AccountId;
use latchkey::domain::not_me::{self, Report, Reported, Reporter};
use latchkey::domain::passkey::Passkey;
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::Timestamp;
use latchkey::keys::AccountLink;
use latchkey::keys::password::HashMemo;
use latchkey::services::Services;
use latchkey::store::principal::{PrincipalQuery, PrincipalSnapshot};
use latchkey::web::{AccountCredential, PrincipalParts, TenantHandle};

/// An event of the history that can be reported.
#[derive(Debug, Clone, Copy)]
pub struct ReportableEvent {
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
}

/// What authorizes a report.
#[derive(Clone, Copy)]
pub enum Authority<'a> {
    /// A signed-in user, and the time of an event of the account.
    Session(&'a AccountCredential, Timestamp),
    /// The token of a mailed link.
    Link(&'a SecretText),
}

/// The event of this account with this id, if it can be reported.
///
/// # Errors
/// If the store fails.
pub async fn find_event(handle: &TenantHandle, account: AccountId, id: &str) -> Result<Option<ReportableEvent>, CommandError> {
    let event = handle.tenant.store.find_event(account, id).await?;
    let event = event.filter(|event| not_me::can_be_reported(event.kind));
    Ok(event.map(|event| ReportableEvent { kind: event.kind, at: event.at }))
}

/// When the event of a link happened. The account is not read.
///
/// # Errors
/// If a key fails.
pub fn event_of_link(handle: &TenantHandle, token: &SecretText) -> Result<Option<(AccountId, Timestamp)>, CommandError> {
    let link = handle.tenant.keys.open_event_link(AccountLink::NotMe, token)?;
    Ok(link.map(|link| (link.account, link.at)))
}

/// What a report would do now.
///
/// # Errors
/// If the user is no longer signed in, or not recently, or something failed.
pub async fn outlook(handle: &TenantHandle, authority: Authority<'_>) -> Result<Reported, CommandError> {
    let Some(loaded) = Loaded::load(handle, authority).await? else { return Ok(Reported::Over) };
    Ok(not_me::outlook(&loaded.report(authority)?, handle.now()))
}

/// The result of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    /// The code is not that of the mail. Nothing was written.
    WrongCode,
    /// What was decided.
    Reported(Reported),
}

/// Makes the report. `code` is compared if a link authorizes it.
///
/// # Errors
/// As [`outlook`].
pub async fn report(
    services: &Services,
    handle: &TenantHandle,
    authority: Authority<'_>,
    code: &SecretText,
) -> Result<ReportOutcome, CommandError> {
    if let Authority::Link(token) = authority {
        let keys = handle.tenant.keys.proof()?;
        let Some(link) = handle.tenant.keys.open_event_link(AccountLink::NotMe, token)? else {
            return Ok(ReportOutcome::Reported(Reported::Over));
        };
        if !keys.matches_account_code(AccountLink::NotMe, link.account, &link.seed, code)? {
            return Ok(ReportOutcome::WrongCode);
        }
    }
    let unknown = SecretText::from(data_encoding::BASE64URL_NOPAD.encode(&services.random.bytes::<32>()));
    let hash = HashMemo::default();
    let decide = || async {
        let Some(loaded) = Loaded::load(handle, authority).await? else {
            return Ok::<_, CommandError>(Decision::unchanged(Reported::Over));
        };
        let report = loaded.report(authority)?;
        let outlook = not_me::outlook(&report, handle.now());
        if outlook != Reported::Done {
            return Ok(Decision::unchanged(outlook));
        }
        let unknown = hash.get_or_compute((), services.hasher.hash(&unknown)).await?;
        Ok(not_me::report(&report, unknown, handle.now()))
    };
    Ok(ReportOutcome::Reported(handle.tenant.store.decide(&handle.request, decide).await?))
}

/// An account with everything that a report changes.
struct Loaded {
    snapshot: PrincipalSnapshot,
    passkeys: Vec<Passkey>,
    since: Timestamp,
}

impl Loaded {
    async fn load(handle: &TenantHandle, authority: Authority<'_>) -> Result<Option<Self>, CommandError> {
        let (snapshot, since) = match authority {
            Authority::Session(presented, since) => {
                let loaded = presented.load(handle, PrincipalParts::Everything).await?;
                let principal = loaded.ok_or(CommandError::SignedOut)?;
                principal.require_recent(handle.now())?;
                (Some(principal.snapshot), since)
            }
            Authority::Link(token) => {
                let Some((account, since)) = event_of_link(handle, token)? else { return Ok(None) };
                let query =
                    PrincipalQuery { account, session: None, grant: None, profile: true, password: true, second_factors: true };
                (handle.tenant.store.find_principal(query).await?, since)
            }
        };
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.profile.is_some()) else { return Ok(None) };
        let passkeys = handle.tenant.store.find_passkeys(snapshot.authentication.account).await?;
        Ok(Some(Self { snapshot, passkeys, since }))
    }

    fn report(&self, authority: Authority<'_>) -> Result<Report<'_>, CommandError> {
        let Self { snapshot, passkeys, since } = self;
        let by = match authority {
            Authority::Session(..) => Reporter::Session(snapshot.session.as_ref().ok_or(CommandError::SignedOut)?),
            Authority::Link(_) => Reporter::Mail,
        };
        Ok(Report {
            account: &snapshot.authentication,
            profile: snapshot.profile.as_ref().ok_or(CommandError::SignedOut)?,
            password: snapshot.password.as_ref(),
            factors: StoredFactors { totp: snapshot.totp.as_ref(), codes: snapshot.recovery_codes.as_ref(), passkeys },
            since: *since,
            by,
        })
    }
}
