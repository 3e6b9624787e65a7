//! The ways into an account under a tenant document: the one place that says whether an account has any. A change of the document that ends
//! a way in is counted with it before it is applied (`latchkey config plan`).
//!
//! 1. A passkey of the document's relying party id opens every account.
//! 2. Otherwise there is a password, here or in the legacy directory, or the mailbox: a code that is mailed, or a password reset.
//! 3. A protected account also needs an authenticator app or a recovery code. A password reset is no second factor.

use crate::domain::account::{AccountState, PasswordHome};
use crate::domain::passkey::Passkey;

/// What a document allows.
#[derive(Debug, Clone, Copy)]
pub struct AllowedWays<'a> {
    /// The relying party id of its passkeys. None: it has none.
    pub rp_id: Option<&'a str>,
    /// Whether a mailed code is a first factor.
    pub mail_code: bool,
}

impl AllowedWays<'_> {
    /// Whether this passkey signs in.
    #[must_use]
    pub fn accepts(&self, passkey: &Passkey) -> bool {
        passkey.signs_in_at(self.rp_id)
    }
}

/// An account, with what its state does not say.
#[derive(Debug, Clone, Copy)]
pub struct StoredWays<'a> {
    /// Its state.
    pub account: &'a AccountState,
    /// Whether a password is stored here.
    pub has_password: bool,
    /// Its passkeys, removed ones included.
    pub passkeys: &'a [Passkey],
}

/// How the user of an account signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayIn {
    /// With what the user has.
    SignIn,
    /// After a password reset by mail: there is no password, or no passkey that can be used.
    PasswordReset,
    /// Not at all, until an operator helps.
    None,
}

impl StoredWays<'_> {
    /// The passkeys that the document ends: they are in use, and of another relying party id.
    pub fn ended_passkeys(&self, allowed: AllowedWays<'_>) -> impl Iterator<Item = &Passkey> {
        self.passkeys.iter().filter(move |passkey| passkey.is_active() && !allowed.accepts(passkey))
    }

    /// How the user signs in under this document.
    #[must_use]
    pub fn way_in(&self, allowed: AllowedWays<'_>) -> WayIn {
        let Self { account, has_password, passkeys } = self;
        if passkeys.iter().any(|passkey| allowed.accepts(passkey)) {
            return WayIn::SignIn;
        }
        if account.protected && !account.factors.has_second_step() {
            return WayIn::None;
        }
        let has_first_factor = *has_password || account.password_home == PasswordHome::Directory || allowed.mail_code;
        if has_first_factor { WayIn::SignIn } else { WayIn::PasswordReset }
    }
}

