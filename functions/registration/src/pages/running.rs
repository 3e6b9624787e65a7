//! What the pages of a running registration have in common: its id, its language, where it ends, and the page that says that it is over.

use super::{message, path};
use http::StatusCode;
use latchkey::domain::flow::Flow;
use latchkey::domain::registration::FlowOver;
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle};
use serde_json::json;

/// The context of this page's anti-forgery values.
pub(super) const PAGE: &str = "verify";

pub(super) fn flow_id(params: &Params) -> Result<&str, Problem> {
    params.one("flow")?.ok_or_else(|| {
        Problem::new(ProblemKind::NotFound, "The address is incomplete. Please use the complete link from the mail.")
    })
}

/// The language of the registration, unless the user chose another.
pub(super) fn locale(
    handle: &TenantHandle,
    browser: &Browser,
    params: &Params,
    snapshot: Option<&FlowSnapshot>,
) -> Result<String, Problem> {
    let chosen = params.one("ui_locales")?.or(snapshot.map(|snapshot| snapshot.flow.locale.as_str()));
    Ok(browser.locale(&handle.tenant, chosen))
}

/// The form ends at the client if the flow began with an authorization request, in the query or stored.
pub(super) fn ending_at_client(page: Page, flow: &Flow) -> Page {
    if flow.continue_to.is_some() { page.ends_at_client() } else { page }
}

/// The registration cannot continue: the reason, and what to do.
pub(super) fn over_page(handle: &TenantHandle, locale: &str, flow: Option<&Flow>, reason: FlowOver) -> Page {
    let (name, target, label, status) = match reason {
        FlowOver::Completed => ("completed", to_sign_in(handle, flow), "register-sign-in", StatusCode::OK),
        FlowOver::Disowned => ("disowned", to_register(handle, flow), "verify-begin-again", StatusCode::OK),
        FlowOver::NoTriesLeft => ("no-tries", to_register(handle, flow), "verify-begin-again", StatusCode::BAD_REQUEST),
        FlowOver::Expired | FlowOver::OtherPurpose => {
            ("expired", to_register(handle, flow), "verify-begin-again", StatusCode::BAD_REQUEST)
        }
    };
    let values = json!({
        "heading": message(locale, &format!("verify-{name}-title")),
        "text": message(locale, &format!("verify-{name}-text")),
        "link": path(handle, &target),
        "link_label": message(locale, label),
    });
    Page::new(&handle.tenant, locale, "error", values).status(status)
}

/// The authorization request that led here, unless its client was removed meanwhile: what the user did has succeeded nevertheless.
pub(super) fn request_of(handle: &TenantHandle, flow: Option<&Flow>) -> Option<String> {
    let flow = flow.filter(|flow| handle.tenant.config.clients.contains_key(&flow.client_id))?;
    handle.tenant.keys.locator().ok()?.open_query(flow.id, flow.continue_to.as_deref()?)
}

pub(super) fn to_sign_in(handle: &TenantHandle, flow: Option<&Flow>) -> String {
    with_query(handle, "/login", flow)
}

pub(super) fn to_register(handle: &TenantHandle, flow: Option<&Flow>) -> String {
    with_query(handle, "/register", flow)
}

fn with_query(handle: &TenantHandle, target: &str, flow: Option<&Flow>) -> String {
    match request_of(handle, flow) {
        Some(query) => format!("{target}?{query}"),
        None => target.to_owned(),
    }
}
