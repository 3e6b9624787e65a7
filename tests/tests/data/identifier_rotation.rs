//! Rotation of the identifier key (decision 34): while two versions are live, every account is found, no address gets two accounts,
//! and a version is dropped only when nothing is stored under it.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use futures_util::future::join_all;
use latchkey::domain::account::{AccountState, AccountStatus, Sealed, WrappedDataKey};
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use latchkey::domain::id::{AccountId, Sub, TenantId};
use latchkey::domain::identifier::{EmailAddress, IdentifierForms, IdentifierHash};
use latchkey::domain::linked_identity::{FederatedSubject, LinkedIdentity, SubjectHash};
use latchkey::domain::profile::Profile;
use latchkey::domain::tenant::Signer;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::domain::transfer::TransferredAccount;
use latchkey::domain::verbs::NewAccount;
use latchkey::keys::{KeyVault, Keys, TenantKeys, identifier_rotation};
use latchkey::purpose::Purpose;
use latchkey::store::account::SignInSnapshot;
use latchkey::store::erasure::Removal;
use latchkey::store::reclaim::{FormerItem, Reclaimed};
use latchkey::store::{CommitError, TenantStore};
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tests::store::{Bench, NOW, request};
use tests::{AccountClient, Anonymous, Browser, Customer, invariants};

/// A tenant with two live versions of the identifier key, seen by an instance that makes items under the first one, and by one that makes
/// them under the second.
struct Rotating {
    bench: Bench,
    /// Before the rotation.
    before: Arc<TenantKeys>,
    early: TenantStore,
    late: TenantStore,
    forms: Arc<dyn IdentifierForms>,
}

async fn keys(vault: &KeyVault, store: &TenantStore, now: Timestamp) -> Arc<TenantKeys> {
    Keys::new(vault.clone(), &[Purpose::Identifier]).tenant(store, Signer::Local, now).await.expect("keys")
}

impl Rotating {
    async fn new(prepare: impl AsyncFnOnce(&Bench, &TenantKeys)) -> Self {
        let (bench, vault) = (Bench::new().await, KeyVault::ephemeral());
        let before = keys(&vault, &bench.store, NOW).await;
        prepare(&bench, &before).await;
        let made = identifier_rotation::begin(&vault, &bench.store, NOW).await.expect("begun");
        assert_eq!(made, Some(2));
        assert_eq!(identifier_rotation::begin(&vault, &bench.store, NOW).await.expect("asked"), None, "one rotation at a time");
        let early = keys(&vault, &bench.store, NOW + Span::minutes(4)).await;
        let late = keys(&vault, &bench.store, NOW + Span::minutes(6)).await;
        let making = |keys: &TenantKeys| keys.identifier().expect("the key").making();
        assert_eq!((making(&early), making(&late)), (1, 2));
        let with = |keys: &TenantKeys| bench.store.clone().with_identifiers(keys.identifier_forms());
        let forms = late.identifier_forms().expect("the key");
        let (early, late) = (with(&early), with(&late));
        drop(bench.meter.take());
        Self { bench, before, early, late, forms }
    }
    fn hash(&self, n: u32) -> IdentifierHash {
        hash(&self.before, n)
    }
    /// What is stored under the first version.
    async fn left(&self) -> Vec<FormerItem> {
        let (mut left, mut next) = (Vec::new(), None);
        loop {
            let page = self.bench.store.find_former_items(1, next).await.expect("a page");
            left.extend(page.found.into_iter().map(|item| item.expect("an item")));
            next = page.next;
            if next.is_none() {
                return left;
            }
        }
    }
    /// One run of the command.
    async fn reclaim(&self) -> usize {
        let mut moved = 0;
        for some in self.left().await.chunks(16) {
            let ones = some.iter().map(|item| async {
                self.bench.store.reclaim(*item, self.forms.as_ref(), &request()).await.expect("an answer")
            });
            moved += join_all(ones).await.into_iter().filter(|one| *one == Reclaimed::Moved).count();
        }
        moved
    }
    /// The claims of an address, by version.
    async fn claims(&self, n: u32) -> Vec<(u32, AccountId)> {
        let mut claims = Vec::new();
        for form in self.forms.forms(&self.hash(n)) {
            let found = self.bench.store.find_account(&form).await.expect("read");
            claims.extend(found.map(|account| (form.key_version, account)));
        }
        claims
    }
}

