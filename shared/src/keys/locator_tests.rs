use super::super::root::testing::roots;
use super::*;
use crate::purpose::Purpose;
use proptest::prelude::*;

pub(crate) fn keyring(tenant: &str, fill: u8) -> LocatorKeyring {
    LocatorKeyring::new(&tenant.parse().unwrap(), &roots(tenant, Purpose::Locator, fill), 1).unwrap()
}
fn account() -> AccountId {
    AccountId::from_bytes([1; 16])
}
fn grant(session: bool, generation: u32) -> GrantLocator {
    let session = session.then(|| SessionId::from_bytes([3; 16]));
    GrantLocator { account: account(), grant: GrantId::from_bytes([2; 16]), session, generation }
}
fn session() -> SessionLocator {
    SessionLocator { account: account(), session: SessionId::from_bytes([3; 16]) }
}
fn flow() -> FlowLocator {
    FlowLocator { account: account(), flow: FlowId::from_bytes([4; 16]) }
}
fn secret() -> Secret256 {
    Secret256::from_bytes([5; 32])
}
fn jti() -> Jti {
    Jti::from_bytes([6; 16])
}

/// One value of every kind that the keyring makes.
pub(crate) fn made(keys: &LocatorKeyring) -> Vec<(&'static str, String)> {
    vec![
        ("code", keys.authorization_code(&grant(true, 0), &secret()).expose().to_owned()),
        ("refresh", keys.refresh_token(&grant(true, 0), &secret()).expose().to_owned()),
        ("session", keys.session_cookie(&session(), &secret()).expose().to_owned()),
        ("access", keys.access_token_claim(&grant(true, 0), &jti())),
        ("flow", keys.flow_id(&flow())),
        ("seal device", keys.seal("device", b"x", b"plain").unwrap()),
        ("seal stored", keys.seal("stored", b"x", b"plain").unwrap()),
        ("mac form", keys.mac("form", b"x")),
        ("mac other", keys.mac("other", b"x")),
    ]
}
/// Whether a value is accepted in the slot of this kind.
pub(crate) fn taken(keys: &LocatorKeyring, slot: &str, value: &str) -> bool {
    match slot {
        "code" => keys.open_authorization_code(value).is_some(),
        "refresh" => keys.open_refresh_token(value).is_some(),
        "session" => keys.open_session_cookie(value).is_some(),
        "access" => keys.open_access_token_claim(value, &jti()).is_some(),
        "flow" => keys.open_flow_id(value).is_some(),
        "seal device" => keys.open("device", b"x", value).is_some(),
        "seal stored" => keys.open("stored", b"x", value).is_some(),
        "mac form" => keys.verify_mac("form", b"x", value),
        "mac other" => keys.verify_mac("other", b"x", value),
        other => panic!("unknown slot {other}"),
    }
}

#[test]
fn security_48_each_kind_is_refused_in_every_other_slot_and_by_every_other_tenant() {
    let keys = keyring("a", 1);
    // The same root bytes: different roots are not the only thing that separates tenants.
    let (other_tenant, other_root) = (keyring("b", 1), keyring("a", 2));
    for (kind, value) in made(&keys) {
        for (slot, _) in made(&keys) {
            assert_eq!(taken(&keys, slot, &value), slot == kind, "{kind} in the slot of {slot}");
            assert!(!taken(&other_tenant, slot, &value), "{kind} of another tenant");
            assert!(!taken(&other_root, slot, &value), "{kind} of another key");
        }
    }
}

#[test]
fn security_38_every_prefix_suffix_extension_and_case_change_is_refused() {
    let keys = keyring("a", 1);
    for (kind, value) in made(&keys) {
        for at in 0..value.len() {
            assert!(!taken(&keys, kind, &value[..at]), "{kind}: its first {at} characters");
            assert!(at == 0 || !taken(&keys, kind, &value[at..]), "{kind} without its first {at}");
            let c = value.as_bytes()[at];
            let other_case = if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            if other_case != c {
                let mut bent = value.clone().into_bytes();
                bent[at] = other_case;
                assert!(!taken(&keys, kind, std::str::from_utf8(&bent).unwrap()), "{kind} with the case of {at} changed");
            }
        }
        for extra in ["A", "=", "==", " ", "\n", "\0", "AA", "AAA", "AAAA", "."] {
            assert!(!taken(&keys, kind, &format!("{value}{extra}")), "{kind} followed by {extra:?}");
            assert!(!taken(&keys, kind, &format!("{extra}{value}")), "{kind} preceded by {extra:?}");
        }
        assert!(!taken(&keys, kind, &format!("{value}{value}")));
        assert!(!taken(&keys, kind, &value.to_uppercase()) && !taken(&keys, kind, &value.to_lowercase()));
        assert!(!taken(&keys, kind, &"A".repeat(MAX_TEXT + 1)));
    }
}

