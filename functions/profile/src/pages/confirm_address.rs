//! `/account/confirm-address`: the code from a mail, before the account gets or loses a passkey (security 77).

use super::messages::{changed_address, page_message};
use super::offer;
use crate::address_proof::{self, AddressProofState};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::address_proof::{Proven, Started};
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::locale::{self, FluentValue};
use latchkey::services::Services;
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::{Value, context};

const PAGE: &str = "account/confirm-address";
const PATH: &str = "/account/confirm-address";

/// Where the user continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// `/account/passkeys`
    Passkeys,
    /// `/account/passkeys/new`
    NewPasskey,
    /// `/account/not-me`, about the event with this id.
    NotMe(&'a str),
}

impl<'a> Next<'a> {
    const fn word(self) -> &'static str {
        match self {
            Self::Passkeys => "passkeys",
            Self::NewPasskey => "new-passkey",
            Self::NotMe(_) => "not-me",
        }
    }
    fn path(self) -> String {
        match self {
            Self::Passkeys => "/account/passkeys".to_owned(),
            Self::NewPasskey => "/account/passkeys/new".to_owned(),
            Self::NotMe(event) => format!("/account/not-me?event={event}"),
        }
    }
    fn address(self, page: &AccountPage) -> Result<String, AccountPageError> {
        offer::along(page, &self.path())
    }
    /// The page that it comes from.
    const fn origin(self) -> &'static str {
        match self {
            Self::Passkeys | Self::NewPasskey => "/account/passkeys",
            Self::NotMe(_) => "/account/security",
        }
    }
    fn of(page: &'a AccountPage) -> Result<Self, AccountPageError> {
        let event = page.query.one("event")?.filter(|event| event.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        Ok(match (page.query.one("next")?, event) {
            (Some("new-passkey"), _) => Self::NewPasskey,
            (Some("not-me"), Some(event)) => Self::NotMe(event),
            (_, _) => Self::Passkeys,
        })
    }
}

/// The address of the page that comes before this one. The offer that led to it goes along.
pub(super) fn before(page: &AccountPage, next: Next<'_>) -> Result<String, AccountPageError> {
    let event = match next {
        Next::Passkeys | Next::NewPasskey => None,
        Next::NotMe(event) => Some(("event", event)),
    };
    offer::along(page, &with_query(PATH, std::iter::once(("next", next.word())).chain(event)))
}

#[derive(Default)]
struct Shown {
    error: Option<String>,
    notice: Option<String>,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit_recent(PrincipalParts::Profile).await?;
        if address_proof::state(&page.handle, &admitted.principal)? == AddressProofState::NotNeeded {
            return Ok(page.see_other(&Next::of(&page)?.address(&page)?));
        }
        show(&page, &admitted, StatusCode::OK, Shown::default())
    };
    page.answer(shown.await)
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(take(&services, &page, &form).await)
}

async fn take(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::Profile).await?;
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let shown = Shown { notice: Some(page_message(page, "form-stale")), ..Shown::default() };
            return Ok(Outcome::Expired.tag(show(page, &admitted, StatusCode::FORBIDDEN, shown)?));
        }
        Err(other) => return Err(other),
    }
    let next = Next::of(page)?;
    let Some(code) = form.one("mail_code")? else {
        return match address_proof::start(services, &page.handle, &admitted.presented).await? {
            Started::Waiting => Ok(page.see_other(&before(page, next)?)),
            Started::ChangedAddress { until } => {
                let shown = Shown { notice: Some(changed_address(page, until)), ..Shown::default() };
                Ok(Outcome::Refused.tag(show(page, &admitted, StatusCode::BAD_REQUEST, shown)?))
            }
            Started::TooMany { until } => {
                let wait = until.since(page.handle.now());
                let hours = FluentValue::from((wait.as_seconds() + 3599).div_euclid(3600));
                let notice = Some(locale::message(&page.locale, "two-step-too-many-mails", [("hours", hours)]));
                let values = values(page, &admitted, &Shown { notice, ..Shown::default() })?;
                Ok(page.show_blocked(Section::Security, "account_confirm_address", wait, values))
            }
        };
    };
    let words = match address_proof::prove(&page.handle, &admitted.presented, &code.into()).await? {
        Proven::Proven => return Ok(page.see_other(&next.address(page)?)),
        Proven::Wrong { tries_left } => {
            let left = FluentValue::from(i64::from(tries_left));
            locale::message(&page.locale, "recover-code-wrong", [("left", left)])
        }
        Proven::Over => page_message(page, "two-step-mail-over"),
    };
    let admitted = page.admit_recent(PrincipalParts::Profile).await?;
    let shown = Shown { error: Some(words), ..Shown::default() };
    Ok(Outcome::WrongCredentials.tag(show(page, &admitted, StatusCode::BAD_REQUEST, shown)?))
}

fn show(page: &AccountPage, admitted: &AdmittedUser, status: StatusCode, shown: Shown) -> Result<Response, AccountPageError> {
    Ok(offer::show(page, Section::Security, "account_confirm_address", status, values(page, admitted, &shown)?))
}

fn values(page: &AccountPage, admitted: &AdmittedUser, shown: &Shown) -> Result<Value, AccountPageError> {
    let (claims, _) = admitted.principal.claims(&page.handle)?;
    let waits = address_proof::state(&page.handle, &admitted.principal)? == AddressProofState::Waiting;
    let back = offer::end(page, Next::of(page)?.origin())?;
    Ok(context! {
        email => claims.0.get("email").and_then(serde_json::Value::as_str),
        waits_for_mail => waits,
        error => shown.error.clone(),
        notice => shown.notice.clone(),
        back,
        anti_forgery => page.anti_forgery(PAGE, admitted),
    })
}