fn email(n: u32) -> EmailAddress {
    EmailAddress::parse(&format!("person{n}@example.com")).expect("an address")
}

fn hash(keys: &TenantKeys, n: u32) -> IdentifierHash {
    keys.identifier().expect("the key").hash_email(&email(n))
}

fn id(n: u32, second: u8) -> [u8; 16] {
    let mut id = [second; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id
}

/// A user without a password, imported under this address: `second` makes another account of the same address.
fn imported(identifier: IdentifierHash, n: u32, second: u8) -> Changes {
    with_link(identifier, n, second, None)
}

fn with_link(identifier: IdentifierHash, n: u32, second: u8, subject: Option<SubjectHash>) -> Changes {
    let NewAccount { authentication, profile, data_key, .. } = tests::store::new_account(1, 1);
    let account = AccountId::from_bytes(id(n, second));
    let mut authentication = authentication;
    (authentication.account, authentication.sub, authentication.identifier) =
        (account, Sub::from_bytes(id(n, second)), identifier);
    Changes::one(Change::move_account(TransferredAccount {
        authentication,
        password: None,
        profile: Profile { account, ..profile },
        links: subject
            .map(|subject| LinkedIdentity { account, subject, named: Sealed(vec![1; 40]), linked_at: NOW })
            .into_iter()
            .collect(),
        terms: Vec::new(),
        consents: Vec::new(),
        totp: None,
        recovery_codes: None,
        passkeys: Vec::new(),
        data_key: WrappedDataKey { account, ..data_key },
    }))
}

/// Registration against registration, and both against the re-claim: 64 addresses, each of them claimed by an instance of each version at
/// the same moment. Of the first 32, half have an account already.
#[tokio::test]
async fn security_71_no_address_gets_two_accounts_while_two_versions_are_live() {
    const ADDRESSES: u32 = 64;
    let rotating = Rotating::new(async |bench, keys| {
        for n in (0..32).step_by(2) {
            bench.store.commit(&imported(hash(keys, n), n, 9), &request()).await.expect("stored");
        }
    })
    .await;
    let claim = async |store: &TenantStore, n: u32, second: u8| {
        tokio::task::yield_now().await;
        match store.commit(&imported(rotating.hash(n), n, second), &request()).await {
            Ok(()) => true,
            Err(CommitError::Conflict(_)) => false,
            Err(error) => panic!("{error}"),
        }
    };
    let reclaims = async {
        let mut moved = 0;
        for _ in 0..8 {
            moved += rotating.reclaim().await;
            tokio::task::yield_now().await;
        }
        moved
    };
    let registrations = join_all((0..ADDRESSES).map(|n| {
        let (rotating, claim) = (&rotating, &claim);
        async move { tokio::join!(claim(&rotating.early, n, 1), claim(&rotating.late, n, 2)) }
    }));
    let (_, outcomes) = tokio::join!(reclaims, registrations);
    for (n, (early, late)) in (0..ADDRESSES).zip(outcomes) {
        let had_one = n < 32 && n % 2 == 0;
        let claims = rotating.claims(n).await;
        assert_eq!(claims.len(), 1, "{n}: {claims:?}");
        assert_eq!(u8::from(early) + u8::from(late), u8::from(!had_one), "{n}: {claims:?}");
        for store in [&rotating.early, &rotating.late] {
            let found = store.find_account(&rotating.hash(n)).await.expect("read");
            assert_eq!(found, Some(claims[0].1), "{n}: every instance finds it");
        }
    }
    while rotating.reclaim().await > 0 {}
    assert_eq!(rotating.left().await, []);
    assert_eq!(
        invariants::scan_tables(&invariants::read(&rotating.bench.engine)).iter().filter(|line| line.contains("I1")).count(),
        0
    );
}

/// Every kind of claim moves with its owner, and an interrupted run is repeated. 10,000 accounts with `LATCHKEY_RECLAIM=10000`.
#[tokio::test]
async fn everything_under_the_earlier_version_moves_and_is_counted() {
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
    let accounts: u32 = std::env::var("LATCHKEY_RECLAIM").ok().and_then(|number| number.parse().ok()).unwrap_or(400);
    let unknown = UnknownIdentifierFailures {
        identifier: IdentifierHash { key_version: 1, hash: [0; 32] },
        failures: FailureWindow { count: 7, last_at: Some(NOW) },
        version: 1,
        expires_at: NOW + Span::days(90),
    };
    let subject = |n: u32| FederatedSubject { issuer: "https://login.example.com".to_owned(), subject: format!("person{n}") };
    let rotating = Rotating::new(async |bench, keys| {
        let hashed = |n| keys.identifier().expect("the key").hash_subject(&subject(n));
        for n in 0..accounts {
            let linked = [1, 2].contains(&n).then(|| hashed(n));
            bench.store.commit(&with_link(hash(keys, n), n, 9, linked), &request()).await.expect("stored");
        }
        // The second subject is that of an erased account.
        let erased = Removal::LinkedIdentity(AccountId::from_bytes(id(2, 9)), hashed(2));
        bench.store.remove(&erased, &request()).await.expect("removed");
        for n in [accounts, accounts + 1] {
            let failures = UnknownIdentifierFailures { identifier: hash(keys, n), ..unknown.clone() };
            bench.prepare([Change::count_unknown_sign_in(failures)]).await;
        }
    })
    .await;
    // A sign-in attempt meanwhile counts on, under the next version.
    let SignInSnapshot::Unknown { failures: Some(found) } =
        rotating.late.find_sign_in(&rotating.hash(accounts)).await.expect("read")
    else {
        panic!("no failures")
    };
    assert_eq!((found.failures.count, found.version), (7, 0), "the failures are found under the earlier version");
    let counted = UnknownIdentifierFailures { failures: found.failures.failed(NOW), version: 1, ..found };
    rotating.late.commit(&Changes::one(Change::count_unknown_sign_in(counted)), &request()).await.expect("counted");

    let expected = accounts as usize * 2 + 2 + 2;
    assert_eq!(rotating.left().await.len(), expected, "accounts and their claims, subjects, failures");
    let half: Vec<_> = rotating.left().await.into_iter().step_by(2).collect();
    for item in half {
        rotating.bench.store.reclaim(item, rotating.forms.as_ref(), &request()).await.expect("moved");
    }
    assert!(rotating.left().await.len() < expected);
    rotating.reclaim().await;
    assert_eq!(rotating.left().await, []);
    for n in (0..accounts).step_by(37) {
        assert_eq!(rotating.claims(n).await, [(2, AccountId::from_bytes(id(n, 9)))]);
        let state =
            rotating.late.find_authentication(AccountId::from_bytes(id(n, 9))).await.expect("read").expect("the account");
        assert_eq!(state.identifier, rotating.forms.claimed(&rotating.hash(n)), "the account names its claim");
    }
    let hashed = |n| rotating.before.identifier().expect("the key").hash_subject(&subject(n));
    let found = rotating.late.find_subject(&hashed(1)).await.expect("read").expect("the claim");
    assert_eq!(found.account, Some(AccountId::from_bytes(id(1, 9))));
    let links = rotating.late.find_links(AccountId::from_bytes(id(1, 9))).await.expect("read");
    assert_eq!(links.iter().map(|link| link.subject.0.key_version).collect::<Vec<_>>(), [2]);
    assert_eq!(
        rotating.late.find_subject(&hashed(2)).await.expect("read").map(|claim| claim.account),
        Some(None),
        "stays erased"
    );
    for (n, count) in [(accounts, 8), (accounts + 1, 7)] {
        let SignInSnapshot::Unknown { failures: Some(found) } =
            rotating.late.find_sign_in(&rotating.hash(n)).await.expect("read")
        else {
            panic!("no failures")
        };
        assert_eq!(found.failures.count, count, "no failure is forgotten");
    }
}

/// security 129: an erasure while claims move removes the earlier form first, so what moves meanwhile is found under the next one. The
/// failures that were counted for the address are removed under both.
#[tokio::test]
async fn an_erasure_leaves_no_claim_and_no_failures_under_either_version() {
    for early in [true, false] {
        let failures = |identifier| UnknownIdentifierFailures {
            identifier,
            failures: FailureWindow { count: 7, last_at: Some(NOW) },
            version: 1,
            expires_at: NOW + Span::days(90),
        };
        let rotating = Rotating::new(async |bench, keys| {
            bench.store.commit(&imported(hash(keys, 1), 1, 9), &request()).await.expect("stored");
            bench.prepare([Change::count_unknown_sign_in(failures(hash(keys, 1)))]).await;
        })
        .await;
        let under_next = Changes::one(Change::count_unknown_sign_in(failures(rotating.hash(1))));
        rotating.late.commit(&under_next, &request()).await.expect("counted");
        let store = if early { &rotating.early } else { &rotating.late };
        let (account, identifier) = (AccountId::from_bytes(id(1, 9)), rotating.hash(1));
        for removal in [Removal::Identifier(account, identifier), Removal::UnknownFailures(identifier)] {
            let slow = Fault::SlowAfter(Duration::from_millis(100));
            rotating.bench.faults.add(Calls::Named("DeleteItem"), Trigger::Nth(1), slow);
            let reclaim = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                rotating.reclaim().await
            };
            let request = request();
            let (_, removed) = tokio::join!(reclaim, store.remove(&removal, &request));
            removed.expect("removed");
            rotating.bench.faults.clear();
        }
        assert_eq!(rotating.claims(1).await, [], "early: {early}");
        let found = rotating.late.find_sign_in(&identifier).await.expect("read");
        assert!(matches!(found, SignInSnapshot::Unknown { failures: None }), "early: {early}: {found:?}");
    }
}

