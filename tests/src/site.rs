//! Where actors act: a world in memory, or a gateway over HTTP.

use bytes::Bytes;
use http::{Request, Response};
use latchkey::delivery::Mail;
use latchkey_local::world::World;
use std::pin::Pin;

/// Something that answers requests at an origin.
#[derive(Clone)]
pub enum Site {
    /// In this process.
    World(World),
    /// A gateway process.
    Gateway {
        /// Follows no redirects and keeps no cookies by itself.
        http: reqwest::Client,
        /// Without a trailing slash.
        origin: String,
    },
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
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().pool_max_idle_per_host(0).build();
        Self::Gateway { http: http.expect("an HTTP client"), origin: origin.into() }
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
            Self::Gateway { http, .. } => {
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
            Self::Gateway { .. } => {
                let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("to", address).finish();
                let request = Request::get(self.url(&format!("/dev/mailbox.json?{query}"))).body(Bytes::new());
                let answer = self.send(request.expect("a request")).await;
                serde_json::from_slice(answer.body()).expect("the mailbox as JSON")
            }
        }
    }

    /// The newest mail to an address; over HTTP the stream runs by itself, so it is waited for.
    pub async fn mail_to(&self, address: &str) -> Mail {
        self.mail_number(address, 1).await
    }

    /// The newest mail to an address once there are at least this many.
    pub async fn mail_number(&self, address: &str, number: usize) -> Mail {
        let attempts = if matches!(self, Self::World(_)) { 1 } else { 200 };
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
