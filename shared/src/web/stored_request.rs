//! Stored authorization requests. A request travels in the address of each page as long as it fits. It is stored once, sealed, if it came by
//! POST, if its address is too long, or if the user takes a detour by mail (decision 36). Then the address has `lk_stored` only.

use super::extract::TenantHandle;
use super::params::Params;
use super::problem::{Problem, ProblemKind};
use crate::context::Random;
use crate::domain::change::{Change, Decision};
use crate::domain::id::FlowId;
use crate::domain::time::Span;
use std::convert::Infallible;

/// The parameter that names a stored request.
pub const PARAMETER: &str = "lk_stored";
/// How long a request is stored. A user may register or reset the password in between, which takes up to half an hour.
const LIFETIME: Span = Span::minutes(60);
/// The longest request that is stored, in encoded bytes.
const MAX_STORED: usize = 16 * 1024;
/// What the stored text is sealed for.
const SEALED_AS: &str = "stored authorization request";

/// A request that is ready to be stored.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    /// The query that names it: `lk_stored=…`.
    pub query: String,
    /// What stores it. `None` if it is stored already.
    pub change: Option<Change>,
}

/// Stores a request. Returns the query that names it. A query that names one already is returned unchanged.
///
/// # Errors
/// If it is too long, or the store or a key fails.
pub async fn store(random: Random, handle: &TenantHandle, query: &str) -> Result<String, Problem> {
    let PreparedRequest { query, change } = prepare(random, handle, query)?;
    if let Some(change) = change {
        handle
            .tenant
            .store
            .decide(&handle.request, || async { Ok::<_, Infallible>(Decision::one(change.clone(), ())) })
            .await?;
    }
    Ok(query)
}

/// Prepares a request for a decision that stores it together with something else. Nothing is written.
///
/// # Errors
/// If it is too long, or a key fails.
pub fn prepare(random: Random, handle: &TenantHandle, query: &str) -> Result<PreparedRequest, Problem> {
    if Params::parse(query.as_bytes())?.one(PARAMETER)?.is_some() {
        return Ok(PreparedRequest { query: query.to_owned(), change: None });
    }
    if query.len() > MAX_STORED {
        return Err(Problem::new(ProblemKind::TooLarge, "The authorization request is too long."));
    }
    let (locator, id) = (handle.tenant.keys.locator()?, random.flow_id());
    let sealed = locator.seal(SEALED_AS, id.as_bytes(), query.as_bytes())?;
    let expires_at = handle.now() + LIFETIME;
    let change = Some(Change::store_authorization_request(id, sealed, expires_at));
    Ok(PreparedRequest { query: format!("{PARAMETER}={}", locator.seal(PARAMETER, b"", id.as_bytes())?), change })
}

/// The parameters of a stored request. 1 RRU.
///
/// # Errors
/// If it has expired, or the store or a key fails.
pub async fn load(handle: &TenantHandle, name: &str) -> Result<Params, Problem> {
    let locator = handle.tenant.keys.locator()?;
    let id = locator.open(PARAMETER, b"", name).and_then(|bytes| bytes.try_into().ok()).map(FlowId::from_bytes);
    let query = match id {
        Some(id) => handle.tenant.store.find_authorization_request(id, handle.now()).await?.and_then(|request| {
            match request.sealed {
                Some(sealed) => locator.open(SEALED_AS, id.as_bytes(), &sealed).and_then(|plain| String::from_utf8(plain).ok()),
                // Stored by the previous release.
                None => Some(request.query),
            }
        }),
        None => None,
    };
    let detail = "The authorization request has expired. Go back to the application and start again.";
    let query = query.ok_or_else(|| Problem::new(ProblemKind::InvalidRequest, detail))?;
    Ok(Params::parse(query.as_bytes())?)
}
