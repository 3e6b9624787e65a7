//! Redirect URIs: rules for registration, and comparison with a request (security 1–3; RFC 9700 §2.1, RFC 8252 §7.3).
//!
//! A request is compared byte by byte. Nothing is decoded, normalised or matched by pattern. The only exception is the port of a registered
//! loopback address, which a native app cannot know in advance.

use url::Url;

/// Parameters of authorization responses. A registered URI must not contain one, because it would look like a response (security 3).
const RESPONSE_PARAMETERS: [&str; 9] =
    ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "access_token", "response"];

/// Why a URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// It is not an absolute URI of printable ASCII without backslash.
    #[error("must be an absolute URI of printable ASCII characters")]
    Malformed,
    /// It has a fragment.
    #[error("must not have a fragment")]
    Fragment,
    /// It has a user name or password.
    #[error("must not have a user name or password")]
    UserInfo,
    /// It has `http` and another host than this machine, or a scheme that cannot belong to an app.
    #[error("must be https, http on localhost or a loopback address, or a scheme of the app's own with a dot in it")]
    Scheme,
    /// Its query has a parameter of authorization responses.
    #[error("must not have a parameter of authorization responses in its query")]
    ResponseParameter,
}

/// Checks a URI of `redirect_uris`, when the tenant document is read, and again at each request.
///
/// # Errors
/// Why the URI cannot be registered.
pub fn check_registered(uri: &str) -> Result<(), RedirectUriError> {
    if uri.len() > 2048 || !uri.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>' | b'`')) {
        return Err(RedirectUriError::Malformed);
    }
    let parsed = Url::parse(uri).map_err(|_| RedirectUriError::Malformed)?;
    if parsed.fragment().is_some() {
        return Err(RedirectUriError::Fragment);
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(RedirectUriError::UserInfo);
    }
    let scheme_fits = match parsed.scheme() {
        "https" => parsed.has_host(),
        "http" => matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        // RFC 8252 §7.1: the reversed domain name of the app. This excludes `javascript:`, `data:` and similar schemes.
        scheme => scheme.contains('.'),
    };
    if !scheme_fits {
        return Err(RedirectUriError::Scheme);
    }
    if parsed.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())) {
        return Err(RedirectUriError::ResponseParameter);
    }
    Ok(())
}

/// Returns whether the `redirect_uri` of a request is the registered one: the same bytes, or the same bytes except for the port of a
/// registered loopback address.
#[must_use]
pub fn matches(registered: &str, requested: &str) -> bool {
    registered == requested
        || match (Loopback::parse(registered), Loopback::parse(requested)) {
            (Some(registered), Some(requested)) => registered == requested,
            (None | Some(_), None) | (None, Some(_)) => false,
        }
}

/// Returns whether only the client itself can receive responses at this URI: an https URL, or the developer's own `localhost`. Any app on
/// the device can listen on a loopback port or register a scheme (RFC 8252 §8.6).
#[must_use]
pub fn is_claimed(uri: &str) -> bool {
    Loopback::parse(uri).is_none() && (uri.starts_with("https://") || uri.starts_with("http://"))
}

/// A loopback address without its port.
#[derive(PartialEq, Eq)]
struct Loopback<'u> {
    host: &'u str,
    rest: &'u str,
}

impl<'u> Loopback<'u> {
    /// Compares bytes. A lenient parser would accept `127.0.0.1.evil.test`, `127.1` or `127.0.0.1@evil.test` as the loopback address.
    fn parse(uri: &'u str) -> Option<Self> {
        let after_scheme = uri.strip_prefix("http://")?;
        let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| after_scheme.starts_with(host))?;
        let (host, after_host) = after_scheme.split_at(host.len());
        let rest = match after_host.strip_prefix(':') {
            Some(port_and_rest) => {
                let digits = port_and_rest.bytes().take_while(u8::is_ascii_digit).count();
                let (port, rest) = port_and_rest.split_at(digits);
                if port.starts_with('0') || port.parse::<u16>().is_err() {
                    return None;
                }
                rest
            }
            None => after_host,
        };
        let ends_authority = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
        (ends_authority && !rest.contains('#')).then_some(Self { host, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn security_2_only_the_port_of_a_loopback_address_may_differ() {
        let registered = "http://127.0.0.1/callback";
        for fits in ["http://127.0.0.1/callback", "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"] {
            assert!(matches(registered, fits), "{fits}");
        }
        assert!(matches("http://127.0.0.1:4000/callback", "http://127.0.0.1:4001/callback"));
        assert!(matches("http://[::1]/callback", "http://[::1]:8123/callback"));
        for other in [
            "http://127.0.0.1.evil.test/callback",
            "http://127.0.0.1:80.evil.test/callback",
            "http://127.0.0.1:80@evil.test/callback",
            "http://127.0.0.1@evil.test/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:080/callback",
            "http://127.0.0.1:80/callback/",
            "http://127.0.0.1:80/Callback",
            "http://127.0.0.1:80/callback?x",
            "http://127.0.0.1:80/callback#x",
            "http://127.0.0.1:80\\callback",
            "http://127.1:80/callback",
            "http://0x7f000001:80/callback",
            "http://127.0.0.2:80/callback",
            "http://localhost:80/callback",
            "http://localhost.evil.test:80/callback",
            "http://[::1]:80/callback",
            "http://[::ffff:127.0.0.1]:80/callback",
            "https://127.0.0.1:80/callback",
            "HTTP://127.0.0.1:80/callback",
        ] {
            assert!(!matches(registered, other), "{other}");
        }
        // `localhost` is a name, not an address. Its port must not differ.
        assert!(!matches("http://localhost:3000/callback", "http://localhost:3001/callback"));
        assert!(!matches("https://shop.example/callback", "https://shop.example:444/callback"));
    }

    #[test]
    fn security_3_an_unsafe_uri_cannot_be_registered() {
        use RedirectUriError::{Fragment, Malformed, ResponseParameter, Scheme, UserInfo};
        let cases = [
            ("https://shop.example/callback", Ok(())),
            ("https://shop.example/callback?tab=1", Ok(())),
            ("http://localhost:8080/demo/callback", Ok(())),
            ("http://127.0.0.1/callback", Ok(())),
            ("com.example.shop:/callback", Ok(())),
            ("https://shop.example/callback#", Err(Fragment)),
            ("https://shop.example/callback#x", Err(Fragment)),
            ("https://shop.example/callback?code=1", Err(ResponseParameter)),
            ("https://shop.example/callback?c%6fde=1", Err(ResponseParameter)),
            ("https://shop.example/callback?State", Err(ResponseParameter)),
            ("https://shop.example/callback?a=1&iss=x", Err(ResponseParameter)),
            ("https://shop.example/callback?error=x", Err(ResponseParameter)),
            ("https://shop.example/callback?id_token=x", Err(ResponseParameter)),
            ("https://me@shop.example/callback", Err(UserInfo)),
            ("http://shop.example/callback", Err(Scheme)),
            ("http://localhost.evil.test/callback", Err(Scheme)),
            ("javascript:alert(1)", Err(Scheme)),
            ("data:text/html,x", Err(Scheme)),
            ("myapp:/callback", Err(Scheme)),
            ("/callback", Err(Malformed)),
            ("//shop.example/callback", Err(Malformed)),
            ("https:\\\\shop.example", Err(Malformed)),
            ("https://shop.example/a b", Err(Malformed)),
            ("https://shöp.example/", Err(Malformed)),
            ("https://shop.example/\n", Err(Malformed)),
        ];
        for (uri, expected) in cases {
            assert_eq!(check_registered(uri), expected, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn whatever_matches_a_loopback_address_parses_to_that_host(tail in "[ -~]{0,40}") {
            let requested = format!("http://127.0.0.1{tail}");
            if matches("http://127.0.0.1/callback", &requested) {
                let parsed = Url::parse(&requested).unwrap();
                prop_assert_eq!(parsed.host_str(), Some("127.0.0.1"));
                prop_assert_eq!(parsed.path(), "/callback");
                prop_assert!(parsed.username().is_empty() && parsed.fragment().is_none());
            }
        }
    }
}
