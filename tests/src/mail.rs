//! SQS and SES in process, under the real SDKs. They can be throttled, down or silent, or lose a reply (T12, T13; security 139).
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use latchkey::delivery::{MailChannel, MailQueue, Mailer};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How often the queue delivers a message before it moves to the dead-letter queue: `maxReceiveCount` of the template.
pub const MAX_RECEIVES: u32 = 5;

/// How a service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Works normally.
    Up,
    /// 429.
    Throttled,
    /// 503.
    Down,
    /// Does nothing and does not answer.
    Silent,
    /// Does the work and does not answer.
    LostReply,
}

/// A mail queue and a mailer, in process. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct FakeMail {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sqs: Script,
    ses: Script,
    waiting: VecDeque<Message>,
    /// Hidden messages, with their delay in seconds.
    delayed: Vec<(i64, Message)>,
    dead: Vec<Message>,
    fails: Vec<usize>,
    refuses: BTreeMap<String, &'static str>,
    sent: Vec<Sent>,
    bodies: Vec<String>,
    numbered: u64,
    random: u64,
}

/// The behaviour at the next calls, and then at all later calls.
#[derive(Debug)]
struct Script {
    next: VecDeque<Mode>,
    then: Mode,
    lost: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self { next: VecDeque::new(), then: Mode::Up, lost: 0 }
    }
}

impl Script {
    fn mode(&mut self) -> Mode {
        let mode = self.next.pop_front().unwrap_or(self.then);
        self.lost += usize::from(mode == Mode::LostReply);
        mode
    }
}

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The message id.
    pub id: String,
    /// The body.
    pub body: String,
    /// How often it was delivered.
    pub receives: u32,
}

impl Message {
    /// The message as Lambda receives it.
    #[must_use]
    pub fn event(&self) -> Value {
        json!({ "eventSource": "aws:sqs", "messageId": self.id, "body": self.body })
    }
}

/// A mail that SES accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The recipient.
    pub to: String,
    /// The id of its event, from the tag.
    pub event_id: String,
    /// The whole request.
    pub request: Value,
}

impl FakeMail {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state")
    }

    /// A channel to these two, with the SDK's retries, which do not wait.
    #[must_use]
    pub fn channel(&self) -> MailChannel {
        let connector = SharedHttpConnector::new(self.clone());
        let patience = Duration::from_millis(40);
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .endpoint_url("http://aws.invalid")
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local")))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(patience).build())
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(1)))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        MailChannel {
            queue: MailQueue::new(aws_sdk_sqs::Client::new(&aws), "https://sqs.invalid/123456789012/mail".to_owned()),
            mailer: Mailer::Ses(aws_sdk_sesv2::Client::new(&aws)),
        }
    }

    /// Sets the behaviour of SQS at its next calls, and at all later ones.
    pub fn sqs(&self, next: &[Mode], then: Mode) {
        let mut state = self.state();
        (state.sqs.next, state.sqs.then) = (next.iter().copied().collect(), then);
    }

    /// Sets the behaviour of SES at its next calls, and at all later ones.
    pub fn ses(&self, next: &[Mode], then: Mode) {
        let mut state = self.state();
        (state.ses.next, state.ses.then) = (next.iter().copied().collect(), then);
    }

    /// In the next batch, SQS rejects the entries with these indexes.
    pub fn fail_entries(&self, places: &[usize]) {
        self.state().fails = places.to_vec();
    }

    /// SES refuses mail to this address, with this code and a message that quotes the address.
    pub fn refuse(&self, address: &str, code: &'static str) {
        self.state().refuses.insert(address.to_owned(), code);
    }

    /// The mails that SES accepted.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// How many replies of SES were lost.
    #[must_use]
    pub fn lost_replies(&self) -> usize {
        self.state().ses.lost
    }

    /// The messages in the dead-letter queue.
    #[must_use]
    pub fn dead(&self) -> Vec<Message> {
        self.state().dead.clone()
    }

    /// Every request that SQS received.
    #[must_use]
    pub fn sqs_requests(&self) -> String {
        self.state().bodies.join("\n")
    }

    /// How many messages wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Shows the hidden messages. Returns their delays in seconds.
    pub fn end_delays(&self) -> Vec<i64> {
        let mut state = self.state();
        let (delays, shown): (Vec<_>, Vec<_>) = std::mem::take(&mut state.delayed).into_iter().unzip();
        state.waiting.extend(shown);
        delays
    }

    /// Puts a message into the queue without the client.
    pub fn put(&self, body: &str) -> Message {
        self.state().put(body)
    }

    /// Sets the seed of the delivery order.
    pub fn seed(&self, seed: u64) {
        self.state().random = seed;
    }

    /// A random number below `end`, from the seed.
    #[must_use]
    pub fn below(&self, end: usize) -> usize {
        self.state().below(end)
    }

    /// Receives at most `most` messages in random order, as SQS does.
    #[must_use]
    pub fn receive(&self, most: usize) -> Vec<Message> {
        let mut state = self.state();
        let mut taken = Vec::new();
        while taken.len() < most && !state.waiting.is_empty() {
            let place = {
                let end = state.waiting.len();
                state.below(end)
            };
            taken.extend(
                state.waiting.swap_remove_back(place).map(|message| Message { receives: message.receives + 1, ..message }),
            );
        }
        taken
    }

    /// Moves the dead letters back into the queue, as an operator does after a repair.
    pub fn redrive(&self) {
        let mut state = self.state();
        let dead = std::mem::take(&mut state.dead);
        state.waiting.extend(dead.into_iter().map(|message| Message { receives: 0, ..message }));
    }

    /// Returns an unprocessed message: it goes to the back of the queue, or to the dead-letter queue.
    pub fn return_message(&self, message: Message) {
        let mut state = self.state();
        if message.receives < MAX_RECEIVES { state.waiting.push_back(message) } else { state.dead.push(message) }
    }
}

