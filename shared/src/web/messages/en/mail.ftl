mail-greeting = Hello,
mail-greeting-name = Hello { $name },
mail-or-open = Or open this link in the browser where you started:
mail-minutes = { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}
mail-footer = { $tenant } sent you this because your address was entered there. This mailbox is not read.
mail-footer-account = { $tenant } sent you this because it is about your account there. This mailbox is not read.
mail-support = Help: { $url }
mail-code-label = Your code

mail-registration-subject = Your code for { $tenant }
mail-registration-title = Confirm your e-mail address
mail-registration-intro = Enter this code to finish creating your account at { $tenant }.
mail-registration-action = Confirm address
mail-registration-lifetime = The code works for { $lifetime }, once. { $tenant } will never ask you for it.
mail-registration-not-me = You did not ask for this? Then ignore this mail: without the code, no account is created.

mail-resent-subject = Your new code for { $tenant }
mail-resent-intro = Here is the new code that you asked for. Earlier codes no longer work.

mail-registered-subject = You already have an account at { $tenant }
mail-registered-title = You already have an account
mail-registered-intro = There was an attempt, perhaps by you, to create an account at { $tenant } with this address. You already have an account, so nothing was changed.
mail-registered-sign-in = Sign in
mail-registered-recover = If you no longer know your password, you can set a new one:
mail-registered-recover-action = Set a new password
mail-registered-not-me = It was not you? Then you do not need to do anything. The other person was not told that you have an account.

mail-recovery-subject = Set a new password for { $tenant }
mail-recovery-title = Set a new password
mail-recovery-intro = Enter this code to set a new password for your account at { $tenant }.
mail-recovery-action = Set a new password
mail-recovery-lifetime = The code works for { $lifetime }, once. { $tenant } will never ask you for it.
mail-recovery-not-me = You did not ask for this? Then ignore this mail: your password stays as it is.

mail-sign-in-subject = Your code to sign in to { $tenant }
mail-sign-in-title = Sign in
mail-sign-in-intro = Enter this code to sign in to your account at { $tenant }.
mail-sign-in-resent-intro = Enter this new code to sign in to your account at { $tenant }. The earlier codes no longer work.
mail-sign-in-not-me = You did not ask for this? Then ignore this mail, and keep the code to yourself: it is enough to sign in as you.

mail-changed-subject = Your password at { $tenant } was changed
mail-changed-title = Your password was changed
mail-changed-intro = The password of your account at { $tenant } was changed, and sign-ins on other devices have ended.
mail-changed-factors = Besides the new password, your account has: { $factors }. If you do not recognize one of them, sign in and remove it under Security.
mail-changed-not-me = It was not you? Then set a new password at once:
mail-changed-action = Set a new password

mail-email-subject = Confirm your new address for { $tenant }
mail-email-title = Confirm your new e-mail address
mail-email-intro = Enter this code to use this address for your account at { $tenant }. Until then, your old address stays valid.
mail-email-action = Confirm address
mail-email-not-me = You did not ask for this? Then ignore this mail, or open the link and tell us: without the code nothing changes.

mail-in-use-subject = You already have an account at { $tenant }
mail-in-use-title = This address has an account
mail-in-use-intro = There was an attempt, perhaps by you, to use this address for another account at { $tenant }. It already has an account, so nothing was changed.

mail-requested-subject = A new e-mail address for your account at { $tenant }?
mail-requested-title = A new address was entered
mail-requested-intro = Another e-mail address was entered for your account at { $tenant }. Nothing has changed yet: your account moves there only when the code that we sent to that address is entered. If it was you, you do not need to do anything here.

mail-moved-subject = Your e-mail address at { $tenant } was changed
mail-moved-title = Your e-mail address was changed
mail-moved-intro = Your account at { $tenant } now uses another e-mail address. This address can no longer sign in.
mail-moved-not-me = It was not you? Then open this link, enter the code and choose a new password. The address becomes yours again, and all devices are signed out:
mail-moved-action = Undo the change
mail-moved-until = You can undo the change until { $date }. { $tenant } will never ask you for the code anywhere else.

