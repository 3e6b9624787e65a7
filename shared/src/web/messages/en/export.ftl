## The page that prepares a copy of the data

export-start-title = A copy of your data
export-start-lead = You can download all data that { $tenant } has about you in this account.
export-start-what = What is in it
export-start-profile = your profile, your e-mail address and its pending or former ones
export-start-sessions = the devices you are signed in on
export-start-applications = the applications that may act for you, and what you allowed them
export-start-terms = the terms that you accepted, with version and date
export-start-history = what happened in your account: sign-ins, changes, failures
export-start-form = You get one ZIP file: a page to read, the same as data for programs, and a signature that proves where it comes from.
export-start-secrets = Your password is not in it: we keep only a one-way hash, which cannot be turned back into the password.
export-start-submit = Prepare my data
export-start-fresh = For your safety you may be asked to sign in once more.

export-ready-title = Your data is ready
export-ready-lead = It shows your data as of { $date }. The link works until { $until }, only in this browser, and only while nothing in your account changes.
export-ready-download = Download ({ $size })
export-ready-parts = It is large, so it comes in { $count } parts. Download all of them, then join them in this order into one ZIP file.
export-ready-part = Download part { $number } of { $count }
export-ready-keys-title = If you want to prove later where it comes from
export-ready-keys = Keep our public keys beside it. They change from time to time.
export-ready-keys-link = Our public keys
export-ready-private = The file tells a lot about you. Store it where only you can open it.
export-ready-again = Prepare a new copy
export-over-title = This copy is no longer available
export-over-text = A prepared copy can be downloaded for an hour, only where you asked for it, and only while nothing in your account changes. It was not stored. Prepare a new one.

## The page in the package: the frame

export-title = Your data at { $tenant }
export-lead = Everything that { $tenant } holds about you in this account, as of { $date }.
export-contents = Contents
export-files = export.json contains the same data for programs. manifest.json lists each file with its SHA-256 digest, and manifest.jws is our signature over it.
export-none = Nothing.
export-yes = yes
export-no = no
export-by = Made by { $issuer }

## Its sections

export-account-title = Account
export-account-text = The account itself.
export-account-sub = Your number here
export-account-status = State
export-account-active = active
export-account-disabled = closed by us
export-account-erasure_due = closed by you, about to be erased
export-account-erased = erased
export-account-created = Created
export-account-roles = Roles
export-account-hold = Must not be erased for legal reasons since

export-identifiers-title = What you sign in with
export-identifiers-text = In addition to your password. We do not know it and keep only a one-way hash of it.
export-identifiers-verified = Proven to be yours

export-profile-title = Profile
export-profile-text = The data that you entered, and our own notes on it.
export-profile-updated = Last changed
export-claim-email = E-mail address
export-claim-email_verified = E-mail address is proven to be yours
export-claim-locale = Language

export-elsewhere-title = Linked sign-in services
export-elsewhere-text = Your accounts at other sign-in services, such as the one that your account was imported from.
export-elsewhere-issuer = Service
export-elsewhere-subject = Your number there
export-elsewhere-since = Known since

export-passkeys-title = Passkeys
export-passkeys-text = The passkeys that you sign in with, and those that you removed in the last seven days.
export-passkeys-provider = Stored in
export-passkeys-kind = Kind
export-passkeys-synced = Synchronized by its provider
export-passkeys-bound = On one device only
export-passkeys-site = Site
export-passkeys-since = Added
export-passkeys-used = Last used
export-passkeys-removed = Removed
export-addresses-title = Changes of the e-mail address
export-addresses-text = A new address that is not confirmed yet, and former addresses that can still be restored.
export-addresses-pending = Waits for its proof
export-addresses-former = Former address
export-addresses-email = Address
export-addresses-wrong = Wrong codes so far
export-addresses-locale = Language of our mail
export-addresses-until = Until
export-addresses-changed = Replaced
export-addresses-undo = Can be put back until

