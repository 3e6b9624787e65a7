//! The store over the embedded engine, with a fault script and a meter under the SDK, and one sample of each state.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::account::{AccountState, AccountStatus, DataKeyState, PasswordHome, Sealed, WrappedDataKey};
use latchkey::domain::amr::Amr;
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::consent::{AcceptedTerms, Consent};
use latchkey::domain::credential::PasswordCredential;
use latchkey::domain::delivery::MailPurpose;
use latchkey::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use latchkey::domain::flow::{Flow, FlowPurpose, FlowState};
use latchkey::domain::id::{AccountId, ClientId, FlowId, GrantId, SessionId, Sub, TenantId};
use latchkey::domain::identifier::IdentifierHash;
use latchkey::domain::mail_limit::Trigger;
use latchkey::domain::oauth::grant::{AuthorizationCode, Grant, GrantState, RefreshToken};
use latchkey::domain::profile::Profile;
use latchkey::domain::roles::Roles;
use latchkey::domain::secret::{PasswordHash, SecretHash};
use latchkey::domain::session::Session;
use latchkey::domain::sign_in::evidence::Proofs;
use latchkey::domain::sign_in::factors::Factors;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::domain::verbs::NewAccount;
use latchkey::store::tenant::DocumentOrigin;
use latchkey::store::{CommitError, Store, Tables, TenantStore};
use latchkey_local::engine::{Engine, client};
use latchkey_local::fault::Faults;
use latchkey_local::meter::Meter;
use latchkey_local::world::World;
use std::sync::atomic::{AtomicU64, Ordering};

/// The time of every sample.
pub const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

/// A store in memory with its fault script and its meter. The meter sees the requests that reach the engine.
pub struct Bench {
    /// The engine itself, for direct reads.
    pub engine: Engine,
    /// The fault script.
    pub faults: Faults,
    /// The meter.
    pub meter: Meter,
    /// The store of all tenants.
    pub all: Store,
    /// The store of the default tenant.
    pub store: TenantStore,
}

impl Bench {
    /// A store with empty tables and no faults.
    ///
    /// # Panics
    /// Panics if the engine does not start.
    pub async fn new() -> Self {
        let engine = Engine::memory().expect("an engine in memory");
        let (faults, meter) = (Faults::seeded(1), Meter::new());
        let connector = meter.around(engine.connector(), engine.clone());
        let connector = faults.around(SharedHttpConnector::new(ExpiredTokens(connector)));
        let tables = Tables { identities: "identities".into(), keys: "keys".into(), audit: "audit".into() };
        let all = Store::new(client(connector), tables);
        all.create_tables().await.expect("tables");
        drop(meter.take());
        let store = all.tenant(TenantId::default_tenant());
        Self { engine, faults, meter, all, store }
    }

    /// Commits one change in its own request.
    ///
    /// # Errors
    /// Returns the error of the commit.
    pub async fn commit(&self, change: Change) -> Result<(), CommitError> {
        self.store.commit(&Changes::one(change), &request()).await
    }
}

/// DynamoDB remembers a `ClientRequestToken` for ten minutes. Behind this connector the ten minutes are always over. So the tests
/// show that our stamps and conditions hold without the token.
#[derive(Debug)]
struct ExpiredTokens(SharedHttpConnector);

impl HttpConnector for ExpiredTokens {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
        if let Some(serde_json::Value::Object(mut body)) = body
            && body.remove("ClientRequestToken").is_some()
        {
            *request.body_mut() = serde_json::Value::Object(body).to_string().into();
        }
        self.0.call(request)
    }
}

/// A request with a unique id.
///
/// # Panics
/// Does not panic: the id is well-formed.
#[must_use]
pub fn request() -> RequestContext {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RequestContext {
        request_id: format!("request-{number}").parse().expect("a request id"),
        now: NOW,
        attempt: 1,
        address_hash: Some("YWRkcmVzcw".to_owned()),
        deadline: Deadline::default(),
    }
}

