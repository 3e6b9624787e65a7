//! `GET`, `PATCH /v1/me`: the user's claims, by their OpenID Connect names.

use crate::edit::{self, EditOutcome, ProfileView};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue};
use latchkey::domain::profile::{Claims, Edit, EditFlaw};
use latchkey::web::problem::{FieldProblem, ProblemKind};
use latchkey::web::{MergePatch, PrincipalParts, Problem, SelfService};
use serde_json::{Map, Value};

pub(crate) async fn get(service: SelfService) -> Response {
    let shown = async {
        let principal = service.principal(PrincipalParts::Profile).await?;
        let shown = edit::shown(&service.handle, &principal)?;
        Ok(render(service.sub(), shown))
    };
    service.answer(shown.await)
}

pub(crate) async fn patch(service: SelfService, headers: HeaderMap, MergePatch(patch): MergePatch) -> Response {
    let result = apply(&service, &headers, &patch).await;
    service.answer(result)
}

async fn apply(service: &SelfService, headers: &HeaderMap, patch: &Map<String, Value>) -> Result<Response, Problem> {
    let expected = if_match(headers)?;
    let edited = edit::edit(&service.handle, &service.presented, Edit::Patch(patch), expected).await?;
    match edited {
        EditOutcome::Saved(shown) => Ok(render(service.sub(), shown)),
        EditOutcome::Flawed(flaws) => Err(refused(&flaws)),
        EditOutcome::Stale => {
            let detail = "The profile has changed since the version in If-Match. Read it again.";
            Err(Problem::new(ProblemKind::PreconditionFailed, detail))
        }
    }
}

/// The only entity tag of `If-Match` (RFC 9110 §13.1.1). A list is refused.
fn if_match(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut sent = headers.get_all(IF_MATCH).iter();
    match (sent.next(), sent.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(|one| Some(one.trim())).map_err(|_| unreadable()),
        (Some(_), Some(_)) => Err(unreadable()),
    }
}

fn unreadable() -> Problem {
    Problem::new(ProblemKind::InvalidRequest, "If-Match must be one entity tag, exactly as received in ETag.")
}

fn refused(flaws: &[(String, EditFlaw)]) -> Problem {
    let error = |(name, flaw): &(String, EditFlaw)| FieldProblem {
        pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        code: flaw.code(),
        detail: flaw.to_string(),
    };
    Problem::new(ProblemKind::InvalidRequest, "Some values of the profile are not valid. `errors` lists them.")
        .with_errors(flaws.iter().map(error).collect())
}

/// All claims: the token belongs to the user.
fn render(sub: &str, shown: ProfileView) -> Response {
    let ProfileView { claims: Claims(mut answer), updated_at, etag } = shown;
    answer.retain(|_, value| !value.is_null());
    answer.insert("sub".to_owned(), sub.into());
    answer.insert("updated_at".to_owned(), updated_at.seconds().into());
    let mut response = Json(answer).into_response();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}
