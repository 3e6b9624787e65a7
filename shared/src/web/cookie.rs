//! Reading and writing cookies (security 55, 61).

use crate::domain::id::TenantId;
use crate::domain::time::Span;
use crate::services::Origin;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

/// The purpose of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The session.
    Session,
    /// The known device.
    Device,
    /// The value that forms and flows are bound to.
    Browser,
    /// The answers to the offer of a passkey.
    PasskeyAnswers,
}

/// The maximum size of a cookie that browsers keep: name, value and attributes together (RFC 6265 §6.1).
const MAX_COOKIE: usize = 4096;

/// The cookies of one tenant at one origin: their names and their protection.
#[derive(Debug, Clone)]
pub(super) struct Jar {
    secure: bool,
    suffix: String,
}

impl Jar {
    pub(super) fn new(origin: &Origin, tenant: &TenantId) -> Self {
        let suffix = if tenant.is_default() { String::new() } else { format!("-{tenant}") };
        Self { secure: origin.is_https(), suffix }
    }

    /// The cookie's name. `__Host-` binds it to exactly this host, path `/` and https, so that no neighbour can set one.
    pub(super) fn name(&self, cookie: Cookie) -> String {
        let what = match cookie {
            Cookie::Session => "session",
            Cookie::Device => "device",
            Cookie::Browser => "browser",
            Cookie::PasskeyAnswers => "passkey-answers",
        };
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}lk-{what}{}", self.suffix)
    }

    /// The value in a request. `None` if it occurs twice, is too long or is not text: such a cookie counts as absent.
    pub(super) fn read(&self, headers: &HeaderMap, cookie: Cookie) -> Option<String> {
        let name = self.name(cookie);
        // HTTP/2 may split the header (RFC 9113 §8.2.3).
        let pairs = headers.get_all(COOKIE).iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
        let mut values = pairs.filter_map(|pair| {
            let pair = pair.trim_ascii();
            let at = pair.iter().position(|byte| *byte == b'=')?;
            (&pair[..at] == name.as_bytes()).then_some(&pair[at + 1..])
        });
        let value = values.next()?;
        if values.next().is_some() || value.len() > MAX_COOKIE || !value.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        String::from_utf8(value.to_vec()).ok()
    }

    /// Sets a cookie for `lifetime`; [`Span::ZERO`] removes it. Without a lifetime it ends with the browser session.
    pub(super) fn write(&self, headers: &mut HeaderMap, cookie: Cookie, value: &str, lifetime: Option<Span>) {
        let mut text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax", self.name(cookie));
        if self.secure {
            text.push_str("; Secure");
        }
        if let Some(lifetime) = lifetime {
            text.push_str(&format!("; Max-Age={}", lifetime.as_seconds()));
        }
        match HeaderValue::from_str(&text) {
            Ok(header) if text.len() <= MAX_COOKIE => {
                headers.append(SET_COOKIE, header);
            }
            Ok(_) | Err(_) => tracing::error!(?cookie, "a cookie is invalid or too large"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(origin: &str, tenant: &str) -> Jar {
        Jar::new(&Origin::parse(origin).unwrap(), &tenant.parse().unwrap())
    }
    fn read(cookie_headers: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in cookie_headers {
            headers.append(COOKIE, HeaderValue::from_bytes(value).unwrap());
        }
        jar("https://id.example.com", "default").read(&headers, Cookie::Session)
    }

    #[test]
    fn a_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
        // security 55
        let mut headers = HeaderMap::new();
        jar("https://id.example.com", "default").write(&mut headers, Cookie::Session, "v", Some(Span::hours(1)));
        let expected = "__Host-lk-session=v; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600";
        assert_eq!(headers.get(SET_COOKIE).unwrap(), expected);
        jar("https://id.example.com", "default").write(&mut headers, Cookie::Session, &"v".repeat(4096), None);
        assert_eq!(headers.get_all(SET_COOKIE).iter().count(), 1, "a cookie that no browser keeps is not set");
    }

    #[test]
    fn cookie_names_contain_the_tenant_and_have_no_prefix_over_http() {
        assert_eq!(jar("https://id.example.com", "acme").name(Cookie::Device), "__Host-lk-device-acme");
        assert_eq!(jar("http://localhost:8080", "default").name(Cookie::Browser), "lk-browser");
    }

    #[test]
    fn a_duplicate_or_malformed_cookie_counts_as_absent() {
        // security 61
        assert_eq!(read(&[b"a=1; __Host-lk-session=v; b=2"]).as_deref(), Some("v"));
        assert_eq!(read(&[b"a=1", b"__Host-lk-session=v=="]).as_deref(), Some("v=="));
        let long = [b"__Host-lk-session=".as_slice(), &[b'v'; 8192]].concat();
        let cases: [&[&[u8]]; 10] = [
            &[],
            &[b""],
            &[b";;=;=v;__Host-lk-session"],
            &[b"__Host-lk-session=v; __Host-lk-session=w"],
            &[b"__Host-lk-session=v", b"__Host-lk-session=v"],
            &[b"__Host-lk-session=\xff\xfe"],
            &[b"__Host-lk-session=a\tb"],
            &[b"__host-lk-session=v"],
            &[b"lk-session=v"],
            &[&long],
        ];
        for case in cases {
            assert_eq!(read(case), None, "{case:?}");
        }
    }
}
