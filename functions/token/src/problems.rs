//! `GET /problems/{code}`: the page of a problem's `type` (RFC 9457 §3.1.1), for developers.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Browser, Page, Problem, TenantHandle};
use serde::Serialize;

#[derive(Serialize)]
struct Explanation {
    code: &'static str,
    status: u16,
    heading: &'static str,
    paragraphs: &'static [&'static str],
}

pub(crate) async fn explain(handle: TenantHandle, browser: Browser, Path(code): Path<String>) -> Result<Response, Problem> {
    let kind = ProblemKind::find(&code)
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is no problem with this code. Check the address."))?;
    let explanation = Explanation {
        code: kind.code(),
        status: kind.status().as_u16(),
        heading: kind.title(),
        paragraphs: kind.explanation(),
    };
    let locale = browser.locale(&handle.tenant, None);
    Ok(Page::new(&handle.tenant, &locale, "problem_explained", explanation).into_response())
}
