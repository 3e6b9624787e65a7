//! Reads `[sign_in]`: which methods users can sign in with.

use super::reader::Table;
use crate::domain::tenant::SignInPolicy;

pub(super) fn read(mut table: Table<'_, '_>) -> SignInPolicy {
    let mail_code = table.flag("mail_code", false);
    table.close();
    SignInPolicy { mail_code }
}
