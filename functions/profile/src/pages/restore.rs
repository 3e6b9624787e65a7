//! `/account/restore`: the mailed link of a closed account, and the code of the same mail. It works in any browser. Without the code nothing
//! changes: mail scanners open links and press buttons (security 94).

use super::messages::page_message;
use crate::deletion::{self, LinkState, RestoreOutcome};
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::secret::SecretText;
use latchkey::locale;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params};
use minijinja::context;

const PAGE: &str = "account/restore";

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let token = token(&page)?;
        show(&page, &token, StatusCode::OK, &Shown::default()).await
    };
    page.answer(shown.await)
}

fn token(page: &AccountPage) -> Result<SecretText, AccountPageError> {
    Ok(page.query.one("token")?.unwrap_or_default().into())
}

/// What the form shows besides the state of the link.
#[derive(Default)]
struct Shown<'s> {
    code: &'s str,
    error: Option<String>,
    notice: Option<String>,
}

async fn show(
    page: &AccountPage,
    token: &SecretText,
    status: StatusCode,
    shown: &Shown<'_>,
) -> Result<Response, AccountPageError> {
    Ok(match deletion::link_state(&page.handle, token).await? {
        LinkState::Open { due } => {
            let values = context! {
                until => locale::date(&page.locale, due),
                code => shown.code,
                error => &shown.error,
                notice => &shown.notice,
                recover => page.path("/recover"),
                anti_forgery => page.browser.anti_forgery(&page.handle.tenant, PAGE, token.expose()),
            };
            page.plain("account_restore", status, values)
        }
        LinkState::Done => page.plain("account_restored", StatusCode::OK, context! { sign_in => page.path("/login") }),
        LinkState::Over => link_expired(page),
    })
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(restore(&page, &form).await)
}

async fn restore(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let token = token(page)?;
    let value = form.one(ANTI_FORGERY_FIELD)?;
    let typed = form.one("code")?.unwrap_or_default();
    if page.browser.check_kept_form(&page.handle.tenant, PAGE, token.expose(), value)? == FormOrigin::Stale {
        let shown = Shown { code: typed, notice: Some(page_message(page, "form-stale")), error: None };
        return Ok(Outcome::Expired.tag(show(page, &token, StatusCode::FORBIDDEN, &shown).await?));
    }
    let code = typed.into();
    let done = format!("/{PAGE}?token={}", token.expose());
    match deletion::restore(&page.handle, &token, &code).await? {
        RestoreOutcome::Restored => Ok(page.see_other(&done)),
        // A second click shows the same page: it is done.
        RestoreOutcome::AlreadyOpen => Ok(Outcome::Expired.tag(page.see_other(&done))),
        RestoreOutcome::WrongCode => {
            let shown = Shown { error: Some(page_message(page, "account-mail-code-wrong")), ..Shown::default() };
            Ok(Outcome::WrongCredentials.tag(show(page, &token, StatusCode::BAD_REQUEST, &shown).await?))
        }
        RestoreOutcome::Over => Ok(link_expired(page)),
    }
}

fn link_expired(page: &AccountPage) -> Response {
    page.plain("account_link_over", StatusCode::GONE, context! { account => page.path("/account") })
}