impl StoredWays<'_> {
    /// Whether one passkey that cannot leave its device is the only way to sign in: with the device the account is lost, or needs its mailbox or an
    /// operator.
    #[must_use]
    pub fn depends_on_one_device(&self, allowed: AllowedWays<'_>) -> bool {
        let mut usable = self.passkeys.iter().filter(|passkey| allowed.accepts(passkey));
        let (Some(only), None) = (usable.next(), usable.next()) else { return false };
        !only.backup_eligible && StoredWays { passkeys: &[], ..*self }.way_in(allowed) != WayIn::SignIn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::fixture::{NOW, authentication};
    use crate::domain::passkey::Transports;

    fn passkey(rp_id: &str) -> Passkey {
        Passkey {
            account: authentication().account,
            credential_id: vec![1; 16],
            cose: vec![2],
            aaguid: [3; 16],
            transports: Transports::default(),
            backup_eligible: false,
            backed_up: false,
            counter: 0,
            rp_id: rp_id.to_owned(),
            name: None,
            newest_challenge: NOW,
            created_at: NOW,
            last_used_at: None,
            removed_at: None,
            version: 1,
        }
    }

    /// Every account against every document: what opens it, and that nothing but a factor that can be used opens a protected one.
    #[test]
    fn security_87_an_account_has_a_way_in_only_by_what_the_document_accepts() {
        let [id, other] = ["id.example.com", "example.com"].map(Some);
        let (own, removed) = ([passkey("id.example.com")], [passkey("id.example.com").removed(NOW)]);
        for (passkeys, rp_id, has_password, protected, has_app, way_in) in [
            (&own[..], id, false, true, false, WayIn::SignIn),
            (&own, id, true, false, false, WayIn::SignIn),
            (&own, other, true, false, false, WayIn::SignIn),
            (&own, other, false, false, false, WayIn::PasswordReset),
            (&own, other, true, true, false, WayIn::None),
            (&own, other, false, true, false, WayIn::None),
            (&own, other, true, true, true, WayIn::SignIn),
            (&own, other, false, true, true, WayIn::PasswordReset),
            (&own, None, true, true, false, WayIn::None),
            (&removed, id, true, true, false, WayIn::None),
            (&removed, id, true, false, false, WayIn::SignIn),
            (&[], id, false, false, false, WayIn::PasswordReset),
        ] {
            let mut account = AccountState { protected, ..authentication() };
            account.factors.totp = has_app.then_some(1);
            let (ways, allowed) =
                (StoredWays { account: &account, has_password, passkeys }, AllowedWays { rp_id, mail_code: false });
            assert_eq!(ways.way_in(allowed), way_in, "{rp_id:?} {has_password} {protected} {has_app}");
            let ended = passkeys.iter().filter(|passkey| passkey.is_active() && rp_id != id).count();
            assert_eq!(ways.ended_passkeys(allowed).count(), ended);
        }
        let there = AccountState { password_home: PasswordHome::Directory, ..authentication() };
        let ways = StoredWays { account: &there, has_password: false, passkeys: &[] };
        assert_eq!(ways.way_in(AllowedWays { rp_id: None, mail_code: false }), WayIn::SignIn);
        // A mailed code is one factor. A protected account continues with its second step.
        let mail = AllowedWays { rp_id: None, mail_code: true };
        for (protected, has_app, way_in) in
            [(false, false, WayIn::SignIn), (true, true, WayIn::SignIn), (true, false, WayIn::None)]
        {
            let mut account = AccountState { protected, ..authentication() };
            account.factors.totp = has_app.then_some(1);
            assert_eq!(StoredWays { account: &account, has_password: false, passkeys: &[] }.way_in(mail), way_in);
        }
    }

    #[test]
    fn an_account_depends_on_one_device_if_a_bound_passkey_is_its_only_way_in() {
        let rp_id = Some("id.example.com");
        let bound = passkey("id.example.com");
        let synced = Passkey { backup_eligible: true, ..bound.clone() };
        let other = Passkey { credential_id: vec![2; 16], ..bound.clone() };
        let (ended, foreign) = (other.removed(NOW), Passkey { rp_id: "example.com".to_owned(), ..other.clone() });
        for (what, passkeys, has_password, protected, has_app, mail_code, expected) in [
            ("bound, no password", vec![bound.clone()], false, false, false, false, true),
            ("with a removed one", vec![bound.clone(), ended], false, false, false, false, true),
            ("with one of another site", vec![bound.clone(), foreign], false, false, false, false, true),
            ("a mailed code signs in", vec![bound.clone()], false, false, false, true, false),
            ("a password", vec![bound.clone()], true, false, false, false, false),
            ("synced", vec![synced], false, false, false, false, false),
            ("two", vec![bound.clone(), other], false, false, false, false, false),
            ("none", vec![], false, false, false, false, false),
            ("protected by it alone", vec![bound.clone()], true, true, false, false, true),
            ("protected by an app, too", vec![bound.clone()], true, true, true, false, false),
        ] {
            let mut account = AccountState { protected, ..authentication() };
            account.factors.totp = has_app.then_some(1);
            let ways = StoredWays { account: &account, has_password, passkeys: &passkeys };
            assert_eq!(ways.depends_on_one_device(AllowedWays { rp_id, mail_code }), expected, "{what}");
            assert!(!ways.depends_on_one_device(AllowedWays { rp_id: None, mail_code }), "{what}: passkeys are off");
        }
    }
}
