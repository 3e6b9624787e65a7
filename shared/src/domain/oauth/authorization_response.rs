//! The response of the authorization endpoint (RFC 6749 §4.1.2, §4.1.2.1; RFC 9207; security 4, 7, 8, 19).

use super::client::ResponseMode;
use super::error::OAuthErrorCode;
use crate::domain::secret::SecretText;

/// Where and how the response is sent. It is made only of a validated client and redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnAddress {
    /// The validated redirect URI.
    pub redirect_uri: String,
    /// How the response is sent.
    pub response_mode: ResponseMode,
    /// `state` of the request, unchanged.
    pub state: Option<String>,
}

/// A response: parameters for a redirect URI.
#[derive(Debug, Clone)]
pub struct AuthorizationResponse {
    /// The validated redirect URI.
    pub redirect_uri: String,
    /// How the response is sent.
    pub response_mode: ResponseMode,
    /// Names and values, not encoded.
    pub parameters: Vec<(&'static str, SecretText)>,
}

impl ReturnAddress {
    /// A response with a code.
    #[must_use]
    pub fn code(&self, issuer: &str, code: SecretText) -> AuthorizationResponse {
        self.answer(issuer, vec![("code", code)])
    }
    /// A response with an error.
    #[must_use]
    pub fn error(&self, issuer: &str, error: OAuthErrorCode, description: &'static str) -> AuthorizationResponse {
        self.answer(issuer, vec![("error", error.as_str().into()), ("error_description", description.into())])
    }

    fn answer(&self, issuer: &str, mut parameters: Vec<(&'static str, SecretText)>) -> AuthorizationResponse {
        parameters.extend(self.state.as_deref().map(|state| ("state", state.into())));
        // The issuer (RFC 9207). Without it an attacker can present a response of one server as a response of another.
        parameters.push(("iss", issuer.into()));
        AuthorizationResponse { redirect_uri: self.redirect_uri.clone(), response_mode: self.response_mode, parameters }
    }
}

impl AuthorizationResponse {
    /// The redirect URI with the parameters in its query. The registered bytes of the URI do not change.
    #[must_use]
    pub fn location(&self) -> String {
        with_query(&self.redirect_uri, self.parameters.iter().map(|(name, value)| (*name, value.expose())))
    }
}

/// Appends parameters to the query of a URI. They are percent-encoded, so that every parser decodes them to the same bytes.
pub fn with_query<'p>(uri: &str, parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut location = uri.to_owned();
    for (name, value) in parameters {
        let last = location.as_bytes().last();
        if !location.contains('?') {
            location.push('?');
        } else if !matches!(last, Some(b'?' | b'&')) {
            location.push('&');
        }
        encode(name, &mut location);
        location.push('=');
        encode(value, &mut location);
    }
    location
}

/// Percent-encodes everything except unreserved characters, so that all decoders agree on `+` and space (security 19).
fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to(redirect_uri: &str, state: Option<&str>) -> ReturnAddress {
        ReturnAddress {
            redirect_uri: redirect_uri.to_owned(),
            response_mode: ResponseMode::Query,
            state: state.map(str::to_owned),
        }
    }

    #[test]
    fn security_8_every_response_contains_the_issuer() {
        let address = to("https://shop.example/cb", Some("s"));
        assert_eq!(
            address.code("https://id.example", "c".into()).location(),
            "https://shop.example/cb?code=c&state=s&iss=https%3A%2F%2Fid.example"
        );
        assert_eq!(
            address.error("https://id.example", OAuthErrorCode::AccessDenied, "no").location(),
            "https://shop.example/cb?error=access_denied&error_description=no&state=s&iss=https%3A%2F%2Fid.example"
        );
    }

    #[test]
    fn the_query_of_a_registered_uri_is_kept() {
        let code = |uri: &str| to(uri, None).code("i", "c".into()).location();
        assert_eq!(code("https://shop.example/cb?tab=1"), "https://shop.example/cb?tab=1&code=c&iss=i");
        assert_eq!(code("https://shop.example/cb?"), "https://shop.example/cb?code=c&iss=i");
        assert_eq!(code("com.example.shop:/cb"), "com.example.shop:/cb?code=c&iss=i");
    }

    proptest! {
        #[test]
        fn security_19_state_is_echoed_byte_for_byte(state in "\\PC{1,200}") {
            let location = to("https://shop.example/cb", Some(&state)).code("i", "c".into()).location();
            let url = url::Url::parse(&location).unwrap();
            let echoed = url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned());
            prop_assert_eq!(echoed, Some(state));
        }
    }
}