#[test]
fn a_tail_that_is_not_canonical_is_refused() {
    let keys = keyring("a", 1);
    for (kind, value) in made(&keys) {
        let last = value.as_bytes()[value.len() - 1];
        for other in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/" {
            let bent = format!("{}{}", &value[..value.len() - 1], char::from(*other));
            assert_eq!(taken(&keys, kind, &bent), *other == last, "{kind} ending in {}", char::from(*other));
        }
    }
}

#[test]
fn a_value_is_deterministic_and_has_one_length_for_its_kind() {
    let keys = keyring("a", 1);
    assert_eq!(made(&keys), made(&keyring("a", 1)), "a retry gives the same token");
    let long = keys.refresh_token(&grant(true, u32::MAX), &secret());
    let short = keys.refresh_token(&grant(false, 0), &secret());
    assert_eq!(long.expose().len(), short.expose().len());
    // Golden: changed bytes would end every session.
    assert_eq!(keys.flow_id(&flow()), GOLDEN_FLOW);
}
const GOLDEN_FLOW: &str = "41mxlJUJcmERbeyowmNa0MZndyiwqqabwIyua2igpGq-QwcD6b7NK7VkleGjaPpT";

#[test]
fn an_access_token_claim_opens_only_with_its_own_jti() {
    let keys = keyring("a", 1);
    let claim = keys.access_token_claim(&grant(false, 0), &jti());
    assert!(keys.open_access_token_claim(&claim, &Jti::from_bytes([7; 16])).is_none());
}

#[test]
fn a_sealed_value_opens_only_in_its_own_context() {
    let keys = keyring("a", 1);
    let sealed = keys.seal("device", b"x", b"plain").unwrap();
    assert_eq!(keys.open("device", b"x", &sealed).unwrap(), b"plain");
    assert!(keys.open("device", b"y", &sealed).is_none());
    assert!(keys.open("devic", b"ex", &sealed).is_none(), "bytes cannot move from one part to another");
    assert!(!keys.verify_mac("for", b"mx", &keys.mac("form", b"x")));
}

#[test]
fn old_values_open_and_new_ones_use_the_current_version() {
    let tenant: TenantId = "a".parse().unwrap();
    let root = |fill| RootKey::new(&tenant, Purpose::Locator, &[fill; 32]).unwrap();
    let old = LocatorKeyring::new(&tenant, &[(1, root(1))], 1).unwrap();
    let both = LocatorKeyring::new(&tenant, &[(1, root(1)), (2, root(2))], 2).unwrap();
    for (kind, value) in made(&old) {
        assert!(taken(&both, kind, &value), "{kind}");
    }
    for (kind, value) in made(&both) {
        assert!(taken(&both, kind, &value) && !taken(&old, kind, &value), "{kind}");
    }
}

proptest! {
    #[test]
    fn sealed_locators_open_unchanged(
        ids in any::<[[u8; 16]; 3]>(), has_session in any::<bool>(), generation in any::<u32>(), secret in any::<[u8; 32]>(),
    ) {
        let keys = keyring("a", 1);
        let secret = Secret256::from_bytes(secret);
        let grant = GrantLocator {
            account: AccountId::from_bytes(ids[0]),
            grant: GrantId::from_bytes(ids[1]),
            session: has_session.then(|| SessionId::from_bytes(ids[2])),
            generation,
        };
        let (opened, with) = keys.open_refresh_token(keys.refresh_token(&grant, &secret).expose()).unwrap();
        prop_assert_eq!((opened, with.expose()), (grant, secret.expose()));
        let (opened, with) = keys.open_authorization_code(keys.authorization_code(&grant, &secret).expose()).unwrap();
        prop_assert_eq!((opened, with.expose()), (grant, secret.expose()));
        let session = SessionLocator { account: AccountId::from_bytes(ids[0]), session: SessionId::from_bytes(ids[1]) };
        let (opened, with) = keys.open_session_cookie(keys.session_cookie(&session, &secret).expose()).unwrap();
        prop_assert_eq!((opened, with.expose()), (session, secret.expose()));
        let flow = FlowLocator { account: AccountId::from_bytes(ids[0]), flow: FlowId::from_bytes(ids[1]) };
        prop_assert_eq!(keys.open_flow_id(&keys.flow_id(&flow)), Some(flow));
        let jti = Jti::from_bytes(ids[2]);
        prop_assert_eq!(keys.open_access_token_claim(&keys.access_token_claim(&grant, &jti), &jti), Some(grant));
    }

    #[test]
    fn a_token_with_any_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let keys = keyring("a", 1);
        let token = keys.refresh_token(&grant(true, 1), &secret());
        let mut bytes = BASE64URL_NOPAD.decode(token.expose().as_bytes()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(keys.open_refresh_token(&BASE64URL_NOPAD.encode(&bytes)).is_none());
    }

    #[test]
    fn garbage_is_refused_without_a_panic(text in "\\PC{0,200}") {
        let keys = keyring("a", 1);
        for (kind, _) in made(&keys) {
            prop_assert!(!taken(&keys, kind, &text));
        }
    }
}
