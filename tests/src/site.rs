//! Where actors act: a world in memory, or a gateway over HTTP.

use crate::contract::violation;
use bytes::Bytes;
use http::{Method, Request, Response};
use latchkey::context::Clock;
use latchkey::delivery::Mail;
use latchkey::domain::time::{Span, Timestamp};
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;

/// A server that answers requests at an origin.
#[derive(Clone)]
pub enum Site {
    /// A world in this process.
    World(World),
    /// A gateway process, or a deployed stack.
    Gateway {
        /// The HTTP client. It follows no redirects and keeps no cookies.
        http: reqwest::Client,
        /// The issuer, without a trailing slash.
        origin: String,
        /// The URL to connect to. It differs from the issuer for a stack without a domain.
        at: String,
        /// The base URL of `/dev`: mailbox, clock, jobs.
        dev: String,
        /// Whether it is of this version, so that its answers are those of `docs/openapi.json`.
        is_this_version: bool,
    },
}

/// A client that follows no redirects, keeps no cookies, and resolves these hosts to this machine.
fn http(local: &[&str]) -> reqwest::Client {
    let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().pool_max_idle_per_host(0);
    for host in local {
        http = http.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    }
    http.build().expect("an HTTP client")
}

impl From<&Site> for Site {
    fn from(site: &Site) -> Self {
        site.clone()
    }
}

impl From<&World> for Site {
    fn from(world: &World) -> Self {
        Self::World(world.clone())
    }
}

impl Site {
    /// A gateway at this origin.
    #[must_use]
    pub fn gateway(origin: impl Into<String>) -> Self {
        let origin = origin.into();
        Self::Gateway { http: http(&[]), at: origin.clone(), dev: origin.clone(), origin, is_this_version: true }
    }

