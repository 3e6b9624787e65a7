## The account pages

account-title = My account
account-nav-profile = Profile
account-nav-security = Security
account-nav-sessions = Devices
account-nav-consents = Applications
account-nav-privacy = Privacy
account-sign-out = Sign out
account-change = Change
account-save = Save
account-back = Back

account-profile-title = Your profile
account-profile-stale = Your profile was changed in another window. Your input is still here: check it and save again.
account-profile-draft = Your session had ended, so your changes are not saved yet. Check them, then save them.
account-draft-lost = Your session had ended, and your input was too long to keep. Nothing is saved: please enter it again.
account-done-saved = Your profile is saved.

account-security-title = Security
account-history-title = Recent activity
account-history-lead = Sign-ins and changes, newest first. If you do not recognize something, change your password.
account-history-none = Nothing yet.
account-history-here = from your current network

account-password-title = Change your password
account-password-lead = You stay signed in here. Sign-ins on other devices end.
account-password-present = Current password
account-password-new = New password
account-password-submit = Change password
account-password-none-title = Your account has no password
account-password-none-lead = You sign in with a passkey or a code from a mail. If you want a password too, we send you a mail to set one.
account-password-none-set = Set a password
account-password-wrong = This is not your current password.
account-passkeys-title = Passkeys
account-one-device-plain = You can sign in with one passkey only, and it stays on one device. If you lose this device, you need your mailbox to get in again. Add another passkey, or set a password.
account-one-device-protected = Your account is protected by one passkey that stays on one device. If you lose this device, only our support can help you. Add another passkey, or set up an authenticator app.
account-one-device-passkey = Add another passkey
account-one-device-password = Set a password by mail
account-one-device-app = Set up an authenticator app
account-passkeys-count = { $count ->
    [0] None yet
    [one] One passkey
   *[other] { $count } passkeys
}
account-passkeys-manage = Manage
account-passkeys-lead = With a passkey you sign in by fingerprint, face or screen lock, without your password. It can’t be guessed, and no false page can trick you into typing it.
account-passkeys-unnamed = Passkey
account-passkeys-synced = Synchronized between your devices
account-passkeys-bound = On this one device only
account-passkeys-added = Added on { $date }
account-passkeys-used = last used { $time }
account-passkeys-unused = not used yet
account-passkeys-rename = Rename
account-passkeys-save = Save
account-passkeys-remove = Remove
account-passkeys-remove-named = Remove { $name }
account-passkeys-remove-help = When you remove a passkey, all other devices are signed out. Also delete it in the password manager or device that stores it.
account-passkeys-none = You have no passkey yet.
account-passkeys-add = Add a passkey
account-passkeys-last = This passkey is your only way to sign in. Add another one, or set a password, before you remove it.
account-passkeys-new-title = Add a passkey
account-passkeys-new-lead = Your device will ask for your fingerprint, your face or your screen lock. It stores the passkey; we never see any of these.
account-passkeys-name = Name
account-passkeys-name-help = So that you recognise it in the list. Without one, it is named after where it is stored.
account-passkeys-end-others = Sign out all other devices
account-passkeys-create = Create the passkey
account-passkeys-needs-script = Adding a passkey needs JavaScript. Allow it for this page, then reload.
account-passkeys-unsupported = This browser cannot create passkeys. Try an up-to-date browser, or another device.
account-passkeys-cancelled = No passkey was created. You can try again.
account-passkeys-known = This device or password manager already has a passkey for your account.
account-passkeys-failed = This browser could not create a passkey. Try another browser or device.
account-passkeys-too-many = You already have as many passkeys as an account can have. Remove one that you no longer use, then add a new one.
account-passkeys-too-many-changes =
    { $hours ->
        [one] Your passkeys were changed many times today. For your safety, try again in an hour.
       *[other] Your passkeys were changed many times today. For your safety, try again in { $hours } hours.
    }
account-passkeys-stale = That took too long. Please create the passkey again.
account-passkeys-refused = The passkey could not be verified, so nothing was added. Please try again, or use another device.
account-done-passkey-added = Your passkey is added. We sent a notice to your address.
account-done-passkey-removed = The passkey is removed, and all other devices are signed out.
account-done-passkey-renamed = The name is saved.
account-done-password = Your password is changed, and sign-ins on other devices have ended.

account-email-title = Change your e-mail address
account-email-lead = You currently sign in with { $email }. This address stays valid until you confirm the new one.
account-email-draft = You had to sign in first, so no code is sent yet. Check the new address, then send the code.
account-email-new = New e-mail address
account-email-submit = Send code
account-email-same = This is your current address.
account-email-too-many-today =
    { $hours ->
        [one] You entered new addresses several times today. For your safety, try again in an hour.
       *[other] You entered new addresses several times today. For your safety, try again in { $hours } hours.
    }
