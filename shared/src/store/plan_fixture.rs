//! One state of each kind, with its maximum size.

use super::super::*;
use crate::context::Deadline;
use crate::domain::account::{AccountState, AccountStatus, DataKeyState, LinkSeed, PasswordHome, Sealed, WrappedDataKey};
use crate::domain::amr::Amr;
use crate::domain::consent::AcceptedTerms;
use crate::domain::credential::PasswordCredential;
use crate::domain::failure_window::FailureWindow;
use crate::domain::flow::{Flow, FlowPurpose, FlowState};
use crate::domain::id::{AccountId, AttemptId, FlowId, GrantId, SessionId, Sub};
use crate::domain::identifier::IdentifierHash;
use crate::domain::known_device::{KnownDevice, MAX_KNOWN_DEVICES, MAX_REMEMBERED_DEVICES, RememberedUntil};
use crate::domain::lost_factor::RemovalCode;
use crate::domain::oauth::grant::{AuthorizationCode, Grant, GrantState, RefreshToken, RevocationReason, RevokedJti};
use crate::domain::passkey::{Passkey, Transports};
use crate::domain::profile::Profile;
use crate::domain::recovery_codes::{CHANGES_A_DAY, COUNT, RecoveryCodes};
use crate::domain::roles::{MAX_ROLES, Role, Roles};
use crate::domain::satisfied::Requirements;
use crate::domain::secret::{PasswordHash, SecretHash};
use crate::domain::session::Session;
use crate::domain::sign_in::assurance::{Acr, AcrValue};
use crate::domain::sign_in::attempt::SignInAttempt;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::sign_in::factors::Factors;
use crate::domain::totp::{PendingSeed, RemovedSeed, StoredSeed, TotpCredential};
use crate::domain::verbs::NewAccount;
use std::collections::BTreeSet;

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_123);

pub(super) fn request() -> RequestContext {
    // As long as API Gateway's own ids, and with an address hash of real length.
    RequestContext {
        request_id: "JKJaXmPLvHcESHAlmno=".parse().unwrap(),
        now: NOW,
        attempt: 3,
        address_hash: Some(BASE64URL_NOPAD.encode(&[255; 32])),
        deadline: Deadline::default(),
    }
}

pub(super) fn tenant() -> TenantId {
    "a-tenant-of-32-characters-length".parse().unwrap()
}

pub(super) fn account() -> AccountId {
    AccountId::from_bytes([255; 16])
}

/// The longest: an imported one.
pub(super) fn sub() -> Sub {
    "ffffffff-ffff-ffff-ffff-ffffffffffff".parse().unwrap()
}

/// The maximum size: every device known, every window in use. An active account has no status data, and has the start of its
/// epoch and of its address instead.
pub(super) fn authentication() -> AccountState {
    let failures = FailureWindow { count: 99, last_at: Some(NOW) };
    AccountState {
        account: account(),
        sub: sub(),
        status: AccountStatus::ErasureDue { since: NOW, due: NOW, seed: LinkSeed { key_version: 1, bytes: [1; 16] } },
        epoch: u32::MAX,
        epoch_began_at: None,
        identifier_since: None,
        identifier: IdentifierHash { key_version: 9999, hash: [255; 32] },
        created_at: NOW,
        failures,
        devices: vec![KnownDevice { failures, ..KnownDevice::new(u64::MAX) }; MAX_KNOWN_DEVICES],
        password_home: PasswordHome::Directory,
        roles: longest_roles(),
        legal_hold: Some(NOW),
        protected: true,
        factors: Factors { totp: Some(99_999_999), recovery_codes: 10, passkeys: 10, failures, removal: None },
        satisfied: Some(Requirements(u32::MAX)),
        version: 1_000_000,
    }
}

/// As many devices as an account knows, and as many of them remembered as can be. A closed account has none of these.
pub(super) fn remembered_devices() -> Vec<KnownDevice> {
    let mut devices = authentication().devices;
    for device in &mut devices[..MAX_REMEMBERED_DEVICES] {
        device.remembered_until = Some(RememberedUntil::after(Span::days(90), NOW));
    }
    devices
}

/// The maximum number of roles, with the longest names.
pub(super) fn longest_roles() -> Roles {
    let names: BTreeSet<Role> = (0..MAX_ROLES).map(|number| format!("{number:x<20}").parse().unwrap()).collect();
    names.try_into().unwrap()
}

/// As many proofs as a session keeps.
fn fullest_proofs() -> Proofs {
    serde_json::from_value(serde_json::json!({ "pwd": NOW, "mail": NOW, "totp": NOW, "codes": NOW })).unwrap()
}

pub(super) fn attempt() -> SignInAttempt {
    SignInAttempt {
        id: AttemptId::from_bytes([255; 16]),
        account: account(),
        epoch: u32::MAX,
        proofs: fullest_proofs(),
        browser: SecretHash::from_bytes([255; 32]),
        removal_code: Some(RemovalCode { at: NOW, key_version: u32::MAX, tries: 5 }),
        closed_at: Some(NOW),
        expires_at: NOW,
        version: 1_000_000,
    }
}

pub(super) fn session() -> Session {
    Session {
        id: SessionId::from_bytes([255; 16]),
        account: account(),
        epoch: u32::MAX,
        secret_hash: SecretHash::from_bytes([255; 32]),
        created_at: NOW,
        auth_time: NOW,
        amr: vec![Amr::Pwd, Amr::Otp],
        proofs: fullest_proofs(),
        last_used_at: NOW,
        expires_at: NOW,
        idle_expires_at: NOW,
        device: Some(Sealed(vec![255; 160])),
        device_id: Some(u64::MAX),
        ended_at: Some(NOW),
        version: 1_000_000,
    }
}