/// An account can name an address by the earlier version without its claim: an undo took the address from it, or the claim moved without it.
/// It moves alone; otherwise the version could never be dropped.
#[tokio::test]
async fn an_account_without_its_claim_moves_alone() {
    let rotating = Rotating::new(async |bench, keys| {
        bench.store.commit(&imported(hash(keys, 1), 1, 9), &request()).await.expect("stored");
        bench
            .store
            .remove(&Removal::Identifier(AccountId::from_bytes(id(1, 9)), hash(keys, 1)), &request())
            .await
            .expect("removed");
        bench.store.commit(&imported(hash(keys, 1), 1, 8), &request()).await.expect("stored");
    })
    .await;
    let (without, owner) = (AccountId::from_bytes(id(1, 9)), AccountId::from_bytes(id(1, 8)));
    let moves = async |item| rotating.bench.store.reclaim(item, rotating.forms.as_ref(), &request()).await.expect("an answer");
    assert_eq!(moves(FormerItem::Account(without)).await, Reclaimed::Moved);
    assert_eq!(moves(FormerItem::Account(without)).await, Reclaimed::Gone);
    assert_eq!(rotating.claims(1).await, [(1, owner)], "the claim of another account stays");
    // With its claim it moves together with it.
    assert_eq!(moves(FormerItem::Account(owner)).await, Reclaimed::Moved);
    assert_eq!((rotating.claims(1).await, rotating.left().await), (vec![(2, owner)], vec![]));
}