account-email-too-many = Your address was changed several times recently, and these changes can still be undone. You can change it again from { $date }.
account-email-code-title = Enter the code
account-email-code-lead = We sent a code to { $email }. Your old address stays valid until you enter the code.
account-email-code-submit = Confirm address
account-email-cancel = Keep the old address
account-email-over = This change has expired, or too many wrong codes were entered. You can start again.
account-email-taken = Another account now uses this address. Use another address.
account-email-confirm-title = Confirm your new address
account-email-confirm-lead = From now on you sign in with the address that this link was sent to.
account-email-confirm = Confirm address
account-email-elsewhere-title = Your code
account-email-elsewhere-lead = This code confirms your address for an account. If you started the change, enter the code where you started it.
account-email-ended-title = Thank you
account-email-ended-text = The change is cancelled. Your address will not be used.
account-done-email = Your e-mail address is changed. We sent a notice to your old address.

account-link-over-title = This link is no longer valid
account-link-over-text = It has expired, or a newer mail or an older address has replaced it. Nothing was changed.

account-removal = With your password, the removal of your app and recovery codes was requested. It becomes possible on { $date }. You are signed in, so you probably do not need it.
account-removal-cancel = Cancel the removal
account-done-removal-cancelled = The removal is cancelled. If you did not request it, change your password now.
removal-cancel-title = Cancel the removal
removal-cancel-lead = The removal of the app and recovery codes from your account was requested. Enter the code from the mail to cancel it.
removal-cancelled-title = No removal is waiting
removal-cancelled-text = The removal was cancelled, or it is over. If you did not request it, another person knows your password: set a new one.
not-me-link = This wasn’t me
not-me-link-named = This wasn’t me: { $event }, { $at }
not-me-title = This wasn’t you?
not-me-lead = Then we secure your account now. This is what happens:
not-me-mail-lead = Something happened in your account on { $since } that you do not recognize? Enter the code from the mail, and we secure your account.
not-me-sessions = All devices are signed out, this one too, and all applications lose access
not-me-factors = Apps, passkeys and recovery codes that were added since { $since } are removed, and those that were removed since then come back
not-me-mail-factors = Apps, passkeys and recovery codes that were added since { $since } are removed. Those that were removed since then come back if they were at least a week old
not-me-password = Your present password no longer works. You set a new one with a code that we send to { $email }
not-me-mail-password = Your present password no longer works. You set a new one with a code that we send to the address of your account
not-me-submit = Secure my account
not-me-done-title = Your account is secured
not-me-done-text = All devices are signed out, and the old password no longer works. Now set a new one.
not-me-done-recover = Set a new password
not-me-done-then = After that, look at your security settings: they list every app and passkey that can sign in.
not-me-address-title = Take the account back with your former address
not-me-address-text = The address of the account was changed after that. If it was not you, use the link and the code in the mail to your former address: with them you get the account back, and everything that was changed since then is undone. If you changed the address yourself, change your password instead.

account-undo-title = Take your account back
account-undo-lead = Your account used { $email } before. If you did not change this yourself, enter the code from the mail and choose a new password.
account-undo-address = { $email } becomes your address again
account-undo-sessions = All devices are signed out
account-undo-password = The present password no longer works; your new one does
account-undo-open = The account is open again, if it was closed
account-mail-code = Code from the mail
account-mail-code-help = 10 letters and digits. The code is in the mail with the link to this page.
account-undo-newer = { $email } has a newer account. It is closed, and erased after { $date }.
account-undo-newer-help = Before you go on, sign in to the newer account and download what you want to keep from it.
account-undo-newer-missing = Confirm this to go on. Nothing was changed so far.
account-undo-submit = Take the account back
account-undo-resend-lead = The mail with this link has no code. We send you a mail with a code to { $email }.
account-undo-resend = Send the code
account-undo-resent-title = Look into your mailbox
account-undo-resent-text = We have sent a mail with a link and a code to your former address. Open the link in it.
account-undone-title = Your address is restored
account-undone-text = Your account uses { $email } again. All devices are signed out, and only the new password works. Sign in with it.
account-undo-taken-title = This address is in use
account-undo-taken-text = Another account now uses this address, so the change cannot be undone. Please contact our support.

