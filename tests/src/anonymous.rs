//! A caller of the API that sends no credential.

use crate::Site;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

/// A caller of the API that sends no credential.
#[derive(Clone)]
pub struct Anonymous {
    site: Site,
}

/// An answer with its body read to the end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status, headers and body.
    pub response: Response<Bytes>,
}

impl Answer {
    /// The status as a number.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }
    /// The value of a header, if the answer has it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.response.body()).expect("a body in UTF-8")
    }
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.response.body()).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }
    /// The status, and the `code` of a problem or the `error` of a protocol endpoint. Tests compare refusals by this pair.
    #[must_use]
    pub fn refusal(&self) -> (u16, String) {
        let json = self.json();
        let code = json.get("code").or_else(|| json.get("error")).and_then(Value::as_str);
        (self.status(), code.unwrap_or_default().to_owned())
    }
}

impl Anonymous {
    /// A caller of this site.
    #[must_use]
    pub fn new(site: impl Into<Site>) -> Self {
        Self { site: site.into() }
    }

    /// Sends any request. `path` is a path or an absolute URL.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut request = Request::builder().method(method).uri(self.site.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer { response: self.site.send(request.body(body.into()).expect("a well-formed request")).await }
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// Sends a GET with a bearer token.
    pub async fn get_as(&self, path: &str, access_token: &str) -> Answer {
        self.send(Method::GET, path, &[("authorization", &format!("Bearer {access_token}"))], Bytes::new()).await
    }

    /// Sends a POST with a JSON body.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// Sends a POST with a form body.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], body).await
    }
}
