use super::*;
use crate::domain::email_change::tests::{profile, seed as seed_of_code};
use crate::domain::oauth::fixture::{NOW, authentication, session};
use crate::domain::passkey::Transports;
use crate::domain::profile::{AddressProof, Profile};
use crate::domain::recovery_codes::{CHANGES_A_DAY, CODE_BYTES, COUNT};
use crate::domain::secret::SecretHash;
use crate::domain::sign_in::assurance::Acr;
use crate::domain::sign_in::methods::totp::current_code;
use crate::domain::time::Span;
use crate::domain::totp::{REMOVED_KEPT, SETUP};
use zeroize::Zeroizing;

const POLICY: SessionPolicy = SessionPolicy { idle: Span::days(1), absolute: Span::days(30) };

/// A user and what is stored of the second factors. Each decision is applied at once.
struct World {
    account: AccountState,
    totp: Option<TotpCredential>,
    codes: Option<RecoveryCodes>,
    session: Session,
    profile: Profile,
    now: Timestamp,
}

fn seed() -> TotpSeed {
    TotpSeed::from_bytes([7; 20])
}
fn sealed() -> Sealed {
    Sealed(vec![1; 48])
}
fn fresh(fill: u8) -> FreshCodes {
    Zeroizing::new(std::array::from_fn(|code| [fill.wrapping_add(code as u8); CODE_BYTES]))
}

impl World {
    fn new() -> Self {
        Self {
            account: authentication(),
            totp: None,
            codes: None,
            session: Session { auth_time: NOW, ..session() },
            profile: profile(),
            now: NOW,
        }
    }
    fn holder(&self) -> Holder<'_> {
        Holder { account: &self.account, totp: self.totp.as_ref(), codes: self.codes.as_ref(), session: &self.session }
    }
    fn apply<O>(&mut self, decision: Decision<O>) -> O {
        for change in &decision.changes.0 {
            self.account = change.written().next().cloned().unwrap_or_else(|| self.account.clone());
            self.totp = change.written().next().cloned().or_else(|| self.totp.clone());
            self.codes = change.written().next().cloned().or_else(|| self.codes.clone());
            self.session = change.written().next().cloned().unwrap_or_else(|| self.session.clone());
        }
        decision.outcome
    }
    /// Begins with a proven address. The outcome is whether something was written.
    fn begin(&mut self) -> bool {
        let proof = AddressProof {
            sid: self.session.id,
            epoch: self.account.epoch,
            seed: seed_of_code(1),
            tries: 0,
            started_at: self.now,
            proven_at: Some(self.now),
            starts: Vec::new(),
        };
        let profile = Profile { address_proof: Some(proof), ..profile() };
        let decision = begin_totp(self.holder(), &profile, sealed(), self.now);
        self.profile = profile;
        assert_eq!(decision.outcome, TotpBegun::Begun);
        let is_new = !decision.changes.is_empty();
        self.apply(decision);
        is_new
    }
    fn decide_confirm(&self, typed: &SecretText, ends_others: bool) -> Decision<TotpConfirmed> {
        let session = NewSession { id: self.session.id, secret_hash: SecretHash::from_bytes([99; 32]), device: None };
        let (seed, fresh) = (seed(), fresh(1));
        let confirmation = Confirmation { seed: &seed, typed, fresh: &fresh, ends_others, session, policy: &POLICY };
        confirm_totp(self.holder(), &self.profile, confirmation, self.now)
    }
    fn confirm(&mut self, ends_others: bool) -> TotpConfirmed {
        let decision = self.decide_confirm(&current_code(&seed(), self.now), ends_others);
        self.apply(decision)
    }
    fn active() -> Self {
        let mut world = Self::new();
        assert!(world.begin());
        assert!(matches!(world.confirm(true), TotpConfirmed::Active { .. }));
        world.now = world.now + Span::minutes(1);
        world
    }
    /// As many passkeys of this site as the account counts.
    fn passkeys(&self, rp_id: &str) -> Vec<Passkey> {
        let one = |id: u8| Passkey {
            account: self.account.account,
            credential_id: vec![id; 16],
            cose: vec![2],
            aaguid: [3; 16],
            transports: Transports::default(),
            backup_eligible: true,
            backed_up: true,
            counter: 0,
            rp_id: rp_id.to_owned(),
            name: None,
            newest_challenge: NOW,
            created_at: NOW,
            last_used_at: None,
            removed_at: None,
            version: 1,
        };
        (0..self.account.factors.passkeys).map(one).collect()
    }
    fn remove(&mut self) -> TotpRemoved {
        let decision = remove_totp(self.holder(), &self.passkeys("id.example.com"), allowed(Some("id.example.com")), self.now);
        self.apply(decision)
    }
    fn check_consistent(&self) {
        let factors = self.account.factors;
        assert_eq!(factors.totp.is_some(), self.totp.as_ref().is_some_and(|totp| totp.active.is_some()));
        assert_eq!(usize::from(factors.recovery_codes), self.codes.as_ref().map_or(0, RecoveryCodes::left));
        assert!(self.session.is_live(&self.account, self.now));
    }
}

