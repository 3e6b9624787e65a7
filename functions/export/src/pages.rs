//! `/account/export…`: shows what a copy of the data contains, prepares it, and downloads it.

use crate::api::{download, part_of};
use crate::read::{self, Begun, Read};
use crate::ticket::Ticket;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use latchkey::web::account::{AccountPage, Elsewhere, Section};
use latchkey::web::{FormBody, With, locale};
use serde_json::json;

/// The context of the form's anti-forgery value.
const FORM: &str = "export";
const PATH: &str = "/account/export";

pub(crate) async fn start(page: AccountPage) -> Response {
    let shown = async {
        let admitted = page.admit(With::Nothing).await?;
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
        let admitted = page.admit(With::Nothing).await?;
        page.check_form(FORM, &admitted, &form)?;
        match read::begin(&page.handle, &admitted.presented, None, &page.locale).await? {
            Begun::Ready(id) => Ok(page.see_other(&format!("{PATH}/{id}"))),
            Begun::SignedOut => Err(Elsewhere::SignIn),
            Begun::NotRecent => Err(Elsewhere::Confirm),
        }
    };
    page.answer(begun.await)
}

pub(crate) async fn ready(page: AccountPage, Path(id): Path<String>) -> Response {
    let shown = async {
        let admitted = page.admit(With::Nothing).await?;
        let Some(ticket) = Ticket::open(&page.handle, &admitted.presented, &id)? else {
            return Ok(over(&page, StatusCode::NOT_FOUND));
        };
        let link = |part: u16| page.path(&format!("{PATH}/{id}/document?part={part}"));
        let values = json!({
            "date": locale::date_and_time(&page.locale, ticket.as_of),
            "until": locale::date_and_time(&page.locale, ticket.expires_at()),
            "size": size(ticket.bytes),
            "links": (1..=ticket.parts).map(link).collect::<Vec<_>>(),
            "jwks": page.path("/.well-known/jwks.json"),
            "again": page.path(PATH),
        });
        Ok(page.show(Section::Privacy, "export_ready", StatusCode::OK, values))
    };
    page.answer(shown.await)
}

pub(crate) async fn document(page: AccountPage, Path(id): Path<String>) -> Response {
    let document = async {
        let admitted = page.admit(With::Nothing).await?;
        let part = part_of(page.query.one("part")?)?;
        Ok(match read::read(&page.handle, &admitted.presented, &id, part).await? {
            Read::Part(part) => download(part),
            Read::SignedOut => return Err(Elsewhere::SignIn),
            Read::Unknown => over(&page, StatusCode::NOT_FOUND),
            Read::Stale => over(&page, StatusCode::CONFLICT),
        })
    };
    page.answer(document.await)
}

/// Says that the copy has expired, and how to get a new one.
fn over(page: &AccountPage, status: StatusCode) -> Response {
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