mail-undone-subject = Your e-mail address at { $tenant } is restored
mail-undone-title = Your address is restored
mail-undone-intro = The change of address was undone. You sign in at { $tenant } with this address again, and with the new password that was set with it. All devices were signed out.

mail-deletion-subject = Your account at { $tenant } will be deleted
mail-deletion-title = Your account is closed
mail-deletion-intro = As you asked, your account at { $tenant } is closed, and all its data will be erased after { $date }. Until then the account cannot be used.
mail-deletion-restore = You changed your mind, or it was not you? Then open this link and enter the code:
mail-deletion-action = Restore my account
mail-deletion-until = You can restore the account until { $date }. After that, the data is erased permanently.

mail-restored-subject = Your account at { $tenant } is restored
mail-restored-title = Welcome back
mail-restored-intro = Your account at { $tenant } is restored, with all its data. Sign in with your address and password.
mail-restored-not-me = It was not you? Then set a new password at once: another person can read your mail.

mail-passkey-added-subject = A passkey was added to your account at { $tenant }
mail-passkey-added-title = New passkey
mail-passkey-added-intro = A passkey was added to your account at { $tenant }. You can now sign in with it, without a password.
mail-passkey-removed-subject = A passkey was removed from your account at { $tenant }
mail-passkey-removed-title = Passkey removed
mail-passkey-removed-intro = A passkey was removed from your account at { $tenant }. It can no longer sign in, and all other devices were signed out.
mail-address-proof-subject = Your code for { $tenant }
mail-address-proof-title = Confirm that it is you
mail-address-proof-intro = Enter this code to protect your account at { $tenant } with another way to sign in.
mail-address-proof-not-me = You did not ask for this? Then another person has signed in to your account. Change your password now: without the code nothing else changes.

mail-app-added-subject = Two-step sign-in is on at { $tenant }
mail-app-added-title = Two-step sign-in is on
mail-app-added-intro = An authenticator app was added to your account at { $tenant }. From now on, signing in takes your password and a code of this app. Keep your recovery codes in a safe place: they help if you lose your phone.
mail-app-replaced-subject = Your authenticator app at { $tenant } was replaced
mail-app-replaced-title = Your authenticator app was replaced
mail-app-replaced-intro = Another authenticator app is set up for your account at { $tenant }. Codes of the old app no longer work, and sign-ins on other devices have ended.
mail-app-removed-subject = Your authenticator app at { $tenant } was removed
mail-app-removed-title = Your authenticator app was removed
mail-app-removed-intro = The authenticator app was removed from your account at { $tenant }. Its codes no longer work, and sign-ins on other devices have ended.
mail-new-codes-subject = New recovery codes for { $tenant }
mail-new-codes-title = You have new recovery codes
mail-new-codes-intro = New recovery codes were made for your account at { $tenant }. The old ones no longer work.
mail-wrong-codes-subject = Wrong codes after your password at { $tenant }
mail-wrong-codes-title = Was this you?
mail-wrong-codes-intro = At a sign-in to your account at { $tenant }, your password was right, and the codes after it were wrong five times. The sign-in did not succeed. If it was you, just try again later.
mail-code-used-subject = A recovery code was used at { $tenant }
mail-code-used-title = A recovery code was used
mail-code-used-intro = One of your recovery codes was used to sign in to your account at { $tenant }. It does not work a second time.
mail-codes-left = { $left ->
    [0] No recovery code is left. Make new ones in your account, under Security.
    [one] One recovery code is left. Make new ones in your account, under Security.
   *[other] { $left } recovery codes are left.
}
mail-not-me-lead = It was not you? Then open this link and enter the code. All devices are signed out, your password no longer works, and your ways to sign in become again what they were before:
mail-not-me-action = This wasn’t me
mail-not-me-until = This is possible until { $date }. If it was you, you do not need to do anything. { $tenant } will never ask you for the code anywhere else.
mail-removal-code-subject = Your code for { $tenant }
mail-removal-code-title = You have lost your second step?
mail-removal-code-intro = Enter this code to start the removal of the authenticator app and recovery codes from your account at { $tenant }. It takes three days.
mail-removal-code-not-me = You did not ask for this? Then another person knows your password. Change it now: without the code nothing else happens.
mail-removal-subject = Your second step at { $tenant } will be removed
mail-removal-title = Have you lost your phone and your codes?
mail-removal-intro = Someone with your password asked to remove the authenticator app and the recovery codes from your account at { $tenant }. This becomes possible on { $date }, in the browser that asked. If it was you, wait until then. If you find your phone or a code, just sign in with it: that cancels the request.
mail-removal-lead = It was not you? Then open this link, enter the code, and change your password. The removal is cancelled:
mail-removal-action = Cancel the removal
mail-removal-shortened-subject = Your second step at { $tenant } will be removed sooner
mail-removal-shortened-title = Your second step will be removed sooner
mail-removal-shortened-intro = Our support has shortened the wait for the removal of the authenticator app and the recovery codes from your account at { $tenant }, because someone who was recognized as you asked for it. The removal becomes possible on { $date }, in the browser that requested it.
mail-removed-subject = Your second step at { $tenant } was removed
mail-removed-title = Your second step was removed
mail-removed-intro = As it was requested, the authenticator app and the recovery codes were removed from your account at { $tenant }, and all devices were signed out. Your password alone opens it now.
mail-new-device-subject = New sign-in to your account at { $tenant }
mail-new-device-title = New sign-in
mail-new-device-intro = On { $date }, your account at { $tenant } was opened with { $browser }, on a device or in a browser that it did not know. If it was you, you do not need to do anything.
mail-new-device-unknown-intro = On { $date }, your account at { $tenant } was opened on a device or in a browser that it did not know. If it was you, you do not need to do anything.
mail-reported-subject = Your account at { $tenant } is secured
mail-reported-title = Your account is secured
mail-reported-intro = As you asked, all devices were signed out of your account at { $tenant }, and its password no longer works. Apps, passkeys and recovery codes are again those of before. Now set a new password.

