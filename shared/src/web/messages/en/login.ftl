## Signing in

login-title = Sign in
login-confirm-title = Confirm that it is you
login-confirm-lead = This step needs a recent sign-in. Enter your password again.
login-lead = to continue to { $client }
login-passkey = Sign in with a passkey
login-passkey-cancelled = The passkey was not used. Try again, or sign in with your password.
login-passkey-failed = This browser could not use a passkey. Sign in with your password.
login-passkey-stale = That took too long, or this page was open in another tab. Please use your passkey again.
login-passkey-unknown = This passkey does not open an account here. It may have been removed. Choose another passkey, or sign in with your password.
login-passkey-refused = This passkey could not be verified. Try again, or sign in with your password.
login-submit = Sign in
login-mail-code = E-mail me a code
login-mail-code-limit =
    { $hours ->
        [one] You have asked for many codes today. Sign in another way, or ask for a code again in an hour.
       *[other] You have asked for many codes today. Sign in another way, or ask for a code again in { $hours } hours.
    }
login-recover = Forgot your password?
login-register-question = New here?
login-register = Create an account
login-identifier-malformed = Enter your e-mail address, such as name@example.com.
login-password-missing = Enter your password.
login-password-too-long = This password is too long to be yours. Perhaps something else was pasted; enter your password again.
login-refused = The e-mail address or the password is not right. Check both and try again.
login-password-replace = You must set a new password before you can sign in. Choose “Forgot your password?”, and we will send you a code.
login-address-unproven = This e-mail address was never confirmed, so you can’t sign in with it. Create a new account with it, or contact our support.
login-second-factor = This account uses a second step at sign-in, which we do not support here yet. Our support can help you.
login-closed = This account is closed, and will be erased after { $date }. Until then you can restore it: use the link and the code in our newest mail to this address, and look in the spam folder, too.
login-disabled = This account is disabled. Please ask our support about it.
login-unavailable = We could not check your password just now. Nothing is wrong with your account; try again in a few seconds.
login-blocked =
    { $minutes ->
        [one] Too many failed attempts. Try again in a minute, or reset your password.
       *[other] Too many failed attempts. Try again in { $minutes } minutes, or reset your password.
    }
login-request-refused-title = This link does not work
login-request-refused-text = The application that sent you here made a mistake, so we can't sign you in. Go back to the application and try again. If that does not help, contact its support.

signed-in-title = You are signed in
signed-in-text = You can return to the application that you came from.

## A mailed code

mail-code-title = Check your mail
mail-code-lead = If { $address } has an account here, a code is on its way there. It works for 10 minutes.
mail-code-lead-short = If your address has an account here, a code is on its way there. It works for 10 minutes.
mail-code-code = Code from the mail
mail-code-no-mail = No mail yet? It can take a minute. Look in the spam folder, too, and check the address above.
mail-code-resent = A new code is on its way. The earlier ones no longer work.
mail-code-none-left = No more codes are sent for this sign-in. Use the newest one, or begin again.
mail-code-other-way = Sign in another way
mail-code-missing = Enter the code from the mail.
mail-code-wrong =
    { $left ->
        [one] This code is not right. You have one more try.
       *[other] This code is not right. You have { $left } more tries.
    }
mail-code-over-title = Please ask for a new code
mail-code-over-text = This code was used, is too old, or was wrong too often. You can ask for another one.
mail-code-over-link = Back to sign-in

## The second step

second-step-title = One more step
second-step-lead = Enter the code that your authenticator app shows now.
second-step-recovery-lead = Enter one of your recovery codes.
second-step-passkey-lead = Use your passkey to continue.
second-step-passkey-refused = This passkey could not be verified for this account. Try again, or use another way.
second-step-passkey-script = A passkey can be used here only with JavaScript switched on.
second-step-code = Code from your app
second-step-submit = Continue
second-step-remember =
    { $days ->
        [one] Don’t ask for a code on this device for a day
       *[other] Don’t ask for a code on this device for { $days } days
    }
second-step-remember-help = Only on a device that no one else uses. Your password is still needed.
second-step-clock = If your app’s codes are never accepted, set the clock of your phone to automatic, and try a new code.
second-step-use-recovery = Use a recovery code instead
second-step-recovery-code = Recovery code
second-step-recovery-help = One of the ten codes that you kept when you set up the second step. Each works once.
second-step-recovery-submit = Continue with this code
second-step-missing = Enter the code.
second-step-wrong = This code is not right, or it was used before. Wait for the next one, and enter that.
second-step-recovery-wrong = This is none of your unused recovery codes. Check it, or take another one.
second-step-blocked =
    { $minutes ->
        [one] Too many wrong codes. Try again in a minute.
       *[other] Too many wrong codes. Try again in { $minutes } minutes.
    }
