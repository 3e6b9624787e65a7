//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0; security 62).
//!
//! 1. `client_id` or a verified `id_token_hint` names the client. If both are sent, they must agree.
//! 2. A `post_logout_redirect_uri` is used only if it is equal to one of the client, byte by byte.
//! 3. If the hint names the signed-in user, the session ends at once. Otherwise the user must confirm.

use super::client::Client;
use crate::domain::id::{ClientId, Sub};
use std::collections::BTreeMap;

/// The maximum length of `state`, in bytes.
pub const MAX_STATE: usize = super::authorization_request::MAX_STATE;

/// The parameters of the request, each at most once.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogoutRequest<'p> {
    /// `client_id`.
    pub client_id: Option<&'p str>,
    /// `post_logout_redirect_uri`.
    pub post_logout_redirect_uri: Option<&'p str>,
    /// `state`.
    pub state: Option<&'p str>,
    /// The verified `id_token_hint`. An invalid one counts as none.
    pub hint: Option<&'p IdTokenHint>,
}

/// An ID token of this issuer. Its signature and issuer are verified. It may be expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenHint {
    /// The subject.
    pub sub: Sub,
    /// The audience.
    pub audience: Vec<String>,
}

/// The outcome of a valid request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout<'c> {
    /// The client, if it is known.
    pub client: Option<&'c Client>,
    /// The registered URI that the browser is redirected to, without `state`.
    pub return_to: Option<&'c str>,
    /// Whether the user must confirm first.
    pub ask: bool,
}

/// Why a request is refused. The error is always shown on an error page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoutRefusal {
    /// The client is unknown, or the hint was issued to another client.
    #[error("client_id is not known, or is not the client of id_token_hint")]
    Client,
    /// The client has no such URI, or the request names no client.
    #[error("post_logout_redirect_uri is not registered for this client")]
    RedirectUri,
    /// Longer than 2 KiB.
    #[error("state must not be longer than 2048 bytes")]
    State,
}

/// Decides on a logout. `signed_in` is the user of the browser's live session.
///
/// # Errors
/// Why the request is refused.
pub fn log_out<'c>(
    clients: &'c BTreeMap<ClientId, Client>,
    request: LogoutRequest<'_>,
    signed_in: Option<Sub>,
) -> Result<Logout<'c>, LogoutRefusal> {
    if request.state.is_some_and(|state| state.len() > MAX_STATE) {
        return Err(LogoutRefusal::State);
    }
    let client = the_client(clients, request)?;
    let return_to = match (request.post_logout_redirect_uri, client) {
        (None, _) => None,
        (Some(requested), Some(client)) => {
            let mut registered = client.post_logout_redirect_uris.iter();
            Some(registered.find(|uri| *uri == requested).ok_or(LogoutRefusal::RedirectUri)?.as_str())
        }
        (Some(_), None) => return Err(LogoutRefusal::RedirectUri),
    };
    // Any page can send a browser to this endpoint. Only a caller with an ID token of this user may end the session without a
    // confirmation.
    let ask = signed_in.is_some_and(|sub| request.hint.is_none_or(|hint| hint.sub != sub));
    Ok(Logout { client, return_to, ask })
}

fn the_client<'c>(
    clients: &'c BTreeMap<ClientId, Client>,
    request: LogoutRequest<'_>,
) -> Result<Option<&'c Client>, LogoutRefusal> {
    let find = |text: &str| text.parse::<ClientId>().ok().and_then(|id| clients.get(&id));
    match (request.client_id, request.hint) {
        (Some(id), Some(hint)) if !hint.audience.iter().any(|audience| audience == id) => Err(LogoutRefusal::Client),
        (Some(id), _) => find(id).map(Some).ok_or(LogoutRefusal::Client),
        (None, Some(hint)) => Ok(hint.audience.first().and_then(|audience| find(audience))),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::client::{PkcePolicy, SigningAlgorithm, TokenEndpointAuthMethod};
    use crate::domain::tenant::Localized;

    const ADA: Sub = Sub::from_bytes([1; 16]);
    const BOB: Sub = Sub::from_bytes([2; 16]);
    const BYE: &str = "https://shop.example/bye";

    fn clients() -> BTreeMap<ClientId, Client> {
        let client = |id: &str, uris: &[&str]| Client {
            client_id: id.parse().unwrap(),
            client_name: Localized::default(),
            first_party: false,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            secret_hashes: Vec::new(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            grant_types: Vec::new(),
            scope: "openid".parse().unwrap(),
            response_modes: Vec::new(),
            pkce: PkcePolicy::Required,
            id_token_signed_response_alg: SigningAlgorithm::ES256,
            access_token_signed_response_alg: SigningAlgorithm::ES256,
            allowed_origins: Vec::new(),
            resources: Vec::new(),
            client_uri: None,
        };
        [client("shop", &[BYE]), client("blog", &[])].into_iter().map(|c| (c.client_id.clone(), c)).collect()
    }

    fn hint(sub: Sub, audience: &str) -> IdTokenHint {
        IdTokenHint { sub, audience: vec![audience.to_owned()] }
    }

    #[test]
    fn security_62_only_a_hint_of_the_signed_in_user_ends_the_session_without_a_confirmation() {
        let clients = clients();
        let (ada, bob) = (hint(ADA, "shop"), hint(BOB, "shop"));
        let cases = [
            ("no hint", None, Some(ADA), true),
            ("the hint of the signed-in user", Some(&ada), Some(ADA), false),
            ("another user's hint", Some(&bob), Some(ADA), true),
            ("no user signed in", None, None, false),
            ("no user signed in, a hint", Some(&ada), None, false),
        ];
        for (what, hint, signed_in, ask) in cases {
            let request = LogoutRequest { hint, ..LogoutRequest::default() };
            assert_eq!(log_out(&clients, request, signed_in).unwrap().ask, ask, "{what}");
        }
    }

    #[test]
    fn security_62_only_a_registered_uri_of_the_client_is_used_byte_by_byte() {
        let clients = clients();
        let ada = hint(ADA, "shop");
        let with = |client_id, hint, uri| {
            let request = LogoutRequest { client_id, hint, post_logout_redirect_uri: Some(uri), state: None };
            log_out(&clients, request, Some(ADA)).map(|logout| logout.return_to)
        };
        assert_eq!(with(Some("shop"), None, BYE), Ok(Some(BYE)));
        assert_eq!(with(None, Some(&ada), BYE), Ok(Some(BYE)));
        assert_eq!(with(Some("shop"), Some(&ada), BYE), Ok(Some(BYE)));
        assert_eq!(with(None, None, BYE), Err(LogoutRefusal::RedirectUri));
        assert_eq!(with(Some("blog"), None, BYE), Err(LogoutRefusal::RedirectUri));
        for uri in ["https://shop.example/bye/", "https://shop.example/BYE", "https://shop.example/bye?x", "//shop.example/bye"]
        {
            assert_eq!(with(Some("shop"), None, uri), Err(LogoutRefusal::RedirectUri), "{uri}");
        }
    }

    #[test]
    fn a_client_id_that_differs_from_the_hint_is_refused() {
        let clients = clients();
        let ada = hint(ADA, "shop");
        for (client_id, hint) in [(Some("blog"), Some(&ada)), (Some("unknown"), None), (Some("a b"), None)] {
            let request = LogoutRequest { client_id, hint, ..LogoutRequest::default() };
            assert_eq!(log_out(&clients, request, Some(ADA)), Err(LogoutRefusal::Client));
        }
    }
}