mail-closed-subject = Your account at { $tenant } is closed
mail-closed-title = Your account is closed
mail-closed-intro = There was an attempt, perhaps by you, to sign in at { $tenant } or to create an account with this address. Your account there is closed, and all its data will be erased after { $date }. You can restore it until then.

mail-disabled-subject = Your account at { $tenant } is disabled
mail-disabled-title = Your account is disabled
mail-disabled-intro = There was an attempt, perhaps by you, to sign in at { $tenant } or to create an account with this address. Your account there is disabled, so nothing was changed. Please ask the support of { $tenant } about it.

mail-former-subject = Your former account address at { $tenant }
mail-former-title = About the account that used this address
mail-former-changed-intro = The password of the account at { $tenant } that used this address before was changed.
mail-former-moved-intro = The account at { $tenant } that used this address before has changed its address once more.
mail-former-undone-intro = The account at { $tenant } that used this address before now uses one of its former addresses again.
mail-former-deletion-intro = The account at { $tenant } that used this address before was closed. All its data will be erased.
mail-former-restored-intro = The account at { $tenant } that used this address before was closed, and is now restored.
mail-former-passkey-added-intro = A passkey was added to the account at { $tenant } that used this address before.
mail-former-passkey-removed-intro = A passkey was removed from the account at { $tenant } that used this address before.
mail-former-factor-intro = The two-step sign-in of the account at { $tenant } that used this address before was changed, or one of its recovery codes was used.
mail-former-removal-intro = The removal of the second step from the account at { $tenant } that used this address before was requested, or done.
mail-former-not-me-intro = All devices were signed out of the account at { $tenant } that used this address before, because something in it was reported as unknown.
mail-former-not-me = You did not give up this address yourself? Then take the account back: open this link, enter the code and choose a new password. All devices are signed out:
mail-former-action = Take the account back
mail-former-until = This is possible until { $date }. If you changed your address yourself, you do not need to do anything.