/// security 111: the claim of a subject that moves while its account is erased would go on naming the account, and the user could be imported
/// again. The account's version decides.
#[tokio::test]
async fn a_subject_of_an_account_that_is_erased_meanwhile_stays_erased() {
    let subject = FederatedSubject { issuer: "https://login.example.com".to_owned(), subject: "person1".to_owned() };
    let rotating = Rotating::new(async |bench, keys| {
        let linked = keys.identifier().expect("the key").hash_subject(&subject);
        bench.store.commit(&with_link(hash(keys, 1), 1, 9, Some(linked)), &request()).await.expect("stored");
    })
    .await;
    let (store, account) = (&rotating.bench.store, AccountId::from_bytes(id(1, 9)));
    let from = rotating.before.identifier().expect("the key").hash_subject(&subject);
    let to = SubjectHash(rotating.forms.claimed(&from.0));
    let claimed = store.find_subject(&from).await.expect("read").expect("the claim");
    let link = store.find_links(account).await.expect("read").remove(0);
    let state = store.find_authentication(account).await.expect("read").expect("the account");
    let decided = Changes::one(Change::reclaim_subject(claimed, Some(state.version), Some(link), from, to));
    let erased = AccountState { status: AccountStatus::Erased { at: NOW }, version: state.version + 1, ..state };
    store.commit(&Changes::one(Change::erase_account(erased)), &request()).await.expect("erased");
    let late = store.commit(&decided, &request()).await;
    assert!(matches!(late, Err(CommitError::Conflict(_))), "decided before the erasure: {late:?}");
    let moves =
        async || store.reclaim(FormerItem::Subject(from), rotating.forms.as_ref(), &request()).await.expect("an answer");
    assert_eq!(moves().await, Reclaimed::Gone, "the erasure goes on with the claim that it knows");
    rotating.late.remove(&Removal::LinkedIdentity(account, from), &request()).await.expect("removed");
    assert_eq!(moves().await, Reclaimed::Moved);
    let left = rotating.late.find_subject(&from).await.expect("read").expect("the claim");
    assert_eq!((left.account, rotating.late.find_links(account).await.expect("read").len()), (None, 0));
}

