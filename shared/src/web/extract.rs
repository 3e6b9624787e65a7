//! Extractors.
use super::Problem;
use crate::domain::id::RequestId;
use crate::domain::time::Timestamp;
use crate::services::{RequestContext, Services, Tenant};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;
use std::net::IpAddr;

/// What the host (API Gateway, the local gateway, a test) knows of a request: a request extension set by the host, never by a
/// header. Missing: the request is refused (direct invocation, security 143).
#[derive(Debug, Clone)]
pub struct Host {
    /// The host's name for the request.
    pub request_id: RequestId,
    /// The caller's address as the trusted hop saw it.
    pub client_address: Option<IpAddr>,
}

/// The tenant that the path names (default: the one at the origin), loaded, with the context of the request.
pub struct TenantHandle {
    /// The tenant.
    pub tenant: Tenant,
    /// Stamped on every write of this request.
    pub request: RequestContext,
    /// The caller's address.
    pub client_address: Option<IpAddr>,
}

impl TenantHandle {
    /// The moment of the request.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.request.now
    }
}

impl FromRequestParts<Services> for TenantHandle {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Problem> {
        let _ = (parts, services);
        todo!()
    }
}

/// A strict JSON body: `application/json` only (`text/plain` refused, security 120), no duplicate member, depth at most 32, at most
/// 64 members, arrays at most 100, no unknown field (the type says `deny_unknown_fields`).
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let _ = (request, state);
        todo!()
    }
}
