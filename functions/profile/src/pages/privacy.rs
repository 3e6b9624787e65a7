//! `/account/privacy`: the stored data, the accepted documents, the export, and the deletion.

use super::messages::done_message;
use crate::terms::{self, Listed};
use axum::response::Response;
use http::StatusCode;
use latchkey::locale;
use latchkey::web::{AccountPage, AccountPageError, FormBody, Params, PrincipalParts, Section};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

const PAGE: &str = "account/privacy";

/// One document as the page shows it.
#[derive(Serialize)]
struct Row<'c> {
    document: &'c str,
    version: &'c str,
    title: &'c str,
    url: &'c str,
    required: bool,
    /// The accepted version, and the day.
    accepted: Option<(String, String)>,
    is_current: bool,
}

pub(crate) async fn get(page: AccountPage) -> Response {
    page.answer(show(&page).await)
}

async fn show(page: &AccountPage) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    let listed = terms::list(&page.handle, &admitted.presented).await?;
    let rows: Vec<Row<'_>> = listed.iter().map(|listed| row(page, listed)).collect();
    let retention = page.handle.tenant.config.retention;
    let days = |span: latchkey::domain::time::Span| span.as_seconds().div_euclid(86_400);
    let values = context! {
        documents => Value::from(Serde(rows)),
        success => done_message(page, &["terms-accepted", "terms-withdrawn"])?,
        export => page.path("/account/export"),
        delete => page.path("/account/delete"),
        grace_days => days(retention.erasure_grace),
        audit_days => days(retention.audit),
        anti_forgery => page.anti_forgery(PAGE, &admitted),
    };
    Ok(page.show(Section::Privacy, "account_privacy", StatusCode::OK, values))
}

fn row<'c>(page: &AccountPage, Listed { document, accepted }: &Listed<'c>) -> Row<'c> {
    let shown = |accepted: &latchkey::domain::consent::AcceptedTerms| {
        (accepted.version.clone(), locale::date(&page.locale, accepted.accepted_at))
    };
    Row {
        document: &document.document,
        version: &document.version,
        title: document.title.get(&page.locale),
        url: &document.url,
        required: document.required,
        is_current: accepted.as_ref().is_some_and(|accepted| document.is_accepted_by(accepted)),
        accepted: accepted.as_ref().map(shown),
    }
}

pub(crate) async fn post(page: AccountPage, FormBody(form): FormBody) -> Response {
    page.answer(change(&page, &form).await)
}

/// `withdraw` names a document, `accept` a document and the version that the page showed. A required document has no such button.
async fn change(page: &AccountPage, form: &Params) -> Result<Response, AccountPageError> {
    let admitted = page.admit(PrincipalParts::Nothing).await?;
    page.check_form(PAGE, &admitted, form)?;
    if let Some(document) = form.one("withdraw")?
        && terms::withdraw(&page.handle, &admitted.presented, document).await? == terms::TermsOutcome::Done
    {
        return Ok(page.see_done("/account/privacy", "terms-withdrawn"));
    }
    if let Some((document, version)) = form.one("accept")?.and_then(|sent| sent.split_once(' ')) {
        let accepted = terms::accept(&page.handle, &admitted.presented, (document, version, &page.locale)).await?;
        if accepted == terms::TermsOutcome::Done {
            return Ok(page.see_done("/account/privacy", "terms-accepted"));
        }
    }
    // The document is required, or another version is in force meanwhile: the page shows it.
    Ok(page.see_other("/account/privacy"))
}