/// Requests and units while two versions are live: the same for known and unknown addresses (security 71).
#[tokio::test]
async fn a_rotation_costs_1_unit_more_for_each_lookup_and_2_for_a_registration() {
    let rotating = Rotating::new(async |bench, keys| {
        bench.store.commit(&imported(hash(keys, 1), 1, 9), &request()).await.expect("stored");
    })
    .await;
    let cost = || {
        let calls = rotating.bench.meter.take();
        calls.iter().fold((0, 0.0, 0.0), |(n, read, write), call| (n + 1, read + call.engine.read, write + call.engine.write))
    };
    let plain = &rotating.bench.store;
    for (n, words) in [(1, "known"), (2, "unknown")] {
        plain.find_account(&rotating.hash(n)).await.expect("read");
        assert_eq!(cost(), (1, 1.0, 0.0), "{words}");
        rotating.late.find_account(&rotating.hash(n)).await.expect("read");
        assert_eq!(cost(), (1, 2.0, 0.0), "{words}");
        rotating.late.find_recovery(&rotating.hash(n)).await.expect("read");
        assert_eq!(cost(), (2, 4.0, 0.0), "{words}: 1 more than without a rotation");
        // A sign-in has two lookups: the account, and the failures of an unknown address.
        rotating.late.find_sign_in(&rotating.hash(n)).await.expect("read");
        assert_eq!(cost(), (2, 6.0, 0.0), "{words}");
    }
    plain.commit(&imported(rotating.hash(3), 3, 1), &request()).await.expect("stored");
    let (_, _, without) = cost();
    rotating.late.commit(&imported(rotating.hash(4), 4, 1), &request()).await.expect("stored");
    assert_eq!(cost(), (1, 0.0, without + 2.0));
}

