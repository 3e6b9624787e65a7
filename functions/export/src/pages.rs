//! `/account/export…`: shows what a copy of the data contains, prepares it, and downloads it.

use crate::api::{download, part_of};
use crate::export_request::ExportRequest;
use crate::read::{self, ReadOutcome, StartOutcome};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use latchkey::web::account::{AccountPage, AccountPageError, Section};
use latchkey::web::{FormBody, PrincipalParts, locale};
use serde_json::json;

/// The context of the form's anti-forgery value.
const FORM: &str = "export";
const PATH: &str = "/account/export";

pub(crate) async fn start(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit(PrincipalParts::Nothing).await?;
        let values = json!({
            "name": page.handle.tenant.config.name.get(&page.locale),
            "anti_forgery": page.anti_forgery(FORM, &admitted),
            "back": page.path("/account/privacy"),
        });
        Ok(page.show(Section::Privacy, "export_start", StatusCode::OK, values))
    };
    page.answer(shown.await)
}

pub(crate) async fn begin(page: AccountPage, FormBody(form): FormBody) -> Response {
    let begun = async {
        let admitted = page.admit(PrincipalParts::Nothing).await?;
        page.check_form(FORM, &admitted, &form)?;
        match read::begin(&page.handle, &admitted.presented, None, &page.locale).await? {
            StartOutcome::Ready(id) => Ok(page.see_other(&format!("{PATH}/{id}"))),
            StartOutcome::SignedOut => Err(AccountPageError::SignIn),
            StartOutcome::NotRecent(_) => Err(AccountPageError::Confirm),
        }
    };
    page.answer(begun.await)
}

pub(crate) async fn ready(page: AccountPage, Path(id): Path<String>) -> Response {
    let shown = async {
        let admitted = page.admit(PrincipalParts::Nothing).await?;
        let Some(request) = ExportRequest::open(&page.handle, &admitted.presented, &id)? else {
            return Ok(expired(&page, StatusCode::NOT_FOUND));
        };
        let link = |part: u16| page.path(&format!("{PATH}/{id}/document?part={part}"));
        let values = json!({
            "date": locale::date_and_time(&page.locale, request.as_of),
            "until": locale::date_and_time(&page.locale, request.expires_at()),
            "size": size(request.bytes),
            "links": (1..=request.parts).map(link).collect::<Vec<_>>(),
            "jwks": page.path("/.well-known/jwks.json"),
            "again": page.path(PATH),
        });
        Ok(page.show(Section::Privacy, "export_ready", StatusCode::OK, values))
    };
    page.answer(shown.await)
}

pub(crate) async fn document(page: AccountPage, Path(id): Path<String>) -> Response {
    let document = async {
        let admitted = page.admit(PrincipalParts::Nothing).await?;
        let part = part_of(page.query.one("part")?)?;
        Ok(match read::read(&page.handle, &admitted.presented, &id, part).await? {
            ReadOutcome::Part(part) => download(part),
            ReadOutcome::SignedOut => return Err(AccountPageError::SignIn),
            ReadOutcome::Unknown => expired(&page, StatusCode::NOT_FOUND),
            ReadOutcome::Stale => expired(&page, StatusCode::CONFLICT),
        })
    };
    page.answer(document.await)
}

/// Says that the copy has expired, and how to get a new one.
fn expired(page: &AccountPage, status: StatusCode) -> Response {
    let say = |id: &str| locale::message(&page.locale, id, []);
    let values = json!({
        "heading": say("export-over-title"),
        "text": say("export-over-text"),
        "link": page.path(PATH),
        "link_label": say("export-ready-again"),
    });
    page.plain("error", status, values)
}

/// A size for people, rounded up.
fn size(bytes: u64) -> String {
    if bytes < 1_000_000 { format!("{} KB", bytes.div_ceil(1_000)) } else { format!("{} MB", bytes.div_ceil(1_000_000)) }
}
