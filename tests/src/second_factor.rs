//! An authenticator app and recovery codes of an account, written into the store without pages. For tests of what follows.

use crate::{Browser, Customer, OAuthClient};
use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::account::AccountState;
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::recovery_codes::{CODE_BYTES, COUNT, RecoveryCodes};
use latchkey::domain::sign_in::factors::Factors;
use latchkey::domain::sign_in::methods::totp::current_code;
use latchkey::domain::time::Span;
use latchkey::domain::totp::{SEED_BYTES, StoredSeed, TotpCredential, TotpSeed};
use latchkey::keys::SealedField;
use latchkey::services::Tenant;
use latchkey::store::account::SignInSnapshot;
use latchkey_local::world::World;

/// The second factors of one account.
pub struct SecondFactor {
    world: World,
    seed: TotpSeed,
    /// Its recovery codes.
    pub recovery_codes: Vec<String>,
}

impl SecondFactor {
    /// Protects the account of this customer. Sessions that it has stay as they are, below the level that it needs now.
    pub async fn give(world: &World, customer: &Customer) -> Self {
        OAuthClient::demo_app(world).sign_in(&mut Browser::new(world), customer).await;
        let tenant = tenant(world).await;
        let (state, data_key) = account(&tenant, customer).await;
        let (random, now) = (world.services.random, world.services.clock.now());
        let seed: [u8; SEED_BYTES] = random.bytes();
        let key = tenant.keys.data().expect("data keys").unwrap(&data_key).expect("the data key");
        let sealed = key.seal(SealedField::TotpSeed, &seed).expect("sealed");
        let active = Some(StoredSeed { seed: sealed, added_at: now });
        let totp = TotpCredential { account: state.account, active, pending: None, removed: None, version: 1 };
        let mut fresh = [[0; CODE_BYTES]; COUNT];
        fresh.iter_mut().for_each(|bytes| *bytes = random.bytes());
        let (codes, texts) = RecoveryCodes::issue(state.account, None, &fresh.into(), now);
        let session = tenant.store.find_sessions(state.account).await.expect("sessions").pop().expect("a session");
        let session = latchkey::domain::session::Session { version: session.version + 1, ..session };
        let factors = Factors { totp: Some(0), recovery_codes: 10, ..state.factors };
        let state = AccountState { protected: true, factors, version: state.version + 1, ..state };
        commit(world, Change::activate_totp(state, totp, codes, session)).await;
        let recovery_codes = texts.iter().map(|text| text.expose().to_owned()).collect();
        Self { world: world.clone(), seed: TotpSeed::from_bytes(seed), recovery_codes }
    }

    /// The code that the app shows now.
    #[must_use]
    pub fn code(&self) -> String {
        current_code(&self.seed, self.world.services.clock.now()).expose().to_owned()
    }

    /// The code of the next time step: the clock moves there.
    #[must_use]
    pub fn next_code(&self) -> String {
        self.world.advance(Span::seconds(30));
        self.code()
    }

    /// A code that is not accepted at any time near this one.
    #[must_use]
    pub fn wrong_code(&self) -> String {
        let now = self.world.services.clock.now();
        let near: Vec<String> =
            (-12..=12).map(|steps| current_code(&self.seed, now + Span::seconds(30 * steps)).expose().to_owned()).collect();
        (0..30).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).expect("a code")
    }
}

/// Commits a change in its own request.
pub async fn commit(world: &World, change: Change) {
    let request = RequestContext {
        request_id: data_encoding::BASE64URL_NOPAD.encode(&world.services.random.bytes::<12>()).parse().expect("an id"),
        now: world.services.clock.now(),
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    };
    tenant(world).await.store.commit(&Changes::one(change), &request).await.expect("committed");
}

/// The default tenant.
pub async fn tenant(world: &World) -> Tenant {
    world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant")
}

/// The state of a customer's account.
pub async fn state(world: &World, customer: &Customer) -> AccountState {
    account(&tenant(world).await, customer).await.0
}

async fn account(tenant: &Tenant, customer: &Customer) -> (AccountState, latchkey::domain::account::WrappedDataKey) {
    let email = EmailAddress::parse(&customer.email).expect("an address");
    let identifier = tenant.keys.identifier().expect("the key").hash_email(&email);
    match tenant.store.find_sign_in(&identifier).await.expect("read") {
        SignInSnapshot::Known { authentication, data_key, .. } => (*authentication, data_key),
        SignInSnapshot::Unknown { .. } => panic!("no account has this address"),
    }
}