export-protection-title = Protection of the sign-in
export-protection-text = Consecutive failed sign-ins, which limit password guessing, and the devices that you signed in on before.
export-protection-strangers = From unknown devices
export-protection-device = Known device { $device }
export-protection-count = Failed sign-ins in a row
export-protection-last = The last one
export-protection-remembered = No code is asked for until

export-sessions-title = Devices
export-sessions-text = Browsers that you signed in with, including those that are signed out. We store only the network part of the internet address.
export-sessions-unknown = Unknown device
export-sessions-status = State
export-sessions-live = signed in
export-sessions-ended = signed out
export-sessions-expired = expired
export-sessions-network = Network
export-sessions-sid = Number
export-sessions-opened = Signed in
export-sessions-proved = Last proof
export-sessions-method = Proof by
export-sessions-used = Last used, to the hour
export-sessions-idle = Ends, unless used
export-sessions-expires = Ends in any case
export-sessions-signed-out = Signed out
export-method-pwd = password
export-method-mail = mailed code
export-method-totp = code of an authenticator app
export-method-code = recovery code
export-method-passkey = passkey
export-method-dev = remembered device

export-applications-title = Access of applications
export-applications-text = What applications may do, or could do, on your behalf.
export-applications-id = Its name for programs
export-applications-status = State
export-applications-code_issued = being set up
export-applications-active = active
export-applications-ended = ended
export-applications-expired = expired
export-applications-revoked = revoked
export-applications-scope = May
export-applications-audience = For
export-applications-redirect = You were sent back to
export-applications-since = Since
export-applications-taken = Taken up
export-applications-renewed = Last renewed
export-applications-renewals = Renewals
export-applications-idle = Ends, unless renewed
export-applications-revoked-at = Ended
export-applications-reason = Why
export-reason-client_request = the application asked
export-reason-code_replayed = its code was presented twice
export-reason-refresh_reuse = a used-up key was presented again
export-reason-withdrawn = you withdrew it, or ended the device
export-applications-expires = Ends in any case
export-applications-sid = From device number

export-consents-title = What you allowed
export-consents-text = What applications asked for and you agreed to.
export-consents-withdrawn = Withdrawn

export-terms-title = Terms
export-terms-text = Documents that you accepted, in the version that you were shown.
export-terms-version = Version
export-terms-accepted = Accepted
export-terms-withdrawn = Withdrawn
export-terms-locale = Language
export-terms-evidence = SHA-256 of the text
export-terms-not-evidenced = The text is not evidenced: only its address was recorded.
export-terms-url = Address of the text

export-history-title = What happened
export-history-text = The records of your account, newest first. The file history.csv has all details.
export-history-truncated = There are more than { $count } records: these are the newest. Ask us for the older ones.
export-history-when = When
export-history-what = What
export-history-application = Application
export-history-network = Network

export-left-title = What is not in it
export-left-text = Some data is left out for your own safety, or because it says nothing about you:
export-left-password = your password: we keep only a one-way hash of it, and this export cannot read it
export-left-secrets = hashes of keys that your devices and applications have, and the data that mailed codes are made from: an attacker could use them to act as you
export-left-technical = counters, timestamps and internal ids that the storage needs
export-left-short = registrations and password resets that were not finished: they expire within half an hour and cannot be found by your name

## The text file in the package

export-readme-title = Your data at { $tenant }
export-readme-open = Open export.html in a browser to read it.
export-readme-html = a page to read and print
export-readme-json = the same, for programs
export-readme-schema = describes export.json (JSON Schema)
export-readme-csv = what happened, as a table
export-readme-manifest = every file above with its SHA-256 digest
export-readme-jws = our signature over manifest.json (JWS, ES256, content detached)
export-readme-verify = To check that nothing was changed and that it comes from { $issuer }: get the public keys from { $jwks } and run
export-readme-private = It tells a lot about you: store it where only you can open it.
