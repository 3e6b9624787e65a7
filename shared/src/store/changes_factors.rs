//! The table of writes: "this wasn't me".

use super::*;
use crate::domain::not_me::SecuredAccount;

fn secured(factors: bool) -> SecuredAccount {
    let (totp, codes, passkeys) =
        if factors { (Some(totp(3)), Some(codes(3)), vec![a_passkey(3)]) } else { (None, None, vec![]) };
    SecuredAccount { account: state(), profile: a_profile(2), password: Some(a_password(2)), totp, codes, passkeys }
}

/// Each change in each of its shapes: constructor name, shape, change.
#[rustfmt::skip]
pub(super) fn changes() -> Vec<(&'static str, &'static str, Change)> {
    vec![
        ("report_not_me", "", Change::report_not_me(secured(false))),
        ("report_not_me", "with second factors of before", Change::report_not_me(secured(true))),
    ]
}