#[test]
fn security_75_the_first_code_that_fits_activates_the_app_in_one_transaction() {
    let mut world = World::new();
    let before = (world.account.clone(), world.session.clone());
    assert!(world.begin());
    assert_eq!((&world.account, &world.session), (&before.0, &before.1), "a set-up opens and protects nothing");
    let decision = world.decide_confirm(&current_code(&seed(), NOW), true);
    assert_eq!(decision.changes.0.len(), 1);
    let TotpConfirmed::Active { session, is_replacement: false, codes: Some(codes) } = world.apply(decision) else { panic!() };
    world.check_consistent();
    assert_eq!((codes.len(), world.account.protected, world.account.factors.recovery_codes), (COUNT, true, 10));
    assert_eq!(world.account.epoch, before.0.epoch + 1, "other sessions end");
    assert!(!before.1.is_live(&world.account, NOW));
    assert_eq!((session.id, session.expires_at), (before.1.id, before.1.expires_at));
    assert!(!session.is_presented_by(&before.1.secret_hash), "a copied cookie gains nothing");
    assert!(session.proofs().satisfies(Acr::Aal2, Some(Span::minutes(10)), NOW));
    let step = world.account.factors.totp;
    assert!(totp::check(&seed(), &current_code(&seed(), NOW), step, NOW).is_err(), "security 72: its code signs in no more");
}

#[test]
fn security_77_the_first_factor_needs_a_proof_of_the_address() {
    let world = World::new();
    let decision = begin_totp(world.holder(), &profile(), sealed(), NOW);
    assert!(decision.outcome == TotpBegun::NeedsAddressProof && decision.changes.is_empty());
    let world = World::active();
    assert_eq!(begin_totp(world.holder(), &profile(), sealed(), world.now).outcome, TotpBegun::Begun, "a replacement");
}

#[test]
fn other_sessions_stay_if_the_user_wants_it() {
    let mut world = World::new();
    let other = world.session.clone();
    assert!(world.begin());
    assert!(matches!(world.confirm(false), TotpConfirmed::Active { .. }));
    assert!(other.is_live(&world.account, NOW));
}

#[test]
fn security_75_a_wrong_code_or_a_late_one_changes_nothing() {
    let mut world = World::new();
    assert!(matches!(world.confirm(true), TotpConfirmed::NoSetup), "nothing was begun");
    assert!(world.begin() && !world.begin(), "a set-up that was begun continues");
    let wrong = world.decide_confirm(&"000000".into(), true);
    assert!(matches!(wrong.outcome, TotpConfirmed::Refused(_)) && wrong.changes.is_empty());
    world.now = NOW + SETUP;
    assert!(matches!(world.confirm(true), TotpConfirmed::NoSetup));
    assert!(world.begin(), "a new set-up replaces one that is over");
}

#[test]
fn another_session_of_the_account_cannot_confirm_a_set_up() {
    let mut world = World::new();
    assert!(world.begin());
    world.session = Session { id: crate::domain::id::SessionId::from_bytes([77; 16]), ..world.session };
    assert!(world.holder().pending(NOW).is_none());
    assert!(matches!(world.confirm(true), TotpConfirmed::NoSetup));
}

#[test]
fn security_76_a_replacement_ends_other_sessions_and_keeps_the_codes() {
    let mut world = World::active();
    let (epoch, codes) = (world.account.epoch, world.codes.clone().unwrap());
    assert!(world.begin());
    assert!(world.totp.as_ref().unwrap().active.is_some(), "security 75: the app in use stays until the code fits");
    let TotpConfirmed::Active { is_replacement: true, codes: None, .. } = world.confirm(false) else { panic!() };
    world.check_consistent();
    assert_eq!(world.account.epoch, epoch + 1);
    assert_eq!(world.codes.as_ref().unwrap().hashes, codes.hashes);
    assert!(world.totp.as_ref().unwrap().removed(world.now).is_some());
}

#[test]
fn the_last_factor_takes_protection_and_codes_with_it() {
    let mut world = World::active();
    let epoch = world.account.epoch;
    assert_eq!(world.remove(), TotpRemoved::Removed);
    world.check_consistent();
    assert_eq!((world.account.protected, world.account.factors.recovery_codes), (false, 0));
    assert_eq!(world.account.epoch, epoch + 1);
    let totp = world.totp.clone().unwrap();
    assert!(totp.active.is_none() && totp.removed(world.now).is_some());
    assert!(totp.removed(world.now + REMOVED_KEPT).is_none() && totp.ends_at() == Some(world.now + REMOVED_KEPT));
    assert!(remove_totp(world.holder(), &[], allowed(None), world.now).changes.is_empty(), "again");
    assert!(matches!(renew_codes(world.holder(), &fresh(9), true, world.now).outcome, CodesRenewed::NoFactor));
}

