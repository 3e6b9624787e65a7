//! A browser without JavaScript: cookies, redirects, forms.

use crate::Site;
use crate::form::{Button, Form, decode, forms, tags};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use std::collections::BTreeMap;

/// The largest number of redirects followed in a row.
const MAX_REDIRECTS: usize = 10;

/// A browser with its own cookie jar.
#[derive(Clone)]
pub struct Browser {
    site: Site,
    /// The stored cookies, by name.
    pub cookies: BTreeMap<String, String>,
    /// The value of `Accept-Language`.
    pub language: String,
    /// Extra headers of every request, for example hostile ones.
    pub headers: Vec<(String, String)>,
    /// Whether to follow a redirect to the callback of the demo storefront. Only a gateway has that page.
    pub visits_demo: bool,
}

/// The page where a navigation ended.
#[derive(Debug, Clone)]
pub struct Page {
    /// The absolute URL.
    pub url: String,
    /// The answer. `None` if the last redirect led to another site or to an application's callback, which the browser does not
    /// open.
    pub response: Option<Response<Bytes>>,
}

impl Browser {
    /// A browser with an empty jar.
    #[must_use]
    pub fn new(site: impl Into<Site>) -> Self {
        Self { site: site.into(), cookies: BTreeMap::new(), language: "en".to_owned(), headers: Vec::new(), visits_demo: false }
    }

    /// The same browser, with its cookies, at another instance of the same origin.
    #[must_use]
    pub fn on(&self, site: impl Into<Site>) -> Self {
        Self { site: site.into(), ..self.clone() }
    }

    /// The site that the browser uses.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// Opens a path or URL and follows redirects.
    pub async fn open(&mut self, path: &str) -> Page {
        let url = self.site.url(path);
        let response = self.request(Method::GET, &url, None, Bytes::new()).await;
        self.follow(url, response).await
    }