/// Identifier number `n`.
#[must_use]
pub fn identifier(n: u8) -> IdentifierHash {
    IdentifierHash { key_version: 1, hash: [n; 32] }
}

/// One mail of a password reset, counted by its trigger.
#[must_use]
pub fn mail_start(identifier: IdentifierHash, at: Timestamp) -> Change {
    Change::count_mail_start(MailPurpose::Recovery, identifier, Trigger::source("192.0.2.1"), at)
}

/// Account number `n`.
#[must_use]
pub fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}

/// The client of every sample.
///
/// # Panics
/// Does not panic: the id is well-formed.
#[must_use]
pub fn client_id() -> ClientId {
    "demo-app".parse().expect("a client id")
}

/// The authentication item of account `n`, which has identifier `n`.
#[must_use]
pub fn authentication(n: u8) -> AccountState {
    AccountState {
        account: account(n),
        sub: Sub::from_bytes([n; 16]),
        status: AccountStatus::Active,
        epoch: 1,
        epoch_began_at: None,
        identifier_since: None,
        identifier: identifier(n),
        created_at: NOW,
        failures: FailureWindow::default(),
        devices: Vec::new(),
        password_home: PasswordHome::Here,
        roles: Roles::default(),
        legal_hold: None,
        protected: false,
        factors: Factors::default(),
        satisfied: None,
        version: 1,
    }
}

/// The password of account `n`.
#[must_use]
pub fn password(n: u8) -> PasswordCredential {
    let hash = PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo".to_owned());
    PasswordCredential { account: account(n), hash, changed_at: NOW, version: 1 }
}

/// Session `id` of account `n`.
#[must_use]
pub fn session(n: u8, id: u8) -> Session {
    Session {
        id: SessionId::from_bytes([id; 16]),
        account: account(n),
        epoch: 1,
        secret_hash: SecretHash::from_bytes([id; 32]),
        created_at: NOW,
        auth_time: NOW,
        amr: vec![Amr::Pwd],
        proofs: Proofs::none(),
        last_used_at: NOW,
        expires_at: NOW + Span::days(30),
        idle_expires_at: NOW + Span::days(7),
        device: Some(Sealed(vec![7; 64])),
        device_id: None,
        ended_at: None,
        version: 1,
    }
}

/// Grant `id` of account `n`, with an unredeemed code.
#[must_use]
pub fn grant(n: u8, id: u8) -> Grant {
    Grant {
        id: GrantId::from_bytes([id; 16]),
        account: account(n),
        sub: Sub::from_bytes([n; 16]),
        epoch: 1,
        client_id: client_id(),
        sid: SessionId::from_bytes([id; 16]),
        scope: "email offline_access openid profile".parse().unwrap_or_default(),
        resource: None,
        nonce: Some("bm9uY2U".to_owned()),
        auth_time: NOW,
        amr: vec![Amr::Pwd],
        proofs: Proofs::none(),
        acr: None,
        code: Some(AuthorizationCode {
            secret_hash: SecretHash::from_bytes([id; 32]),
            redirect_uri: "https://app.example/callback".to_owned(),
            redirect_uri_in_request: true,
            code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
            expires_at: NOW + Span::seconds(60),
        }),
        state: GrantState::CodeIssued,
        revoked_jtis: Vec::new(),
        created_at: NOW,
        expires_at: NOW + Span::days(90),
        version: 1,
    }
}

/// The grant after redemption: version 2.
#[must_use]
pub fn redeemed(grant: &Grant) -> Grant {
    let refresh = RefreshToken {
        generation: 1,
        secret_hash: SecretHash::from_bytes([8; 32]),
        parent_hash: None,
        rotated_at: NOW,
        refresh_key_version: 1,
        idle_expires_at: NOW + Span::days(30),
    };
    let state = GrantState::Active { redeemed_at: NOW, refresh: Some(refresh) };
    Grant { state, version: grant.version + 1, ..grant.clone() }
}