account-sessions-title = Devices
account-sessions-lead = You are signed in on these devices. Sign out any device that you do not recognize, then change your password.
account-sessions-unknown = Unknown browser
account-sessions-this = This device
account-sessions-used = Last used { $time }
account-sessions-since = Signed in on { $date }
account-sessions-network = network { $network }
account-sessions-end = Sign out
account-sessions-end-named = Sign out { $device }
account-sessions-end-others = Sign out all other devices
account-done-session = The device is signed out.
account-done-sessions = All other devices are signed out.

account-consents-title = Applications
account-consents-lead = These applications may use your account.
account-consents-since = Allowed by you on { $date }
account-consents-own = Our own application, in use since { $date }
account-consents-withdraw = Remove access
account-consents-withdraw-named = Remove access of { $client }
account-consents-none = No application uses your account.
account-done-consent = The application can no longer use your account.

account-privacy-title = Privacy
account-privacy-lead = Your data is yours: view it, download it, or have it erased.
account-export-title = Download your data
account-export-text = All data that we have about you, as a page for you to read and as a file for programs.
account-export-action = Export my data
account-kept-title = What we keep, and for how long
account-kept-profile = Your profile, as long as you have an account
account-kept-sessions = Your sign-ins, with device and approximate network, until they end
account-kept-history =
    { $days ->
        [one] The activity of your account, for one day, without your name or address
       *[other] The activity of your account, for { $days } days, without your name or address
    }
account-delete-title = Delete your account
account-delete-text =
    { $days ->
        [0] Your account is closed at once, and erased soon after.
        [one] Your account is closed at once. You can restore it for one day; then everything is erased.
       *[other] Your account is closed at once. You can restore it for { $days } days; then everything is erased.
    }
account-delete-action = Delete my account
account-delete-lead = This deletes the account of { $email }.
account-delete-now = You are signed out on all devices, and the account can no longer be used
account-delete-until = Until { $date } you can restore the account, with a link and a code that we send to { $email }
account-delete-then = After that all data is erased permanently, and the address can be used for a new account
account-delete-export = Do you want to keep a copy?
account-delete-submit = Delete my account
account-deleted-title = Your account is closed
account-deleted-text = All its data will be erased after { $date }. Until then you can restore it with the link and the code in the mail that we have just sent you.

account-restore-title = Restore your account
account-restore-lead = Your account is closed, and will be erased after { $date }. Enter the code from the mail to get back all your data.
account-mail-code-wrong = This is not the code from the mail with this link. Nothing was changed.
account-restore-no-code = No code in your mail? Enter your address, and we send you a new mail.
account-restore-submit = Restore my account
account-restored-title = Your account is open
account-restored-text = The account is restored. Sign in with your address and your password.

account-terms-title = Documents
account-terms-text = You can withdraw your acceptance of an optional document here. A required one belongs to the account: to withdraw it, delete your account.
account-terms-accepted = Accepted on { $date }, version { $version }.
account-terms-newer = Version { $version } is in force now.
account-terms-open = Not accepted, version { $version }.
account-terms-accept = Accept
account-terms-accept-named = Accept: { $title }
account-terms-withdraw = Withdraw
account-terms-withdraw-named = Withdraw: { $title }
account-done-terms-accepted = Your acceptance is recorded.
account-done-terms-withdrawn = Your acceptance is withdrawn.

## Two-step sign-in

two-step-title = Two-step sign-in
two-step-set-up = Set up
two-step-state-off = Off
two-step-state-on =
    { $left ->
        [0] On, no recovery code is left
        [one] On, with one recovery code
       *[other] On, with { $left } recovery codes
    }
two-step-lead-off = Protect your account even if your password becomes known: at sign-in you also enter a code that only your phone shows.
two-step-lead-on = At sign-in you enter your password, then a second step.
two-step-on = On
two-step-due = Your account needs a second step, or a passkey, until { $date }. Please set one up.
two-step-overdue = Your account needs a second step, or a passkey. Until you set one up, you cannot sign in to applications.
two-step-app = Authenticator app
two-step-app-none = An app on your phone that shows a new code every 30 seconds. Any authenticator app works, also without a network.
two-step-app-since = In use since { $date }
two-step-add = Set up
two-step-replace = Replace
two-step-remove = Remove
two-step-add-title = Set up an authenticator app
two-step-add-lead = You need an authenticator app on your phone, for example the one in your password manager. If you have none yet, install one first. Then continue here.
two-step-replace-title = Set up another app
two-step-replace-lead = For a new phone or another app. Your present app keeps working until the new one is confirmed.
two-step-begin = Continue
confirm-address-title = Confirm that it is you
confirm-address-changed = The address of this account was changed a short time ago. Until { $date } this needs a sign-in with a passkey, or with a password and a code.
two-step-mail-text = For your safety we first send a code to { $email }.
two-step-mail-send = Send code
two-step-mail-lead = We sent a code to { $email }. Enter it here, so that we know it is you.
two-step-mail-again = Send a new code
two-step-mail-over = This code has expired, or too many wrong codes were entered. Request a new one.
two-step-too-many-mails =
    { $hours ->
        [one] You requested several codes today. For your safety, try again in an hour.
       *[other] You requested several codes today. For your safety, try again in { $hours } hours.
    }