impl State {
    /// splitmix64.
    fn below(&mut self, end: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).expect("63 bits") % end
    }

    fn put(&mut self, body: &str) -> Message {
        self.numbered += 1;
        let message = Message { id: format!("message-{}", self.numbered), body: body.to_owned(), receives: 0 };
        self.waiting.push_back(message.clone());
        message
    }

    fn queue(&mut self, request: &Value) -> (u16, Value) {
        let fails = std::mem::take(&mut self.fails);
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (place, entry) in request["Entries"].as_array().into_iter().flatten().enumerate() {
            if fails.contains(&place) {
                failed.push(json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false }));
            } else {
                let body = entry["MessageBody"].as_str().unwrap_or_default();
                let id = self.put(body).id;
                if let Some(delay) = entry["DelaySeconds"].as_i64().filter(|delay| *delay > 0) {
                    assert!(delay <= 900, "SQS hides a message for at most 15 minutes");
                    let hidden = self.waiting.pop_back().expect("the message that was just put");
                    self.delayed.push((delay, hidden));
                }
                successful.push(json!({ "Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": "" }));
            }
        }
        // The limits of a batch in SQS.
        if successful.len() + failed.len() > 10 || successful.len() + failed.len() == 0 {
            return (400, json!({ "__type": "com.amazonaws.sqs#TooManyEntriesInBatchRequest" }));
        }
        (200, json!({ "Successful": successful, "Failed": failed }))
    }

    fn send(&mut self, request: Value) -> (u16, Value) {
        let to = request["Destination"]["ToAddresses"][0].as_str().unwrap_or_default().to_owned();
        if let Some(code) = self.refuses.get(&to) {
            let words = format!("Email address is not verified. The following identities failed the check: {to}");
            return (400, json!({ "__type": code, "message": words }));
        }
        let event_id = request["EmailTags"][0]["Value"].as_str().unwrap_or_default().to_owned();
        self.sent.push(Sent { to, event_id, request });
        (200, json!({ "MessageId": format!("ses-{}", self.sent.len()) }))
    }
}

impl HttpConnector for FakeMail {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut state = self.state();
        let text = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let is_sqs = request.headers().get("x-amz-target") == Some("AmazonSQS.SendMessageBatch");
        let is_ses = request.uri().ends_with("/v2/email/outbound-emails");
        assert!(is_sqs || is_ses, "an unexpected call: {request:?}");
        if is_sqs {
            state.bodies.push(text);
        }
        let mode = if is_sqs { state.sqs.mode() } else { state.ses.mode() };
        let mut done = || if is_sqs { state.queue(&body) } else { state.send(body.clone()) };
        let (status, answer) = match mode {
            Mode::Up => done(),
            Mode::Throttled => (429, json!({ "__type": "TooManyRequestsException", "message": "slow down" })),
            Mode::Down => (503, json!({ "__type": "ServiceUnavailable" })),
            // Never ends: only the client's timeout ends it.
            Mode::Silent => return HttpConnectorFuture::new(std::future::pending()),
            Mode::LostReply => {
                done();
                return HttpConnectorFuture::new(std::future::pending());
            }
        };
        HttpConnectorFuture::ready(respond(status, &answer))
    }
}

fn respond(status: u16, body: &Value) -> Result<HttpResponse, ConnectorError> {
    let status = status.try_into().map_err(|_| ConnectorError::other("no such status".into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    if let Some(code) = body["__type"].as_str() {
        response.headers_mut().insert("x-amzn-errortype", code.to_owned());
    }
    Ok(response)
}
