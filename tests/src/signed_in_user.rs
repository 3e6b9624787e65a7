//! An account with a session, written into the store of a world without pages. For tests of the steps after the sign-in, which need
//! grants that no page issues (another epoch, another client, an old code).

use crate::{OAuthClient, World, oauth_client};
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::account::{AccountState, AccountStatus, DataKeyState, LinkSeed, PasswordHome, WrappedDataKey};
use latchkey::domain::amr::Amr;
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::credential::PasswordCredential;
use latchkey::domain::erasure::{Requested, request_deletion};
use latchkey::domain::failure_window::FailureWindow;
use latchkey::domain::flow::{Flow, FlowPurpose, FlowState};
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::IdentifierHash;
use latchkey::domain::oauth::grant::{AuthorizationCode, CODE_LIFETIME, Grant, GrantState};
use latchkey::domain::profile::Profile;
use latchkey::domain::roles::Roles;
use latchkey::domain::secret::{PasswordHash, hash_secret};
use latchkey::domain::session::Session;
use latchkey::domain::sign_in::evidence::Proofs;
use latchkey::domain::sign_in::factors::Factors;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::domain::verbs::NewAccount;
use latchkey::keys::SealedField;
use latchkey::keys::locator::GrantLocator;
use latchkey::services::Tenant;
use serde_json::{Value, json};

/// An account with a session.
pub struct SignedInUser {
    world: World,
    tenant: Tenant,
    /// Its authentication item, as last written.
    pub authentication: AccountState,
    /// Its session, as last written.
    pub session: Session,
    /// The claims of its profile.
    pub claims: Value,
}

impl SignedInUser {
    /// A new user of the default tenant, signed in one minute ago.
    pub async fn new(world: &World) -> Self {
        Self::of_tenant(world, &TenantId::default_tenant()).await
    }

    /// A new user of this tenant, signed in one minute ago.
    pub async fn of_tenant(world: &World, tenant: &TenantId) -> Self {
        let tenant = world.services.tenant(tenant).await.expect("a tenant");
        let (random, now) = (world.services.random, world.services.clock.now());
        let account = random.account_id();
        let authentication = AccountState {
            account,
            sub: random.sub(),
            status: AccountStatus::Active,
            epoch: 1,
            epoch_began_at: None,
            identifier_since: None,
            identifier: IdentifierHash { key_version: 1, hash: random.bytes() },
            created_at: now,
            failures: FailureWindow::default(),
            devices: vec![],
            password_home: PasswordHome::Here,
            roles: Roles::default(),
            legal_hold: None,
            protected: false,
            factors: Factors::default(),
            satisfied: None,
            version: 1,
        };
        let session = Session {
            id: random.session_id(),
            account,
            epoch: 1,
            secret_hash: hash_secret(&random.secret()),
            created_at: now - Span::minutes(1),
            auth_time: now - Span::minutes(1),
            amr: vec![Amr::Pwd],
            proofs: Proofs::none(),
            last_used_at: now - Span::minutes(1),
            expires_at: now + Span::days(300),
            idle_expires_at: now + Span::days(200),
            device: None,
            device_id: None,
            ended_at: None,
            version: 1,
        };
        let claims = json!({
            "email": "ada@example.com", "email_verified": true, "given_name": "Ada", "family_name": "Lovelace",
            "phone_number": "+4930123456", "customer_type": "private",
        });
        let person = Self { world: world.clone(), tenant, authentication, session, claims };
        person.register(now).await;
        person.commit(Change::open_session(person.session.clone())).await;
        person
    }