pub(super) fn grant(state: GrantState) -> Grant {
    Grant {
        id: GrantId::from_bytes([255; 16]),
        account: account(),
        sub: sub(),
        epoch: u32::MAX,
        client_id: "a-client-id-as-long-as-a-uuid-written-in-hex".parse().unwrap(),
        sid: SessionId::from_bytes([255; 16]),
        scope: "account address email offline_access openid phone profile orders:read".parse().unwrap(),
        resource: Some("https://api.shop.example/orders".to_owned()),
        nonce: Some(BASE64URL_NOPAD.encode(&[255; 32])),
        auth_time: NOW,
        amr: vec![Amr::Pwd, Amr::Otp],
        proofs: fullest_proofs(),
        acr: AcrValue::of(Acr::Aal2),
        code: Some(AuthorizationCode {
            secret_hash: SecretHash::from_bytes([255; 32]),
            redirect_uri: "https://www.shop.example/account/sign-in/callback/latchkey".to_owned(),
            redirect_uri_in_request: true,
            code_challenge: Some(BASE64URL_NOPAD.encode(&[255; 32])),
            expires_at: NOW + Span::seconds(60),
        }),
        state,
        revoked_jtis: vec![RevokedJti { jti: crate::domain::id::Jti::from_bytes([255; 16]), expires_at: NOW }],
        created_at: NOW,
        expires_at: NOW + Span::days(90),
        version: 1_000_000,
    }
}

pub(super) fn active() -> GrantState {
    let refresh = RefreshToken {
        generation: u32::MAX,
        secret_hash: SecretHash::from_bytes([255; 32]),
        parent_hash: Some(SecretHash::from_bytes([255; 32])),
        rotated_at: NOW,
        refresh_key_version: 9999,
        idle_expires_at: NOW,
    };
    GrantState::Active { redeemed_at: NOW, refresh: Some(refresh) }
}

pub(super) fn revoked() -> GrantState {
    GrantState::Revoked { at: NOW, reason: RevocationReason::ClientRequest }
}

pub(super) fn flow() -> Flow {
    Flow {
        id: FlowId::from_bytes([255; 16]),
        purpose: FlowPurpose::Registration,
        account: account(),
        identifier: IdentifierHash { key_version: 1, hash: [255; 32] },
        seed: vec![255; 16],
        code_key_version: 1,
        completion: None,
        long_code: false,
        generation: 1,
        tries: 0,
        state: FlowState::Completed,
        browser: Some(SecretHash::from_bytes([255; 32])),
        client_id: "demo-app".parse().unwrap(),
        locale: "en".to_owned(),
        continue_to: None,
        payload: None,
        created_at: NOW,
        expires_at: NOW + Span::minutes(10),
        version: 2,
    }
}

pub(super) fn password() -> PasswordCredential {
    let hash = PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2Fs$aGFzaA".to_owned());
    PasswordCredential { account: account(), hash, changed_at: NOW, version: 1 }
}

/// The largest that is common: the longest key, and an id of 64 bytes.
pub(super) fn passkey() -> Passkey {
    let transports = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"].map(str::to_owned);
    Passkey {
        account: account(),
        credential_id: vec![255; 64],
        cose: vec![255; 530],
        aaguid: [255; 16],
        transports: Transports::named(&transports),
        backup_eligible: false,
        backed_up: false,
        counter: u32::MAX,
        rp_id: "a-relying-party.as-long-as-a-host-name-may-be.example.com".to_owned(),
        name: Some(Sealed(vec![255; 100])),
        newest_challenge: NOW,
        created_at: NOW,
        last_used_at: Some(NOW),
        removed_at: None,
        version: 1_000_000,
    }
}

/// The fullest: in use, another set-up pending, another one removed.
pub(super) fn totp(version: u64) -> TotpCredential {
    let stored = || StoredSeed { seed: Sealed(vec![255; 48]), added_at: NOW };
    TotpCredential {
        account: account(),
        active: Some(stored()),
        pending: Some(PendingSeed { seed: Sealed(vec![255; 48]), started_at: NOW, sid: SessionId::from_bytes([255; 16]) }),
        removed: Some(RemovedSeed { stored: stored(), removed_at: NOW }),
        version,
    }
}

/// The fullest: all codes used, and as many changes as a day allows.
pub(super) fn codes(version: u64) -> RecoveryCodes {
    RecoveryCodes {
        account: account(),
        hashes: vec![SecretHash::from_bytes([255; 32]); COUNT],
        used: u16::MAX,
        generation: u32::MAX,
        created_at: NOW,
        are_kept: true,
        changes: vec![NOW; CHANGES_A_DAY],
        removed_at: None,
        version,
    }
}

pub(super) fn new_account() -> NewAccount {
    NewAccount {
        identifier: IdentifierHash { key_version: 1, hash: [255; 32] },
        authentication: AccountState { version: 1, ..authentication() },
        password: Some(password()),
        passkey: None,
        profile: Profile {
            account: account(),
            claims: Sealed(vec![1; 400]),
            updated_at: NOW,
            email_change: None,
            email_undos: Vec::new(),
            email_change_starts: Vec::new(),
            spent_proof: None,
            address_proof: None,
            disowned: Vec::new(),
            version: 1,
        },
        link: None,
        terms: vec![AcceptedTerms::of_earlier_release("terms", "1", NOW)],
        flow: flow(),
        data_key: WrappedDataKey {
            account: account(),
            wrapped: vec![255; 60],
            keyring_version: 1,
            state: DataKeyState::Account,
        },
    }
}
