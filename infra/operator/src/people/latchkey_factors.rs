//! Second factors and passkeys in Latchkey's own user file: writes their members, and reads them.

use super::flaw::Flaw;
use super::members::{Members, TIME, base64, parse_each, parse_member, refuse_unknown, required};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use latchkey::domain::passkey::{MAX_NAME, MAX_PASSKEYS, Passkey, Transports};
use latchkey::domain::recovery_codes::{COUNT, RecoveryCodes};
use latchkey::domain::secret::SecretHash;
use latchkey::domain::sign_in::methods::passkey::public_key::PublicKey;
use latchkey::domain::time::Timestamp;
use latchkey::domain::totp::TotpSeed;
use latchkey::domain::transfer::TransferredCodes;
use serde_json::{Value, json};

/// The longest credential id, in bytes (WebAuthn 3 §5.8.3).
const MAX_CREDENTIAL_ID: usize = 1_023;

/// The second factors and passkeys of a user of a file. They are secrets, so it has no `Debug`.
#[derive(Default)]
pub(crate) struct FileFactors {
    /// Whether one factor was not enough to sign in.
    pub(crate) protected: bool,
    pub(crate) totp: Option<FileTotp>,
    pub(crate) recovery_codes: Option<TransferredCodes>,
    pub(crate) passkeys: Vec<FilePasskey>,
}

/// An authenticator app.
pub(crate) struct FileTotp {
    pub(crate) seed: TotpSeed,
    pub(crate) added_at: Timestamp,
    /// The time step of the last accepted code.
    pub(crate) last_step: u64,
}

/// A passkey. Its credential id is not checked: only the authenticator knows what it means.
pub(crate) struct FilePasskey {
    pub(crate) id: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) aaguid: [u8; 16],
    pub(crate) transports: Transports,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    pub(crate) counter: u32,
    pub(crate) rp_id: String,
    pub(crate) name: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

impl FileFactors {
    /// Leaves out the passkeys of other relying parties than this one: no browser would use them. Returns their relying party ids.
    pub(super) fn leave_out_passkeys(&mut self, rp_id: Option<&str>) -> Vec<String> {
        let (usable, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.passkeys).into_iter().partition(|passkey| rp_id == Some(&passkey.rp_id));
        self.passkeys = usable;
        others.into_iter().map(|passkey| passkey.rp_id).collect()
    }
    /// Whether the user is protected in the file, and none of the factors that are left can protect the account.
    pub(super) fn are_lost(&self) -> bool {
        let has_code = self.recovery_codes.as_ref().is_some_and(|codes| codes.codes.iter().any(|(_, is_used)| !is_used));
        self.protected && self.totp.is_none() && self.passkeys.is_empty() && !has_code
    }

    /// Reads the members of a user's line.
    pub(super) fn parse(line: &mut Members) -> Result<Self, Flaw> {
        let factors = Self {
            protected: line.flag("protected")?.unwrap_or(false),
            totp: line.object("totp")?.map(totp).transpose()?,
            recovery_codes: line.object("recovery_codes")?.map(recovery_codes).transpose()?,
            passkeys: parse_each(line, "passkeys", MAX_PASSKEYS, passkey)?,
        };
        let ids = |at: usize| factors.passkeys[at + 1..].iter().any(|other| other.id == factors.passkeys[at].id);
        if (0..factors.passkeys.len()).any(ids) {
            return Err(Flaw::WrongMember { member: "passkeys", expected: "each different" });
        }
        Ok(factors)
    }
}

/// The member of an authenticator app.
pub(super) fn totp_member(seed: &TotpSeed, added_at: Timestamp, last_step: u64) -> Value {
    json!({ "secret": BASE32_NOPAD.encode(seed.expose()), "added_at": added_at.to_string(), "last_step": last_step })
}

/// The member of recovery codes.
pub(super) fn recovery_codes_member(codes: &RecoveryCodes) -> Value {
    let code = |(index, hash): (usize, &SecretHash)| {
        let is_used = 1u16.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)).is_some_and(|bit| codes.used & bit != 0);
        let hash = BASE64URL_NOPAD.encode(hash.as_bytes());
        if is_used { json!({ "sha256": hash, "used": true }) } else { json!({ "sha256": hash }) }
    };
    let hashes: Vec<Value> = codes.hashes.iter().enumerate().map(code).collect();
    let mut members = json!({ "created_at": codes.created_at.to_string(), "codes": hashes });
    if codes.are_kept {
        members["kept"] = Value::Bool(true);
    }
    members
}

