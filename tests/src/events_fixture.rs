//! The events function over the embedded engine: flows and accounts with real keys, the stream, and the resulting mails.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use crate::store::{flow, new_account, request};
use events::{Dispatch, Events};
use latchkey::context::{Clock, Deadline, RequestContext};
use latchkey::delivery::{Mail, Mailer};
use latchkey::domain::account::{AccountStatus, DataKeyState, WrappedDataKey};
use latchkey::domain::change::Change;
use latchkey::domain::flow::{Flow, FlowPurpose, FlowState};
use latchkey::domain::id::{AccountId, TenantId};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::profile::{Claims, Profile};
use latchkey::domain::registration::PendingRegistration;
use latchkey::domain::secret::PasswordHash;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::domain::verbs::NewAccount;
use latchkey::keys::{KeyVault, LegacyKeys, SealedField};
use latchkey::services::{Origin, Services, SourceLimiter, Tenant};
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::assemble::{self, Document, Parts, TABLES};
use latchkey_local::engine::{Engine, client};
use latchkey_local::fault::Faults;
use latchkey_local::stream::StreamReader;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

/// The issuer in every mail.
pub const ISSUER: &str = "https://id.example.com";

/// The function, with its input and output.
pub struct EventsFixture {
    /// The services of the function.
    pub services: Services,
    /// The default tenant.
    pub tenant: Tenant,
    /// The tables, for direct reads.
    pub engine: Engine,
    /// The fault script.
    pub faults: Faults,
    /// The function itself.
    pub events: Events,
    mails: UnboundedReceiver<Mail>,
    stream: StreamReader,
}

impl EventsFixture {
    /// A function over empty tables, with a fixed clock.
    ///
    /// # Panics
    /// Panics if the setup fails.
    pub async fn new() -> Self {
        let engine = Engine::memory().expect("an engine in memory");
        let faults = Faults::seeded(1);
        let services = assemble::services(Parts {
            origin: Origin::parse(ISSUER).expect("an origin"),
            connector: faults.around(engine.connector()),
            vault: KeyVault::ephemeral(),
            legacy_directory: None,
            legacy_keys: LegacyKeys::none(),
            clock: Clock::frozen(crate::store::NOW),
            hashing_lanes: 1,
            sources: SourceLimiter::default(),
        });
        let document = Document { tenant: TenantId::default_tenant(), text: DEFAULT_DOCUMENT.to_owned() };
        assemble::prepare(&services, &[document]).await.expect("tables and a tenant");
        let tenant = services.tenant(&TenantId::default_tenant()).await.expect("the default tenant");
        let (mailer, mails) = Mailer::mailbox();
        let events = Events::new(services.clone(), Dispatch::Direct(mailer)).expect("whole templates");
        let stream = StreamReader::new(engine.clone(), TABLES[0]);
        Self { services, tenant, engine, faults, events, mails, stream }
    }

    /// The time of the clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// A pending registration of this address, number `n`, with its data key.
    ///
    /// # Panics
    /// Panics if it can't be sealed or stored.
    pub async fn begin_registration(&self, n: u8, address: &str) -> Flow {
        let keys = &self.tenant.keys;
        let address = EmailAddress::parse(address).expect("an address");
        let flow = self.flow(n, &address, FlowPurpose::Registration);
        let (data_key, wrapped, keyring_version) = keys.data().expect("data keys").generate(flow.account).expect("a data key");
        let pending = PendingRegistration {
            email: address.as_str().to_owned(),
            typed: None,
            claims: Claims([("given_name".to_owned(), json!("<b>Mallory</b>"))].into_iter().collect()),
            password: Some(PasswordHash::from_phc("$argon2id$".to_owned())),
            terms: Vec::new(),
        };
        let pending = serde_json::to_vec(&pending).expect("JSON");
        let payload = data_key.seal(SealedField::PendingRegistration, &pending).expect("a seal");
        let flow = Flow { payload: Some(payload), ..flow };
        let state = DataKeyState::Pending { expires_at: flow.expires_at };
        self.commit(Change::create_data_key(WrappedDataKey { account: flow.account, wrapped, keyring_version, state })).await;
        self.commit(Change::begin_flow(flow.clone())).await;
        flow
    }

    /// A recovery for this address, number `n`.
    ///
    /// # Panics
    /// Panics if it can't be stored.
    pub async fn begin_recovery(&self, n: u8, address: &str) -> Flow {
        let address = EmailAddress::parse(address).expect("an address");
        let flow = Flow { payload: None, locale: "de".to_owned(), ..self.flow(n, &address, FlowPurpose::Recovery) };
        self.commit(Change::begin_flow(flow.clone())).await;
        flow
    }

