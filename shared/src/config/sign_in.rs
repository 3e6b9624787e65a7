//! Reads `[sign_in]`: which methods users can sign in with, whether accounts need a second factor, and what users can do who have lost theirs.

use super::reader::Table;
use crate::domain::tenant::{LostFactorPolicy, SecondFactorPolicy, SignInPolicy};
use crate::domain::time::Span;

/// For how long users can postpone a second factor that is required, unless the document says otherwise.
const GRACE: Span = Span::days(14);
const MAX_GRACE: Span = Span::days(365);

/// The values of `second_factor`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SecondFactor {
    Off,
    Optional,
    Required,
}

pub(super) fn read(mut table: Table<'_, '_>) -> SignInPolicy {
    let mail_code = table.flag("mail_code", false);
    let words = [("off", LostFactorPolicy::Off), ("delay", LostFactorPolicy::Delay)];
    let lost_factor = table.word("lost_factor", &words, LostFactorPolicy::default());
    let second_factor = read_second_factor(&mut table);
    let new_device_mail = table.flag("new_device_mail", SignInPolicy::default().new_device_mail);
    let remember_device = table.optional_span("remember_device", Span::days(1)..=SignInPolicy::MAX_REMEMBERED);
    table.close();
    SignInPolicy { mail_code, lost_factor, second_factor, new_device_mail, remember_device }
}

fn read_second_factor(table: &mut Table<'_, '_>) -> SecondFactorPolicy {
    let words = [("off", SecondFactor::Off), ("optional", SecondFactor::Optional), ("required", SecondFactor::Required)];
    let word = table.word("second_factor", &words, SecondFactor::Optional);
    let (from_place, grace_place) = (table.at("second_factor_from"), table.at("second_factor_grace"));
    let (has_from, has_grace) = (table.has("second_factor_from"), table.has("second_factor_grace"));
    let from = table.day("second_factor_from");
    let grace = table.span("second_factor_grace", Span::ZERO..=MAX_GRACE, GRACE);
    match word {
        SecondFactor::Required => {
            if !has_from {
                table.report.refuse(
                    &from_place,
                    "is missing: the day from which users are asked for a second factor, such as \"2027-01-31\"",
                );
            }
            from.map_or_else(SecondFactorPolicy::default, |from| SecondFactorPolicy::Required { from, grace })
        }
        SecondFactor::Off | SecondFactor::Optional => {
            for (has, place) in [(has_from, from_place), (has_grace, grace_place)] {
                if has {
                    table.report.refuse(&place, "belongs to `second_factor = \"required\"`");
                }
            }
            if word == SecondFactor::Off { SecondFactorPolicy::Off } else { SecondFactorPolicy::Optional }
        }
    }
}
