## The form

register-title = Create your account
register-lead = to continue to { $client }
register-submit = Create account
register-have-account = Already have an account?
register-sign-in = Sign in
register-password-optional = You can leave this empty and sign in without a password. Otherwise use at least { $min } characters.
register-password-help = At least { $min } characters; { $recommended } or more are better. A few unrelated words are easy to remember and hard to guess.
register-email-required = Enter your e-mail address.
register-email-invalid = Enter an e-mail address such as name@example.com.
register-no-more-mails =
    { $hours ->
        [one] Many mails were requested for this address from here today, so we send no more for an hour. Use the newest mail, and look in the spam folder, too.
       *[other] Many mails were requested for this address from here today, so we send no more for { $hours } hours. Use the newest mail, and look in the spam folder, too.
    }
register-terms-accept = I accept:
register-terms-required = Please accept this to create an account.
register-terms-superseded = This document has changed. Please read and accept the current version.
register-only-when = Only for “{ $label }”: { $value }.
answer-yes = yes
answer-no = no

## What is wrong with a chosen password; the login pages say it too

password-flaw-too_short = Use at least { $min } characters.
password-flaw-too_long = Use at most 256 characters.
password-flaw-too_common = This password is easy to guess: many people use it, or it is made of your name, your address or the name of this service. Choose another one.
password-flaw-too_weak = This password is easy to guess.
password-advice-add_words = Add another word or two; uncommon words are better.
password-advice-avoid_sequences = Avoid rows of keys and sequences such as abc or 6543.
password-advice-avoid_repetition = Avoid repeated words and characters.
password-advice-avoid_dates = Avoid dates and years.
password-advice-avoid_names = Avoid names.
password-advice-tricks_are_guessed = Capital letters, reversed words and @ for a are guessed too; add another word or two.

## What is wrong with a field

field-flaw-required = Fill in “{ $label }”.
field-flaw-unknown = There is no such field. Please load the page again.
field-flaw-not_applicable = “{ $label }” does not apply to your other answers. Leave it empty.
field-flaw-invalid_type = The value of “{ $label }” is not valid. Please enter it again.
field-flaw-too_long =
    { $max ->
        [one] Use at most one character for “{ $label }”.
       *[other] Use at most { $max } characters for “{ $label }”.
    }
field-flaw-forbidden_character = “{ $label }” has a line break or another character that is not allowed here. Please remove it.
field-flaw-invalid_format = “{ $label }” does not have the expected form. Please check it.
field-flaw-invalid_date = Enter a valid date for “{ $label }”.
field-flaw-invalid_phone = Enter a phone number with its country code, such as +49 30 123456.
field-flaw-invalid_option = Choose one of the options for “{ $label }”.

## The code

verify-title = Check your mail
verify-lead = We sent a code to { $email }. Enter it here to finish.
verify-code = Code from the mail
verify-submit = Confirm
verify-other-address = Use another address
verify-resend = Send a new code
verify-no-mail = No mail? Look in the spam folder, and check that the address is right. The link in the mail works too, in this browser.
verify-sent = A new code is on its way. Older codes no longer work.
verify-none-left = We can't send more codes for now. Use the newest one, or start again later.
verify-code-wrong =
    { $left ->
        [0] This code is not right, and there are no tries left.
        [one] This code is not right. You have one try left.
       *[other] This code is not right. You have { $left } tries left.
    }

## The mailed link

verify-passkey-title = Create your passkey
verify-passkey-lead = { $email } is confirmed. With a passkey you sign in by fingerprint, face or screen lock. You need no password.
verify-passkey-needs-script = Creating a passkey needs JavaScript. Switch it on and reload this page, or open it in another browser.
verify-passkey-unsupported = This browser cannot create a passkey. Register on another device or in another browser.
verify-passkey-password = Use a password instead
verify-passkey-password-submit = Continue with this password
verify-link-title = Confirm your e-mail address
verify-link-lead = One click finishes your registration.
verify-link-confirm = Confirm and continue
verify-link-code-title = Your code
verify-link-code-lead = Enter this code where you started to create your account.
verify-link-code-warning = Never share this code. We will never ask you for it.
verify-link-deny-title = Was this not you?
verify-link-deny-text = Then another person entered your address, perhaps by mistake. You can stop the registration here; no account will be created.
verify-link-deny = I did not ask for this

## Results

verify-begin-again = Start again
verify-completed-title = Your address is confirmed
verify-completed-text = Your account exists. You can sign in.
verify-disowned-title = The registration has ended
verify-disowned-text = No account was created with this address, and the code and link no longer work.
verify-no-tries-title = Too many wrong codes
verify-no-tries-text = For your safety this registration has ended. You can start again.
verify-expired-title = This code or link is no longer valid
verify-expired-text = It was replaced by a newer one, or it has expired. Use the newest mail, or start again.
verify-elsewhere-title = Please go back to the other browser
verify-elsewhere-text = You can finish a registration only in the browser where you started it. Go back there, or open the link in the mail to see your code.
verify-already-title = You already have an account
verify-already-text = An account was created for this address in the meantime. Sign in with it, or reset its password.
