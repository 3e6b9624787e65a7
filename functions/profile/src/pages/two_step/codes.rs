//! `/account/two-step/codes`: shows new recovery codes once, asks for one of them, and makes new ones.

use super::{CODES, FILE, PATH, shown_codes, stale, too_many};
use crate::pages::messages::page_message;
use crate::pages::offer;
use crate::second_factor;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use latchkey::domain::second_factor::{CodesRenewed, has_codes};
use latchkey::domain::secret::SecretText;
use latchkey::locale::{self, FluentValue};
use latchkey::services::Services;
use latchkey::web::funnel::Outcome;
use latchkey::web::{AccountPage, AccountPageError, AdmittedUser, FormBody, Params, PrincipalParts, Section};
use minijinja::context;
use std::collections::BTreeMap;

const PAGE: &str = "account/two-step/codes";

#[derive(Default)]
struct Shown<'s> {
    /// The sealed codes.
    sealed: Option<&'s str>,
    errors: BTreeMap<&'static str, String>,
    notice: Option<String>,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
        let sealed = page.query.one(shown_codes::PARAMETER)?;
        show(&page, &admitted, StatusCode::OK, Shown { sealed, ..Shown::default() })
    };
    page.answer(shown.await)
}

/// `/account/two-step/codes/file`: the same codes as a text file.
pub(crate) async fn file(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
        let sealed = page.query.one(shown_codes::PARAMETER)?;
        let Some(codes) = shown_codes::open(&page, &admitted, sealed)? else { return Ok(page.see_other(CODES)) };
        let name = page.handle.tenant.config.name.get(&page.locale);
        let made = locale::date(&page.locale, page.handle.now());
        let arguments = [("tenant", FluentValue::from(name)), ("date", made.into())];
        let mut text = locale::message(&page.locale, "recovery-codes-file", arguments);
        for code in codes {
            text.push_str("\r\n");
            text.push_str(&code);
        }
        text.push_str("\r\n");
        let headers =
            [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CONTENT_DISPOSITION, "attachment; filename=\"recovery-codes.txt\"")];
        Ok(page.browser.answer((headers, text).into_response()))
    };
    page.answer(shown.await)
}

pub(crate) async fn post(State(services): State<Services>, page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(take(&services, &page, &form).await)
}

async fn take(services: &Services, page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit_recent(PrincipalParts::SecondFactors).await?;
    let sealed = form.one(shown_codes::PARAMETER)?;
    match page.check_form(PAGE, &admitted, form) {
        Ok(()) => {}
        Err(AccountPageError::Stale) => {
            let shown = Shown { sealed, notice: Some(stale(page)), ..Shown::default() };
            return Ok(Outcome::Expired.tag(show(page, &admitted, StatusCode::FORBIDDEN, shown)?));
        }
        Err(other) => return Err(other),
    }
    if let Some(typed) = form.one("code")? {
        if second_factor::show_codes_kept(&page.handle, &admitted.presented, &SecretText::from(typed)).await? {
            return offer::done(page, PATH, "codes-kept");
        }
        let errors = BTreeMap::from([("code", page_message(page, "recovery-codes-wrong"))]);
        let shown = Shown { sealed, errors, ..Shown::default() };
        return Ok(Outcome::WrongCredentials.tag(show(page, &admitted, StatusCode::BAD_REQUEST, shown)?));
    }
    let ends_others = form.one("end_others")?.is_some();
    match second_factor::renew_codes(services, &page.handle, &admitted.presented, ends_others).await? {
        CodesRenewed::Renewed(codes) => Ok(page.see_other(&shown_codes::address(page, admitted.presented.account(), &codes)?)),
        CodesRenewed::NoFactor => Ok(page.see_other(PATH)),
        CodesRenewed::NeedsTwoFactors => Err(AccountPageError::Confirm),
        CodesRenewed::TooMany { until } => {
            let wait = until.since(page.handle.now());
            let values = context! {
                notice => too_many(page, until),
                back => page.path(PATH),
                anti_forgery => page.anti_forgery(PAGE, &admitted),
            };
            Ok(page.show_blocked(Section::Security, "account_two_step_codes", wait, values))
        }
    }
}

fn show(
    page: &AccountPage,
    admitted: &AdmittedUser,
    status: StatusCode,
    shown: Shown<'_>,
) -> Result<Response, AccountPageError> {
    if !has_codes(admitted.principal.authentication()) {
        return Ok(page.see_other(PATH));
    }
    let codes = shown_codes::open(page, admitted, shown.sealed)?;
    let sealed = codes.as_ref().and(shown.sealed);
    let values = context! {
        codes,
        sealed,
        file => sealed.map(|sealed| page.path(&format!("{FILE}?{}={sealed}", shown_codes::PARAMETER))),
        errors => shown.errors,
        notice => shown.notice,
        back => offer::end(page, PATH)?,
        action => offer::along(page, "?")?,
        anti_forgery => page.anti_forgery(PAGE, admitted),
    };
    Ok(offer::show(page, Section::Security, "account_two_step_codes", status, values))
}
