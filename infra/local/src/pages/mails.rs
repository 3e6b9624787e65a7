//! The mailbox: the mails that a deployed Latchkey would send.

use super::html;
use super::state::PageError;
use crate::gateway::mailbox::Mailbox;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use latchkey::delivery::Mail;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, QueryParams};
use minijinja::context;
use minijinja::value::{Serde, Value};

/// A mail may load and run nothing. Its links open in a new tab.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'self'; form-action 'none'; \
                           frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// `GET /dev/mailbox`: the list, and one mail of it.
pub(super) async fn page(State(mailbox): State<Mailbox>, QueryParams(query): QueryParams) -> Result<Response, PageError> {
    let to = query.one("to").map_err(Problem::from)?;
    let mut mails = mailbox.mails().await?;
    mails.retain(|mail| to.is_none_or(|to| mail.to.eq_ignore_ascii_case(to)));
    let id = query.one("id").map_err(Problem::from)?;
    let chosen = mails.iter().find(|mail| Some(mail.id.as_str()) == id);
    let shown = chosen.or(mails.first());
    html::page(
        "mailbox.html",
        &context! {
            locale => "en",
            // On a narrow screen, a mail that was not selected would cover the list.
            chosen => chosen.is_some(),
            newest => mails.first().map(|mail| mail.id.as_str()),
            to,
            mail => Value::from(Serde(shown)),
            mails => Value::from(Serde(&mails)),
        },
    )
}

/// `GET /dev/mailbox/{id}`: the HTML of one mail.
pub(super) async fn body(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Result<Response, PageError> {
    let mail = mailbox.mails().await?.into_iter().find(|mail| mail.id == id);
    let Some(mail) = mail else {
        return Err(Problem::new(ProblemKind::NotFound, "There is no such mail.").into());
    };
    Ok(html::html_response(mail.html.replacen("<head>", "<head><base target=\"_blank\">", 1), MAIL_POLICY))
}

/// `GET /dev/mailbox.json`: the mails, newest first. `?to=` selects those to one address.
pub(super) async fn list(
    State(mailbox): State<Mailbox>,
    QueryParams(query): QueryParams,
) -> Result<Json<Vec<Mail>>, PageError> {
    let to = query.one("to").map_err(Problem::from)?;
    let mut mails = mailbox.mails().await?;
    mails.retain(|mail| to.is_none_or(|to| mail.to.eq_ignore_ascii_case(to)));
    Ok(Json(mails))
}