    async fn register(&self, now: Timestamp) {
        let Self { authentication, tenant, world, .. } = self;
        let account = authentication.account;
        let (key, wrapped, keyring_version) = tenant.keys.data().expect("data keys").generate(account).expect("a data key");
        let expires_at = now + Span::minutes(10);
        let pending = WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Pending { expires_at } };
        let flow = Flow {
            id: world.services.random.flow_id(),
            purpose: FlowPurpose::Registration,
            account,
            identifier: authentication.identifier,
            seed: world.services.random.bytes::<16>().to_vec(),
            code_key_version: 1,
            completion: None,
            long_code: false,
            generation: 1,
            tries: 0,
            state: FlowState::Open,
            browser: None,
            client_id: "demo-app".parse().expect("a client id"),
            locale: "en".to_owned(),
            continue_to: None,
            payload: None,
            created_at: now,
            expires_at,
            version: 1,
        };
        let profile = key.seal(SealedField::Profile, self.claims.to_string().as_bytes()).expect("sealed");
        let hash = PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo".to_owned());
        self.commit(Change::create_data_key(pending.clone())).await;
        self.commit(Change::begin_flow(flow.clone())).await;
        self.commit(Change::create_account(NewAccount {
            link: None,
            identifier: authentication.identifier,
            authentication: authentication.clone(),
            password: Some(PasswordCredential { account, hash, changed_at: now, version: 1 }),
            passkey: None,
            profile: Profile {
                account,
                claims: profile,
                updated_at: now,
                email_change: None,
                email_undos: Vec::new(),
                email_change_starts: Vec::new(),
                spent_proof: None,
                address_proof: None,
                disowned: Vec::new(),
                version: 1,
            },
            terms: vec![],
            flow: Flow { state: FlowState::Completed, version: 2, ..flow },
            data_key: WrappedDataKey { state: DataKeyState::Account, ..pending },
        }))
        .await;
    }

    /// The subject identifier in tokens.
    #[must_use]
    pub fn sub(&self) -> String {
        self.authentication.sub.to_string()
    }

    /// An authorization code for this client, as a sign-in issues it, with the client's scope and challenge.
    pub async fn code(&self, client: &OAuthClient) -> String {
        self.code_with(client, |_| {}).await
    }

    /// A code of a grant that `change` altered before it was issued.
    pub async fn code_with(&self, client: &OAuthClient, change: impl FnOnce(&mut Grant)) -> String {
        let (random, now) = (self.world.services.random, self.world.services.clock.now());
        let secret = random.secret();
        let mut grant = Grant {
            id: random.grant_id(),
            account: self.authentication.account,
            sub: self.authentication.sub,
            epoch: self.authentication.epoch,
            client_id: client.client_id.parse().expect("a client id"),
            sid: self.session.id,
            scope: client.scope.parse().expect("a scope"),
            resource: None,
            nonce: Some("nonce-of-the-test".to_owned()),
            auth_time: self.session.auth_time,
            amr: self.session.amr.clone(),
            proofs: Proofs::none(),
            acr: None,
            code: Some(AuthorizationCode {
                secret_hash: hash_secret(&secret),
                redirect_uri: client.redirect_uri.clone(),
                redirect_uri_in_request: true,
                code_challenge: Some(oauth_client::challenge(&client.verifier)),
                expires_at: now + CODE_LIFETIME,
            }),
            state: GrantState::CodeIssued,
            revoked_jtis: vec![],
            created_at: now,
            expires_at: now + CODE_LIFETIME,
            version: 1,
        };
        change(&mut grant);
        let at = GrantLocator { account: grant.account, grant: grant.id, session: Some(grant.sid), generation: 0 };
        self.commit(Change::issue_authorization_code(grant)).await;
        self.tenant.keys.locator().expect("locator keys").authorization_code(&at, &secret).expose().to_owned()
    }

    /// Changes the authentication item and writes it.
    pub async fn update_authentication(&mut self, change: impl FnOnce(&mut AccountState)) {
        change(&mut self.authentication);
        self.authentication.version += 1;
        self.commit(Change::record_sign_in(self.authentication.clone())).await;
    }

    /// Closes the account. Returns when its erasure is due.
    pub async fn close(&mut self, grace: Span) -> Timestamp {
        let now = self.world.services.clock.now();
        let seed = LinkSeed { key_version: 1, bytes: self.world.services.random.bytes() };
        let decision = request_deletion(&self.authentication, seed, grace, now);
        for change in decision.changes.0 {
            if let Some(authentication) = change.written::<AccountState>().next() {
                self.authentication = authentication.clone();
            }
            self.commit(change).await;
        }
        match decision.outcome {
            Requested::ErasureDue { due } => due,
            Requested::NotActive => panic!("the account can't be closed"),
        }
    }

    /// Ends the session.
    pub async fn sign_out(&mut self) {
        self.session.ended_at = Some(self.world.services.clock.now());
        self.session.version += 1;
        self.commit(Change::end_session(self.session.clone())).await;
    }

    /// Commits a change in its own request.
    pub async fn commit(&self, change: Change) {
        let request = RequestContext {
            request_id: data_encoding::BASE64URL_NOPAD
                .encode(&self.world.services.random.bytes::<12>())
                .parse()
                .expect("an id"),
            now: self.world.services.clock.now(),
            attempt: 1,
            address_hash: None,
            deadline: Deadline::default(),
        };
        self.tenant.store.commit(&Changes::one(change), &request).await.expect("a commit");
    }
}