/// The member of a passkey with this name.
pub(super) fn passkey_member(passkey: &Passkey, name: Option<&str>) -> Value {
    let mut members = json!({
        "id": BASE64URL_NOPAD.encode(&passkey.credential_id), "public_key": BASE64URL_NOPAD.encode(&passkey.cose),
        "aaguid": HEXLOWER_PERMISSIVE.encode(&passkey.aaguid), "transports": passkey.transports.names().collect::<Vec<_>>(),
        "backup_eligible": passkey.backup_eligible, "backed_up": passkey.backed_up, "counter": passkey.counter,
        "rp_id": passkey.rp_id, "created_at": passkey.created_at.to_string(),
    });
    if let Some(name) = name {
        members["name"] = name.into();
    }
    if let Some(at) = passkey.last_used_at {
        members["last_used_at"] = at.to_string().into();
    }
    members
}

fn totp(mut totp: Members) -> Result<FileTotp, Flaw> {
    let secret = required(totp.text("secret")?, "totp.secret")?;
    let last_step = totp.number("last_step")?.unwrap_or_default();
    let read = FileTotp {
        seed: TotpSeed::from_base32(&secret)
            .ok_or(Flaw::WrongMember { member: "totp.secret", expected: "10 to 64 bytes of base32" })?,
        added_at: required(parse_member(&mut totp, "added_at", TIME)?, "totp.added_at")?,
        last_step: u64::try_from(last_step).map_err(|_| Flaw::WrongMember { member: "totp.last_step", expected: "a step" })?,
    };
    refuse_unknown(totp).map(|()| read)
}

fn recovery_codes(mut codes: Members) -> Result<TransferredCodes, Flaw> {
    let read = TransferredCodes {
        codes: parse_each(&mut codes, "codes", COUNT, recovery_code)?,
        created_at: required(parse_member(&mut codes, "created_at", TIME)?, "recovery_codes.created_at")?,
        are_kept: codes.flag("kept")?.unwrap_or(false),
    };
    refuse_unknown(codes).map(|()| read)
}

fn recovery_code(mut code: Members) -> Result<(SecretHash, bool), Flaw> {
    const FLAW: Flaw = Flaw::WrongMember { member: "recovery_codes.codes.sha256", expected: "32 bytes of base64url" };
    let hash = required(code.text("sha256")?, "recovery_codes.codes.sha256")?;
    let hash: [u8; 32] = base64(&hash, "recovery_codes.codes.sha256")?.try_into().map_err(|_| FLAW)?;
    let is_used = code.flag("used")?.unwrap_or(false);
    refuse_unknown(code).map(|()| (SecretHash::from_bytes(hash), is_used))
}

fn passkey(mut passkey: Members) -> Result<FilePasskey, Flaw> {
    let wrong = |member, expected| Flaw::WrongMember { member, expected };
    let id = base64(&required(passkey.text("id")?, "passkeys.id")?, "passkeys.id")?;
    let public_key = base64(&required(passkey.text("public_key")?, "passkeys.public_key")?, "passkeys.public_key")?;
    let aaguid = required(passkey.text("aaguid")?, "passkeys.aaguid")?;
    let aaguid = HEXLOWER_PERMISSIVE.decode(aaguid.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    let mut transports = Vec::new();
    for transport in passkey.list("transports")?.unwrap_or_default() {
        transports.push(transport.as_str().ok_or(wrong("passkeys.transports", "a list of texts"))?.to_owned());
    }
    let counter = passkey.number("counter")?.unwrap_or_default();
    let read = FilePasskey {
        aaguid: aaguid.ok_or(wrong("passkeys.aaguid", "16 bytes of hexadecimal"))?,
        transports: Transports::named(&transports),
        backup_eligible: passkey.flag("backup_eligible")?.unwrap_or(false),
        backed_up: passkey.flag("backed_up")?.unwrap_or(false),
        counter: u32::try_from(counter).map_err(|_| wrong("passkeys.counter", "a counter of 32 bits"))?,
        rp_id: required(passkey.text("rp_id")?, "passkeys.rp_id")?,
        name: passkey.text("name")?,
        created_at: required(parse_member(&mut passkey, "created_at", TIME)?, "passkeys.created_at")?,
        last_used_at: parse_member(&mut passkey, "last_used_at", TIME)?,
        id,
        public_key,
    };
    if read.id.is_empty() || read.id.len() > MAX_CREDENTIAL_ID {
        return Err(wrong("passkeys.id", "1 to 1,023 bytes"));
    }
    if PublicKey::from_cose(&read.public_key).is_none() {
        return Err(wrong("passkeys.public_key", "a COSE key of ES256 or RS256"));
    }
    if read.backed_up && !read.backup_eligible {
        return Err(wrong("passkeys.backed_up", "false without backup_eligible"));
    }
    if read.rp_id.len() > 253 {
        return Err(wrong("passkeys.rp_id", "a domain"));
    }
    if read.name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
        return Err(wrong("passkeys.name", "at most 60 characters"));
    }
    refuse_unknown(passkey).map(|()| read)
}