    /// Sends one navigation request. Follows no redirect.
    pub async fn request(&mut self, method: Method, url: &str, from: Option<&str>, body: impl Into<Bytes>) -> Response<Bytes> {
        let mut request = Request::builder().method(method.clone()).uri(url);
        request = request.header(header::ACCEPT, "text/html").header(header::ACCEPT_LANGUAGE, &self.language);
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, self.site.origin())
                .header("sec-fetch-site", "same-origin");
        }
        if let Some(from) = from {
            request = request.header(header::REFERER, from);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = self.site.send(request.body(body.into()).expect("a well-formed request")).await;
        self.keep_cookies(&response);
        response
    }

    /// Fills in a form of the page, presses a button (`#submit`, by id) and follows redirects. Fields that the form lacks are sent
    /// too: a ticked checkbox, or a field that a hostile page adds.
    pub async fn submit(&mut self, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
        let (url, response) = self.press(page, button, fields).await;
        self.follow(url, response).await
    }

    /// Like [`Self::submit`], but follows no redirect. Returns the URL of the POST and its answer.
    pub async fn press(&mut self, page: &Page, button: &str, fields: &[(&str, &str)]) -> (String, Response<Bytes>) {
        let id = button.trim_start_matches('#');
        let form = page.form(button);
        let pressed = form.buttons.iter().find(|button| button.id == id).expect("the button").clone();
        self.send(page, &form, &pressed, fields).await
    }

    /// Sends the form with this field, as a script does: without a button. Follows no redirect.
    pub async fn send_by_script(&mut self, page: &Page, field: &str, fields: &[(&str, &str)]) -> (String, Response<Bytes>) {
        let form = forms(page.html()).into_iter().find(|form| form.fields.iter().any(|(name, _)| name == field));
        let form = form.unwrap_or_else(|| panic!("{} ({}) has no field {field}: {}", page.url, page.status(), page.text()));
        self.send(page, &form, &Button::default(), fields).await
    }

    /// Follows the redirects of an answer.
    pub async fn follow_answer(&mut self, (url, response): (String, Response<Bytes>)) -> Page {
        self.follow(url, response).await
    }

    async fn send(&mut self, page: &Page, form: &Form, pressed: &Button, fields: &[(&str, &str)]) -> (String, Response<Bytes>) {
        let mut sent = form.fields.clone();
        for (name, value) in fields {
            match sent.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => (*value).clone_into(known),
                None => sent.push(((*name).to_owned(), (*value).to_owned())),
            }
        }
        sent.extend(pressed.field.clone());
        let action = pressed.action.as_ref().unwrap_or(&form.action);
        let mut url = resolve(&page.url, action);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish();
        if form.method == "post" {
            let response = self.request(Method::POST, &url, Some(&page.url), body).await;
            return (url, response);
        }
        url = format!("{}?{body}", url.split('?').next().unwrap_or_default());
        let response = self.request(Method::GET, &url, Some(&page.url), Bytes::new()).await;
        (url, response)
    }

    async fn follow(&mut self, mut url: String, mut response: Response<Bytes>) -> Page {
        for _ in 0..MAX_REDIRECTS {
            if !response.status().is_redirection() {
                return Page { url, response: Some(response) };
            }
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            url = resolve(&url, location.expect("a redirect has a location"));
            if !url.starts_with(&format!("{}/", self.site.origin())) || self.is_callback(&url) {
                return Page { url, response: None };
            }
            response = self.request(Method::GET, &url.clone(), None, Bytes::new()).await;
        }
        panic!("more than {MAX_REDIRECTS} redirects, the last to {url}");
    }

    /// At the callback the test takes over, unless the browser opens the demo storefront itself.
    fn is_callback(&self, url: &str) -> bool {
        !self.visits_demo && url[self.site.origin().len()..].starts_with("/demo/callback")
    }

    fn keep_cookies(&mut self, response: &Response<Bytes>) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("a cookie in ASCII");
            let mut parts = cookie.split(';').map(str::trim);
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie has a name");
            let expired = parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0"));
            if expired || value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// The status. 0 if the page was not opened.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.as_ref().map_or(0, |response| response.status().as_u16())
    }
    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> String {
        url::Url::parse(&self.url).expect("an address").path().to_owned()
    }
    /// A query parameter of the URL.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&self.url).expect("an address");
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
    /// The HTML. Empty if the page was not opened.
    #[must_use]
    pub fn html(&self) -> &str {
        self.response.as_ref().map_or("", |response| std::str::from_utf8(response.body()).expect("a page in UTF-8"))
    }
    /// The visible text, on one line.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<_> = tags(self.html()).into_iter().map(|tag| tag.text).collect();
        decode(&texts.join(" ")).split_whitespace().collect::<Vec<_>>().join(" ")
    }
    /// The value of a header, if the answer has it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.as_ref()?.headers().get(name)?.to_str().ok()
    }
    /// Whether the page has a control with this name.
    #[must_use]
    pub fn has_field(&self, name: &str) -> bool {
        tags(self.html())
            .iter()
            .any(|tag| matches!(tag.name.as_str(), "input" | "select" | "textarea") && tag.get("name") == Some(name))
    }
    /// Whether the page has this button.
    #[must_use]
    pub fn has_button(&self, button: &str) -> bool {
        forms(self.html()).iter().any(|form| form.buttons.iter().any(|known| known.id == button.trim_start_matches('#')))
    }
    /// The form that has this button.
    #[must_use]
    pub fn form(&self, button: &str) -> Form {
        let id = button.trim_start_matches('#');
        let form = forms(self.html()).into_iter().find(|form| form.buttons.iter().any(|button| button.id == id));
        form.unwrap_or_else(|| panic!("{} ({}) has no form with {button}: {}", self.url, self.status(), self.text()))
    }
    /// The targets of the page's links, as absolute URLs.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        let tags = tags(self.html());
        tags.iter()
            .filter(|tag| tag.name == "a")
            .filter_map(|tag| tag.get("href"))
            .map(|href| resolve(&self.url, href))
            .collect()
    }
    /// Checks the status of the page, and panics with the page's text if it differs.
    #[track_caller]
    pub fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status(), status.as_u16(), "{}: {}", self.url, self.text());
        self
    }
}

fn resolve(base: &str, reference: &str) -> String {
    let base = url::Url::parse(base).expect("an address");
    if reference.is_empty() {
        return base.into();
    }
    base.join(reference).expect("a reference").into()
}