    /// The site at `LATCHKEY_URL`, with mailbox, clock and jobs at `LATCHKEY_DEV` if that is set. `None` without `LATCHKEY_URL`.
    #[expect(clippy::disallowed_methods, reason = "the environment names the site")]
    pub async fn from_env() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().map(|url| url.trim_end_matches('/').to_owned());
        let at = variable("LATCHKEY_URL")?;
        let host = url::Url::parse(&at).ok().and_then(|url| url.host_str().map(str::to_owned)).expect("a host in LATCHKEY_URL");
        // Names below localhost always mean this machine, independent of the resolver.
        let http = if host.ends_with(".localhost") { http(&[&host]) } else { http(&[]) };
        let metadata =
            http.get(format!("{at}/.well-known/openid-configuration")).send().await.expect("an answer of LATCHKEY_URL");
        let metadata: Value = metadata.json().await.expect("its metadata");
        let origin = metadata["issuer"].as_str().expect("its issuer").to_owned();
        let dev = variable("LATCHKEY_DEV").unwrap_or_else(|| at.clone());
        Some(Self::Gateway { http, origin, dev, at, is_this_version: true })
    }

    /// The same site, which may run another version: its answers are not compared with `docs/openapi.json`.
    #[must_use]
    pub fn of_any_version(mut self) -> Self {
        if let Self::Gateway { is_this_version, .. } = &mut self {
            *is_this_version = false;
        }
        self
    }

    /// The origin, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        match self {
            Self::World(world) => world.origin(),
            Self::Gateway { origin, .. } => origin,
        }
    }

    /// The absolute URL of a path. Leaves a URL as it is.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.origin()) } else { path.to_owned() }
    }

    /// Sends a request with an absolute URL of this site. Boxed: every actor uses this function, and the compiler would otherwise
    /// nest their futures in one another.
    pub fn send(&self, request: Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send + '_>> {
        Box::pin(self.send_unboxed(request))
    }

    async fn send_unboxed(&self, request: Request<Bytes>) -> Response<Bytes> {
        let described = self.described(&request);
        let response = self.exchange(request).await;
        let violation = described.and_then(|(method, path)| violation(&method, &path, &response));
        assert!(violation.is_none(), "{}", violation.unwrap_or_default());
        response
    }

    /// Method and path of a request with a response that the OpenAPI document describes.
    fn described(&self, request: &Request<Bytes>) -> Option<(Method, String)> {
        let is_described = match self {
            Self::World(_) => true,
            // A stack's mailbox is another server.
            Self::Gateway { origin, is_this_version, .. } => *is_this_version && request.uri().to_string().starts_with(origin),
        };
        is_described.then(|| (request.method().clone(), request.uri().path().to_owned()))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self {
            // Boxed: a world's future is deep, and every actor's future would contain it.
            Self::World(world) => Box::pin(world.call(request)).await,
            Self::Gateway { http, origin, at, .. } => {
                let mut request = request;
                if let Some(path) = request.uri().to_string().strip_prefix(origin.as_str()).filter(|_| at != origin) {
                    *request.uri_mut() = format!("{at}{path}").parse().expect("an address");
                }
                let request = reqwest::Request::try_from(request).expect("a request for HTTP");
                let answer = http.execute(request).await.expect("an answer over HTTP");
                let mut response = Response::builder().status(answer.status());
                if let Some(headers) = response.headers_mut() {
                    headers.clone_from(answer.headers());
                }
                response.body(answer.bytes().await.expect("the answer's body")).expect("a response")
            }
        }
    }

    /// The mails to an address, newest first.
    pub async fn mails_to(&self, address: &str) -> Vec<Mail> {
        match self {
            Self::World(world) => Box::pin(world.mails_to(address)).await.expect("pumped"),
            Self::Gateway { dev, .. } => {
                let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("to", address).finish();
                let request = Request::get(format!("{dev}/dev/mailbox.json?{query}")).body(Bytes::new());
                let answer = self.send(request.expect("a request")).await;
                serde_json::from_slice(answer.body()).expect("the mailbox as JSON")
            }
        }
    }

    /// The time at this site. A gateway and a deployed stack are asked how far their clocks are ahead.
    pub async fn now(&self) -> Timestamp {
        match self {
            Self::World(world) => world.services.clock.now(),
            Self::Gateway { .. } => {
                let ahead = self.advance("PT0S").await;
                Clock::system().now() + ahead
            }
        }
    }

    /// Moves the clock forward by an ISO 8601 duration. Returns how far it is ahead of the system's clock.
    pub async fn advance(&self, duration: &str) -> Span {
        let moved = self.dev("clock", &json!({ "advance": duration })).await;
        Span::seconds(moved["ahead_seconds"].as_i64().expect("the offset of the clock"))
    }

    /// Runs a scheduled job now. Returns its summary.
    pub async fn run_job(&self, event: &Value) -> Value {
        self.dev("run", event).await
    }

    async fn dev(&self, call: &str, body: &Value) -> Value {
        let Self::Gateway { dev, .. } = self else { panic!("a world has its own clock and jobs") };
        let request = Request::post(format!("{dev}/dev/{call}")).header("content-type", "application/json");
        let answer = self.send(request.body(body.to_string().into()).expect("a request")).await;
        assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(answer.body()));
        serde_json::from_slice(answer.body()).expect("JSON")
    }

    /// The newest mail to an address. Over HTTP the stream runs in the background, so this waits for it.
    pub async fn mail_to(&self, address: &str) -> Mail {
        self.mail_number(address, 1).await
    }

    /// Awaits `doing`, which sends a mail to this address, and then the mail.
    pub async fn mail_after<T>(&self, address: &str, doing: impl Future<Output = T>) -> (T, Mail) {
        let before = self.mails_to(address).await.len();
        let done = doing.await;
        (done, self.mail_number(address, before + 1).await)
    }

    /// The newest mail to an address with such a link, as soon as there is one. Notices may come before it and after it.
    pub async fn mail_with(&self, address: &str, link: &str) -> Mail {
        let attempts = if matches!(self, Self::World(_)) { 1 } else { 1200 };
        for _ in 0..attempts {
            let mails = self.mails_to(address).await;
            if let Some(mail) = mails.into_iter().find(|mail| mail.links.iter().any(|known| known.contains(link))) {
                return mail;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("there is no mail with {link} to {address}");
    }

    /// The newest mail to an address, as soon as there are at least this many.
    pub async fn mail_number(&self, address: &str, number: usize) -> Mail {
        let attempts = if matches!(self, Self::World(_)) { 1 } else { 1200 };
        for _ in 0..attempts {
            let mails = self.mails_to(address).await;
            if mails.len() >= number {
                return mails.into_iter().next().expect("a mail");
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("there is no mail number {number} to {address}");
    }
}
