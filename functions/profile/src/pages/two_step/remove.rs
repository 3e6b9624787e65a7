//! `/account/two-step/remove`: removes the authenticator app.

use super::{PATH, stale, too_many};
use crate::second_factor;
use axum::response::Response;
use http::StatusCode;
use latchkey::domain::second_factor::TotpRemoved;
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::{Value, context};

const PAGE: &str = "account/two-step/remove";
const TEMPLATE: &str = "account_two_step_remove";

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
        let is_last = second_factor::is_app_last_factor(&page.handle, admitted.principal.authentication()).await?;
        if admitted.principal.authentication().factors.totp.is_none() {
            return Ok(page.see_other(PATH));
        }
        Ok(page.show(Section::Security, TEMPLATE, StatusCode::OK, values(&page, &admitted, is_last, None)))
    };
    page.answer(shown.await)
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(take(&page, &form).await)
}

async fn take(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
    let is_last = second_factor::is_app_last_factor(&page.handle, admitted.principal.authentication()).await?;
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let values = values(page, &admitted, is_last, Some(stale(page)));
            return Ok(Outcome::Expired.tag(page.show(Section::Security, TEMPLATE, StatusCode::FORBIDDEN, values)));
        }
        Err(other) => return Err(other),
    }
    match second_factor::remove(&page.handle, &admitted.presented).await? {
        TotpRemoved::Removed => Ok(page.see_done(PATH, "app-removed")),
        TotpRemoved::TooMany { until } => {
            let values = values(page, &admitted, is_last, Some(too_many(page, until)));
            Ok(page.show_blocked(Section::Security, TEMPLATE, until.since(page.handle.now()), values))
        }
    }
}

fn values(page: &AccountPage, admitted: &AdmittedUser, is_last: bool, notice: Option<String>) -> Value {
    context! {
        // Without another factor the account is no longer protected.
        is_last,
        notice,
        back => page.path(PATH),
        anti_forgery => page.anti_forgery(PAGE, admitted),
    }
}