second-step-locked = There were too many wrong codes in a row, so we accept no more of them for this account. Sign in with a passkey, or ask our support.
second-step-without = Continue without this step
second-step-other-factor = I cannot use my passkey here
second-step-not-you = Not you? Sign in with another account
second-step-lost = I have lost my app and my recovery codes
lost-factor-title = You have lost your second step?
lost-factor-off = Without your app, a recovery code or a passkey, only our support can help you. They must be sure first that it is you.
lost-factor-ask = We can remove the app and the recovery codes from your account. For your safety this takes three days.
lost-factor-password = This sign-in began with a code from your mail. To remove your second step, begin again with your password.
lost-factor-first = First we send a code to the address of your account
lost-factor-then = Three days later, sign in with your password in this browser. Then you decide about the removal
lost-factor-cancel = If a code, your app or a passkey is used to sign in before, nothing is removed
lost-factor-start = Start the three days
lost-factor-code = We sent a code to the address of your account. Enter it to start the three days.
lost-factor-waiting = Sign in here again from { $date }, in this browser and with your password. If you find your app or a code before, just sign in with it.
lost-factor-other-browser = The removal was requested in another browser. There it is possible from { $date }.
lost-factor-later = A removal can be requested from { $date }: it is possible once in 30 days, and not in the week after a change of your password, your address or your ways to sign in.
lost-factor-due = The three days are over. If you still have neither your app nor a code, remove them now. After that, your password alone opens your account, and all devices are signed out.
lost-factor-remove = Remove the second step
lost-factor-back = Back
lost-factor-too-many-mails = You requested many codes today. For your safety, try again tomorrow.
lost-factor-removed-title = Your second step is removed
lost-factor-removed-text = Sign in with your password. Then set up a new app under Security.
second-step-help = You have neither your app nor a code? Ask our support.
second-step-over-title = Please sign in again
second-step-over-text = This sign-in took too long, or your account has changed meanwhile. Nothing was lost.
second-step-over-link = Sign in again

## Consent

consent-title = Allow { $client }?
consent-signed-in = You are signed in as { $email }.
consent-switch = Use another account
consent-asks = { $client } asks to:
consent-allow = Allow
consent-deny = Don't allow
consent-note = Allow this only if you trust { $client }.
scope-openid = Recognize you when you come back
scope-profile = See your name and profile details
scope-email = See your e-mail address
scope-phone = See your phone number
scope-address = See your postal address
scope-offline_access = Stay connected when you are not using it
scope-account = View and change your account
scope-other = Access its own service on your behalf:

## Recovery

recover-title = Reset your password
recover-lead = Enter the e-mail address of your account. We will send you a code.
recover-send = Send code
recover-back = Back to sign-in
recover-mail-title = Check your mail
recover-mail-lead = If there is an account with this address, we have just sent you a code. Enter it here and choose a new password.
recover-prove-title = Choose a new password
recover-prove-lead = You will be signed out on all devices.
recover-code = Code from the mail
recover-code-help = 10 letters and digits. It works for 30 minutes, in this browser.
recover-code-wrong =
    { $left ->
        [0] This code is not right, and there are no tries left.
        [one] This code is not right. You have one try left.
       *[other] This code is not right. You have { $left } tries left.
    }
recover-no-more-mails =
    { $hours ->
        [one] Many mails were requested for this address from here today, so we send no more for an hour. Use the newest mail, and look in the spam folder, too.
       *[other] Many mails were requested for this address from here today, so we send no more for { $hours } hours. Use the newest mail, and look in the spam folder, too.
    }
recover-password = New password
recover-password-help = At least { $min } characters. A few unrelated words are easy to remember and hard to guess.
recover-submit = Set new password
recover-no-mail = No mail? Look in the spam folder, and check that the address is right.
recover-elsewhere-title = Your code
recover-elsewhere-lead = Enter this code in the browser where you asked for a new password.
recover-elsewhere-warning = Never share this code. We will never ask you for it.
recover-disown = I did not ask for this
recover-done-title = Your password is changed
recover-done-text = You have been signed out everywhere. Sign in with your new password.
recover-done-factors = Besides the new password, your account has:
recover-done-factors-note = If you do not recognize one of them, sign in and remove it under Security. A protected account asks for its second step, also after a new password.
recover-ended-title = This request has ended
recover-ended-text = Its code no longer works, and your password has not changed. If you keep getting such mails, tell us.
recover-over-title = This request is no longer valid
recover-over-text = It was used, has expired, or was started in another browser. You can request a new code at any time.
recover-stays-title = This account needs our support
recover-stays-text = Your address is confirmed, but you cannot set a new password for this account here. Our support can help you.
recover-nobody-title = There is no account yet
recover-nobody-text = Your address is confirmed, but there is no account with it.
recover-again = Start again

## Signing out

sign-out-title = Sign out
sign-out-text = Do you want to sign out in this browser?
sign-out-client = { $client } asks to sign you out in this browser.
sign-out-flaw = The application that sent you here made a mistake, so we can't send you back to it. Do you want to sign out in this browser?
sign-out-confirm = Sign out
sign-out-stay = Stay signed in
signed-out-title = You are signed out
signed-out-text = You can close this window now.
signed-out-back = Back to { $client }
signed-out-again = Sign in again

complete-title = Before you continue
complete-terms-lead = Please read and accept these terms.
complete-fields-lead = Please complete your profile.
complete-until = You can do this later, until { $date }.
complete-read = Read: { $title }
complete-terms-required = Please accept this to continue.
complete-overdue = This can no longer be postponed. Please accept the terms to continue.
complete-submit = Continue
complete-later = Not now
complete-otherwise = If you do not accept them, you can still:
complete-export = download your data
complete-delete = delete your account
complete-sign-out = sign out

enroll-title = Protect your account
enroll-until = Please add a second way to show that it is you. You can do this later, until { $date }.
enroll-overdue = Please add a second way to show that it is you. Then you can continue.
enroll-client = { $client } needs a sign-in that is better protected. Please add a second way to show that it is you.
enroll-passkey-title = Passkey
enroll-passkey-text = Sign in by fingerprint, face or screen lock. The quickest way, and no code to type.
enroll-app-title = Authenticator app
enroll-app-text = An app on your phone shows a new code every 30 seconds. You type it after your password.
enroll-app = Set up an app
enroll-later = Not now
enroll-decline = Back to { $client } without it
enroll-otherwise = Without it you can still:

passkey-offer-title = Sign in faster next time
passkey-offer-lead = With a passkey you sign in by fingerprint, face or screen lock on this device, without typing your password.
passkey-offer-later = Not now
passkey-offer-needs-script = Adding a passkey needs JavaScript. You can add one later in your account.
