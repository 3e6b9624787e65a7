//! Where actors act: a world in memory, or a gateway over HTTP.

use bytes::Bytes;
use http::{Request, Response};
use latchkey::delivery::Mail;
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;

/// Something that answers requests at an origin.
#[derive(Clone)]
pub enum Site {
    /// In this process.
    World(World),
    /// A gateway process, or a deployed stack.
    Gateway {
        /// Follows no redirects and keeps no cookies by itself.
        http: reqwest::Client,
        /// What it is called: its issuer, without a trailing slash.
        origin: String,
        /// Where it is reached, which for a stack without a domain is another address.
        at: String,
        /// Where its `/dev` stands: mailbox, clock, jobs.
        dev: String,
    },
}

/// A client that follows no redirects, keeps no cookies, and takes these hosts for this machine.
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
        Self::Gateway { http: http(&[]), at: origin.clone(), dev: origin.clone(), origin }
    }

    /// What `LATCHKEY_URL` names, with its mailbox, clock and jobs under `LATCHKEY_DEV` when they stand elsewhere; `None` without.
    #[expect(clippy::disallowed_methods, reason = "what runs the suite names the site")]
    pub async fn named_by_environment() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().map(|url| url.trim_end_matches('/').to_owned());
        let at = variable("LATCHKEY_URL")?;
        let host = url::Url::parse(&at).ok().and_then(|url| url.host_str().map(str::to_owned)).expect("a host in LATCHKEY_URL");
        // Names below localhost are this machine, whatever the resolver thinks of them.
        let http = if host.ends_with(".localhost") { http(&[&host]) } else { http(&[]) };
        let metadata =
            http.get(format!("{at}/.well-known/openid-configuration")).send().await.expect("an answer of LATCHKEY_URL");
        let metadata: Value = metadata.json().await.expect("its metadata");
        let origin = metadata["issuer"].as_str().expect("its issuer").to_owned();
        Some(Self::Gateway { http, origin, dev: variable("LATCHKEY_DEV").unwrap_or_else(|| at.clone()), at })
    }

    /// The origin, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        match self {
            Self::World(world) => world.origin(),
            Self::Gateway { origin, .. } => origin,
        }
    }

    /// The whole address of a path; an address stays as it is.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.origin()) } else { path.to_owned() }
    }

    /// Sends a request whose target is a whole address of this site. Boxed: every actor stands on it, and the compiler would nest
    /// their futures in one another.
    pub fn send(&self, request: Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send + '_>> {
        Box::pin(self.send_unboxed(request))
    }

    async fn send_unboxed(&self, request: Request<Bytes>) -> Response<Bytes> {
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

    /// Moves the clock forward, by a duration of ISO 8601.
    pub async fn advance(&self, duration: &str) {
        self.dev("clock", &json!({ "advance": duration })).await;
    }

    /// Runs a scheduled job now; its summary.
    pub async fn run_job(&self, event: &Value) -> Value {
        self.dev("run", event).await
    }

    async fn dev(&self, call: &str, body: &Value) -> Value {
        let Self::Gateway { dev, .. } = self else { panic!("a world has a clock and jobs of its own") };
        let request = Request::post(format!("{dev}/dev/{call}")).header("content-type", "application/json");
        let answer = self.send(request.body(body.to_string().into()).expect("a request")).await;
        assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(answer.body()));
        serde_json::from_slice(answer.body()).expect("JSON")
    }

    /// The newest mail to an address; over HTTP the stream runs by itself, so it is waited for.
    pub async fn mail_to(&self, address: &str) -> Mail {
        self.mail_number(address, 1).await
    }

    /// Does something that sends a mail to this address, and waits for it.
    pub async fn mail_after<T>(&self, address: &str, doing: impl Future<Output = T>) -> (T, Mail) {
        let before = self.mails_to(address).await.len();
        let done = doing.await;
        (done, self.mail_number(address, before + 1).await)
    }

    /// The newest mail to an address once there are at least this many.
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
