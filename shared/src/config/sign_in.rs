//! Reads `[sign_in]`: which methods users can sign in with, and what users can do who have lost their second factors.

use super::reader::Table;
use crate::domain::tenant::{LostFactorPolicy, SignInPolicy};

pub(super) fn read(mut table: Table<'_, '_>) -> SignInPolicy {
    let mail_code = table.flag("mail_code", false);
    let words = [("off", LostFactorPolicy::Off), ("delay", LostFactorPolicy::Delay)];
    let lost_factor = table.word("lost_factor", &words, LostFactorPolicy::default());
    table.close();
    SignInPolicy { mail_code, lost_factor }
}
