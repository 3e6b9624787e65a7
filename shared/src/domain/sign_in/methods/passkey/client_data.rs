//! `clientDataJSON`: what the browser says about a ceremony (WebAuthn 3 §5.8.1).

use super::expected::{Ceremony, CeremonyKind};
use super::refusal::PasskeyRefusal;
use data_encoding::BASE64URL_NOPAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// The maximum size. Browsers send about 200 bytes.
const MAX_BYTES: usize = 4096;

/// The members that are checked. Others are ignored: browsers add some on purpose. A member of these that occurs twice is refused.
#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    /// Whether it is there, with whatever value.
    #[serde(rename = "topOrigin", default, deserialize_with = "present")]
    has_top_origin: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Checks it against the ceremony (WebAuthn 3 §7.1 steps 5–12, §7.2 steps 9–15).
pub(super) fn check(json: &[u8], ceremony: &Ceremony<'_>, kind: CeremonyKind) -> Result<(), PasskeyRefusal> {
    if json.len() > MAX_BYTES {
        return Err(PasskeyRefusal::ClientDataMalformed);
    }
    let data: ClientData = serde_json::from_slice(json).map_err(|_| PasskeyRefusal::ClientDataMalformed)?;
    if data.r#type != kind.type_of_client_data() {
        return Err(PasskeyRefusal::Type);
    }
    if data.challenge != BASE64URL_NOPAD.encode(ceremony.challenge) {
        return Err(PasskeyRefusal::Challenge);
    }
    if !ceremony.origins.contains(&data.origin) {
        return Err(PasskeyRefusal::Origin);
    }
    if data.cross_origin {
        return Err(PasskeyRefusal::CrossOrigin);
    }
    if data.has_top_origin {
        return Err(PasskeyRefusal::TopOrigin);
    }
    Ok(())
}
