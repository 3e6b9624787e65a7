//! A user's stored claims, opened.

use latchkey::domain::account::WrappedDataKey;
use latchkey::domain::oauth::error::OAuthErrorCode;
use latchkey::domain::profile::{Claims, Profile};
use latchkey::keys::SealedField;
use latchkey::services::Tenant;
use latchkey::web::OAuthError;

/// The claims of a profile.
///
/// # Errors
/// If they do not open.
pub(crate) fn open_profile(tenant: &Tenant, profile: &Profile, data_key: &WrappedDataKey) -> Result<Claims, OAuthError> {
    let plain = tenant.keys.data()?.unwrap(data_key)?.open(SealedField::Profile, &profile.claims)?;
    serde_json::from_slice(&plain).map_err(|_| {
        tracing::error!("a stored profile is malformed");
        OAuthError::new(OAuthErrorCode::ServerError, "The request could not be completed")
    })
}
