//! The table of writes: "this wasn't me", and the removal of lost factors.

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
        ("request_removal_code", "", Change::request_removal_code(an_attempt(2))),
        ("count_removal_code_try", "", Change::count_removal_code_try(an_attempt(2))),
        ("request_removal", "", Change::request_removal(state(), an_attempt(2))),
        ("shorten_removal", "", Change::shorten_removal(state())),
        ("cancel_removal", "", Change::cancel_removal(state())),
        ("remove_lost_factors", "", Change::remove_lost_factors(state(), Some(totp(3)), Some(codes(3)))),
        ("report_not_me", "", Change::report_not_me(secured(false))),
        ("report_not_me", "with second factors of before", Change::report_not_me(secured(true))),
    ]
}