    fn flow(&self, n: u8, address: &EmailAddress, purpose: FlowPurpose) -> Flow {
        let keys = &self.tenant.keys;
        Flow {
            identifier: keys.identifier().expect("identifier keys").hash_email(address),
            code_key_version: keys.proof().expect("proof keys").current_version(),
            seed: vec![n; 16],
            created_at: self.now(),
            expires_at: self.now() + Span::minutes(10),
            ..flow(n, n, purpose)
        }
    }

    /// Creates account `n` with this address and given name. Drops the mails that this causes.
    ///
    /// # Panics
    /// Panics if it can't be created.
    pub async fn register(&mut self, n: u8, address: &str, given_name: &str, status: AccountStatus) -> AccountId {
        let flow = self.begin_registration(n, address).await;
        let snapshot = self.tenant.store.find_flow(flow.id, flow.account).await.expect("a store").expect("a flow");
        let wrapped = snapshot.data_key.expect("a data key");
        let data_key = self.tenant.keys.data().expect("data keys").unwrap(&wrapped).expect("our data key");
        let claims = json!({ "email": address, "email_verified": true, "given_name": given_name });
        let claims = data_key.seal(SealedField::Profile, &serde_json::to_vec(&claims).expect("JSON")).expect("a seal");
        let sample = new_account(n, n);
        let account = NewAccount {
            identifier: flow.identifier,
            authentication: latchkey::domain::account::AccountState {
                identifier: flow.identifier,
                status,
                ..sample.authentication
            },
            profile: Profile { claims, ..sample.profile },
            data_key: WrappedDataKey { state: DataKeyState::Account, ..wrapped },
            flow: Flow { state: FlowState::Completed, version: flow.version + 1, ..flow.clone() },
            ..sample
        };
        self.commit(Change::create_account(account)).await;
        self.pump().await;
        flow.account
    }

    /// Commits one change in its own request.
    ///
    /// # Panics
    /// Panics if the commit fails.
    pub async fn commit(&self, change: Change) {
        let changes = latchkey::domain::change::Changes::one(change);
        let request = RequestContext { now: self.now(), ..request() };
        self.tenant.store.commit(&changes, &request).await.expect("a commit");
    }

    /// Changes the password of account `n` to its version `version`.
    ///
    /// # Panics
    /// Panics if the commit fails.
    pub async fn change_password(&self, n: u8, version: u64) {
        let sample = new_account(n, n);
        let account = sample.authentication.account;
        let stored = self.tenant.store.find_profile(account).await.expect("a store").expect("an account").authentication;
        let password = latchkey::domain::credential::PasswordCredential { version, ..sample.password.expect("a password") };
        self.commit(Change::change_password(stored.with_new_password(self.now()), password, None, None)).await;
    }

    /// The kinds of the events in the history of an account.
    ///
    /// # Panics
    /// Panics if the store fails.
    pub async fn history(&self, account: AccountId) -> Vec<latchkey::domain::audit::EventKind> {
        let events = self.tenant.store.find_history(account, 100).await.expect("a history");
        events.into_iter().map(|event| event.kind).collect()
    }

    /// Every record of the stream, in Lambda's format, after the filter of the deployed stream.
    ///
    /// # Panics
    /// Panics if the engine fails.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let batch = self.stream.read(after.as_deref()).expect("a stream");
            let Some(last) = batch.sequence_numbers.last() else { return records };
            after = Some(last.clone());
            records.extend(batch.records);
        }
    }

    /// Processes the whole stream. Returns the mails.
    ///
    /// # Panics
    /// Panics if a record fails.
    pub async fn pump(&mut self) -> Vec<Mail> {
        let records = self.records();
        let (failed, mails) = self.handle(&records).await;
        assert_eq!(failed, Vec::<String>::new());
        mails
    }

    /// Processes these records or messages. Returns the ids of the failed ones, and the mails.
    ///
    /// # Panics
    /// Panics if the batch is refused.
    pub async fn handle(&mut self, records: &[Value]) -> (Vec<String>, Vec<Mail>) {
        let answer = self.events.handle(&json!({ "Records": records }), Deadline::default()).await.expect("a batch");
        let failures = answer["batchItemFailures"].as_array().expect("a list").iter();
        let failures = failures.map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect();
        let mut mails = Vec::new();
        while let Ok(mail) = self.mails.try_recv() {
            mails.push(mail);
        }
        (failures, mails)
    }

    /// The number of audit records.
    ///
    /// # Panics
    /// Panics if the engine fails.
    pub async fn audit_records(&self) -> i32 {
        client(self.engine.connector()).scan().table_name(TABLES[2]).send().await.expect("a scan").count()
    }

    /// Commits a change and processes only its records. Returns the mails.
    ///
    /// # Panics
    /// Panics if a record fails.
    pub async fn mails_of(&mut self, change: Change) -> Vec<Mail> {
        let before = self.records().len();
        self.commit(change).await;
        let records = self.records();
        let (failed, mails) = self.handle(&records[before..]).await;
        assert_eq!(failed, Vec::<String>::new());
        mails
    }
}