two-step-scan-lead = Scan this picture with your authenticator app. You have 15 minutes.
two-step-qr = QR code for your authenticator app. The key below contains the same.
two-step-key = You cannot scan it? Enter this key in the app:
two-step-open-app = Is the app on this device? Open it with the key
two-step-code = Code from your app
two-step-code-help = The six digits that the app shows now for this account.
two-step-end-others = Sign out all other devices
two-step-replace-ends = All other devices are signed out, and codes of the old app no longer work. If your phone was stolen, secure your mailbox first: the mail about this change can take it back for a week.
two-step-turn-on = Confirm
two-step-cancel = Cancel
two-step-setup-over = This set-up took too long, or was started in another browser, so nothing was changed. Please start again, and scan the new picture.
two-step-code-digits = The code has six digits. Enter the one that your app shows now.
two-step-code-wrong = This code does not fit. Check that you scanned the picture of this page, wait for the next code, and enter it.
two-step-clock-behind =
    { $minutes ->
        [one] The clock of your phone seems to be about a minute slow. Let the phone set its time automatically, then enter a new code.
       *[other] The clock of your phone seems to be about { $minutes } minutes slow. Let the phone set its time automatically, then enter a new code.
    }
two-step-clock-ahead =
    { $minutes ->
        [one] The clock of your phone seems to be about a minute fast. Let the phone set its time automatically, then enter a new code.
       *[other] The clock of your phone seems to be about { $minutes } minutes fast. Let the phone set its time automatically, then enter a new code.
    }
two-step-too-many =
    { $hours ->
        [one] Your two-step sign-in was changed many times today. For your safety, try again in an hour.
       *[other] Your two-step sign-in was changed many times today. For your safety, try again in { $hours } hours.
    }
two-step-remove-title = Remove your authenticator app?
two-step-remove-lead = Its codes no longer work, and all other devices are signed out.
two-step-remove-last-lead = From then on your password alone opens your account. The app’s codes and your recovery codes no longer work, and all other devices are signed out.
two-step-remove-submit = Remove the app
account-done-app-added = Two-step sign-in is on.
account-done-app-replaced = Your new app is set up. Codes of the old one no longer work.
account-done-app-removed = Your authenticator app is removed, and other devices are signed out.
account-done-codes-kept = Two-step sign-in is on, and your recovery codes are in safe keeping.

recovery-codes = Recovery codes
recovery-codes-left =
    { $left ->
        [0] None of { $total } is left. Make new ones now.
        [one] One of { $total } is left. Make new ones soon.
       *[other] { $left } of { $total } are left.
    }
recovery-codes-not-kept = You have not confirmed yet that you kept them.
recovery-codes-renew = Make new ones
recovery-codes-title = Keep your recovery codes
recovery-codes-lead = If you lose your phone, each of these codes signs you in once. Print them or save them in a safe place. This page shows them only now.
recovery-codes-download = Download as a file
recovery-codes-print = Print
recovery-codes-check-title = Have you kept them?
recovery-codes-check = One of your codes
recovery-codes-check-help = Enter any of the ten codes from where you kept them. It is not used up.
recovery-codes-check-submit = I have kept them
recovery-codes-later = Later
recovery-codes-wrong = This is none of your recovery codes. Check it, or enter another one.
recovery-codes-renew-title = Make new recovery codes
recovery-codes-renew-lead = You get ten new codes. The old ones no longer work from then on.
recovery-codes-renew-submit = Make new codes
recovery-codes-file = Recovery codes for { $tenant }, made on { $date }. Each works once.

## Remembered devices

remembered-title = Remembered devices
remembered-lead = On these devices your sign-in asks for no code. A change of your password or of your second step ends this everywhere.
remembered-count =
    { $count ->
        [one] One device is asked for no code
       *[other] { $count } devices are asked for no code
    }
remembered-unknown = A device that is signed out
remembered-until = No code until { $date }
remembered-forget = Forget
remembered-forget-named = Forget { $device }
remembered-forget-all = Forget all
account-done-devices-forgotten = The next sign-in there asks for a code again. To sign a device out at once, use “Devices”.