/// The whole product before, during and after a rotation.
#[tokio::test]
async fn people_notice_nothing_of_a_rotation() {
    let vault = KeyVault::ephemeral();
    let world = World::builder().vault(vault.clone()).build().await.expect("a world");
    let store = world.services.store.tenant(TenantId::default_tenant());
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let leaver = Customer::registered(&world, "Leaver").await;
    let sign_in = async |customer: &Customer| {
        let mut browser = Browser::new(&world);
        let page = browser.open("/login").await;
        customer.sign_in(&mut browser, &page).await.status()
    };
    let taken = async |customer: &Customer| {
        assert_eq!(Anonymous::new(&world).post_json("/v1/registrations", &customer.registration()).await.status(), 202);
        world.mails_to(&customer.email).await.expect("mails")[0].codes.is_empty()
    };
    let now = || world.services.clock.now();
    assert_eq!(identifier_rotation::begin(&vault, &store, now()).await.expect("begun"), Some(2));
    world.advance(Span::minutes(2));
    let eve = Customer::registered(&world, "Eve").await;
    world.advance(Span::minutes(8));
    let fay = Customer::registered(&world, "Fay").await;
    let everybody = [&ada, &bob, &eve, &fay];
    for customer in everybody {
        assert_eq!(sign_in(customer).await, 200, "{}", customer.email);
        assert!(taken(customer).await, "{}: the address is known to have an account", customer.email);
    }
    // Bob changes the address, and the leaver's account is erased: both release the earlier claim.
    let me = AccountClient::new(&world, &bob).await;
    assert_eq!(me.post("/v1/me/email", &json!({ "email": "bobby@example.com" })).await.status(), 202);
    let code = world.mails_to("bobby@example.com").await.expect("mails")[0].codes[0].clone();
    assert_eq!(me.post("/v1/me/email/verification", &json!({ "code": code })).await.status(), 200);
    assert_eq!(AccountClient::new(&world, &leaver).await.delete("/v1/me").await.status(), 202);
    world.advance(Span::days(31));
    world.run_job(&json!({ "job": "retention" })).await.expect("a summary");
    let heir = Customer { given_name: "Heir".to_owned(), ..leaver.clone() };
    heir.register(&world).await;

    let keys = Keys::new(vault.clone(), &[Purpose::Identifier]).tenant(&store, Signer::Local, now()).await.expect("keys");
    let forms = keys.identifier_forms().expect("the key");
    let mut left = BTreeMap::new();
    for run in 0..2 {
        let page = store.find_former_items(1, None).await.expect("a page");
        left.insert(run, page.found.len());
        for item in page.found {
            store.reclaim(item.expect("an item"), forms.as_ref(), &request()).await.expect("moved");
        }
    }
    assert!(left[&0] > 0 && left[&1] == 0, "{left:?}");
    let versions = identifier_rotation::versions(&store).await.expect("versions");
    assert!(identifier_rotation::drop_version(&store, &versions[0], now()).await.expect("dropped"));
    world.advance(Span::minutes(3));
    let bobby = Customer { email: "bobby@example.com".to_owned(), ..bob.clone() };
    for customer in [&ada, &bobby, &eve, &fay, &heir] {
        assert_eq!(sign_in(customer).await, 200, "{}", customer.email);
        assert!(taken(customer).await, "{}", customer.email);
    }
    assert_eq!(sign_in(&bob).await, 400, "the former address is released");
    assert_eq!(identifier_rotation::begin(&vault, &store, now()).await.expect("begun"), Some(3), "the next rotation can begin");
    world.pump().await.expect("pumped");
    let broken = invariants::scan_tables(&invariants::read(&world.engine));
    assert_eq!(broken, Vec::<String>::new());
}