fn allowed(rp_id: Option<&str>) -> AllowedWays<'_> {
    AllowedWays { rp_id, mail_code: false }
}

/// Passkeys that the tenant has switched off, or of another site, protect nothing: with the app removed no one could sign in.
#[test]
fn security_87_a_passkey_that_signs_in_no_more_does_not_keep_an_account_protected() {
    let site = "id.example.com";
    for (rp_id, stays) in [(Some(site), true), (Some("example.com"), false), (None, false)] {
        let mut world = World::active();
        world.account.factors.passkeys = 1;
        let decision = remove_totp(world.holder(), &world.passkeys(site), allowed(rp_id), world.now);
        let [change] = decision.changes.all();
        let state: AccountState = change.first();
        assert_eq!((state.protected, state.factors.recovery_codes > 0), (stays, stays), "{rp_id:?}");
    }
}

/// A thief who replaces the owner's app and then removes their own one leaves the owner's for the undo.
#[test]
fn security_95_the_seed_of_a_thief_does_not_overwrite_the_removed_one_of_the_owner() {
    let seed_of = |fill, added_at| StoredSeed { seed: Sealed(vec![fill; 48]), added_at };
    let (owner, thief) = (seed_of(1, NOW), seed_of(2, NOW + Span::minutes(10)));
    let mut totp = TotpCredential { account: authentication().account, active: None, pending: None, removed: None, version: 1 };
    totp.removed = Some(totp.removed_with(owner.clone(), NOW + Span::minutes(10)));
    assert_eq!(totp.removed_with(thief.clone(), NOW + Span::minutes(20)).stored, owner);
    // One that was in use before the older removal takes its place, and so does any after the older one has ended.
    assert_eq!(totp.removed_with(seed_of(3, NOW), NOW + Span::minutes(20)).stored, seed_of(3, NOW));
    assert_eq!(totp.removed_with(thief.clone(), NOW + Span::minutes(10) + REMOVED_KEPT).stored, thief);
}

#[test]
fn a_passkey_keeps_protection_and_codes() {
    let mut world = World::active();
    world.account.factors.passkeys = 1;
    assert_eq!(world.remove(), TotpRemoved::Removed);
    world.check_consistent();
    assert_eq!((world.account.protected, world.account.factors.recovery_codes), (true, 10));
}

#[test]
fn security_76_new_codes_end_the_old_ones() {
    let mut world = World::active();
    let epoch = world.account.epoch;
    for ends_others in [true, false] {
        let decision = renew_codes(world.holder(), &fresh(50 + u8::from(ends_others)), ends_others, world.now);
        let CodesRenewed::Renewed(texts) = world.apply(decision) else { panic!() };
        world.check_consistent();
        assert!(world.codes.as_ref().unwrap().find(&texts[0]).is_some());
    }
    assert_eq!((world.account.epoch, world.codes.as_ref().unwrap().generation), (epoch + 1, 3));
}

#[test]
fn a_typed_code_shows_that_the_codes_were_kept_and_is_not_used_up() {
    let mut world = World::active();
    let (_, texts) = RecoveryCodes::issue(world.account.account, None, &fresh(1), NOW);
    let wrong = show_codes_kept(world.holder(), &"0000-0000-0000-0000".into());
    assert!(!wrong.outcome && wrong.changes.is_empty());
    let decision = show_codes_kept(world.holder(), &texts[4]);
    assert!(world.apply(decision));
    assert_eq!((world.codes.as_ref().unwrap().left(), world.codes.as_ref().unwrap().are_kept), (10, true));
    let again = show_codes_kept(world.holder(), &texts[4]);
    assert!(again.outcome && again.changes.is_empty());
}

#[test]
fn second_factors_change_at_most_ten_times_a_day() {
    let mut world = World::active();
    for _ in 1..CHANGES_A_DAY {
        let decision = renew_codes(world.holder(), &fresh(9), false, world.now);
        assert!(matches!(world.apply(decision), CodesRenewed::Renewed(_)));
    }
    assert!(matches!(world.remove(), TotpRemoved::TooMany { .. }));
    assert!(world.begin());
    assert!(matches!(world.confirm(true), TotpConfirmed::TooMany { .. }));
    let TotpRemoved::TooMany { until } = world.remove() else { panic!() };
    assert_eq!(until, NOW + Span::days(1));
    world.now = until;
    assert_eq!(world.remove(), TotpRemoved::Removed);
}