/// The consent of account `n` for the client.
#[must_use]
pub fn consent(n: u8) -> Consent {
    Consent {
        account: account(n),
        client_id: client_id(),
        scope: "email openid".parse().unwrap_or_default(),
        granted_at: NOW,
        withdrawn_at: None,
        version: 1,
    }
}

/// Flow `id`, which verifies identifier `n` for account `n`.
#[must_use]
pub fn flow(n: u8, id: u8, purpose: FlowPurpose) -> Flow {
    Flow {
        id: FlowId::from_bytes([id; 16]),
        purpose,
        account: account(n),
        identifier: identifier(n),
        seed: vec![9; 16],
        code_key_version: 1,
        completion: None,
        long_code: false,
        generation: 1,
        tries: 0,
        state: FlowState::Open,
        browser: Some(SecretHash::from_bytes([5; 32])),
        client_id: client_id(),
        locale: "en".to_owned(),
        continue_to: None,
        payload: Some(Sealed(vec![3; 200])),
        created_at: NOW,
        expires_at: NOW + Span::minutes(10),
        version: 1,
    }
}

/// The data key of account `n`, pending.
#[must_use]
pub fn data_key(n: u8) -> WrappedDataKey {
    let state = DataKeyState::Pending { expires_at: NOW + Span::minutes(10) };
    WrappedDataKey { account: account(n), wrapped: vec![n; 60], keyring_version: 1, state }
}

/// The failures of identifier `n`, which has no account.
#[must_use]
pub fn unknown_failures(n: u8) -> UnknownIdentifierFailures {
    let failures = FailureWindow { count: 1, last_at: Some(NOW) };
    UnknownIdentifierFailures { identifier: identifier(n), failures, version: 1, expires_at: NOW + Span::days(1) }
}

/// The account that flow `id` creates: everything that one transaction writes.
#[must_use]
pub fn new_account(n: u8, id: u8) -> NewAccount {
    let terms = AcceptedTerms::of_earlier_release("terms", "2026-01", NOW);
    NewAccount {
        identifier: identifier(n),
        authentication: authentication(n),
        password: Some(password(n)),
        passkey: None,
        profile: Profile {
            account: account(n),
            claims: Sealed(vec![1; 120]),
            updated_at: NOW,
            email_change: None,
            email_undos: Vec::new(),
            email_change_starts: Vec::new(),
            spent_proof: None,
            address_proof: None,
            disowned: Vec::new(),
            version: 1,
        },
        terms: vec![terms],
        link: None,
        flow: Flow { state: FlowState::Completed, version: 2, ..flow(n, id, FlowPurpose::Registration) },
        data_key: WrappedDataKey { state: DataKeyState::Account, ..data_key(n) },
    }
}

impl Bench {
    /// Registers account `n` through flow `n`.
    ///
    /// # Panics
    /// Panics if a commit fails.
    pub async fn register(&self, n: u8) {
        self.prepare([
            Change::create_data_key(data_key(n)),
            Change::begin_flow(flow(n, n, FlowPurpose::Registration)),
            Change::create_account(new_account(n, n)),
        ])
        .await;
    }

    /// Commits the preconditions of a test, each change in its own request. Resets the meter.
    ///
    /// # Panics
    /// Panics if a commit fails.
    pub async fn prepare(&self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            self.commit(change).await.expect("a precondition is stored");
        }
        drop(self.meter.take());
    }
}

/// Stores another version of the default tenant's document in a world.
///
/// # Panics
/// Panics if it can't be stored.
pub async fn put_document(world: &World, document: &str) {
    let text = document.replace("{origin}", world.origin());
    let store = world.services.store.tenant(TenantId::default_tenant());
    let newest = store.find_newest_document().await.expect("read").map(|newest| newest.version);
    store
        .put_document_after(newest, &text, DocumentOrigin::default(), world.services.clock.now())
        .await
        .expect("the document is stored");
    world.advance(Span::seconds(61));
}
