# Mails, English.

greeting = Hello,
greeting-name = Hello { $name },
or-open = Or open this link in the browser where you began:
minutes = { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}
footer = { $tenant } sent you this because somebody entered your address there. This mailbox is not read.
footer-account = { $tenant } sent you this because it is about your account there. This mailbox is not read.
support = Help: { $url }
code-label = Your code

registration-subject = Your code for { $tenant }
registration-title = Confirm your e-mail address
registration-intro = Enter this code to finish creating your account at { $tenant }.
registration-action = Confirm address
registration-lifetime = The code works for { $lifetime }, once. Nobody from { $tenant } will ever ask you for it.
registration-not-me = You did not ask for this? Then ignore this mail: without the code, no account is created.

resent-subject = Your new code for { $tenant }
resent-intro = Here is the new code that you asked for. Earlier codes no longer work.

registered-subject = You already have an account at { $tenant }
registered-title = You already have an account
registered-intro = Somebody, perhaps you, tried to create an account at { $tenant } with this address. It has one already, so nothing was changed.
registered-sign-in = Sign in
registered-recover = If you no longer know your password, you can set a new one:
registered-recover-action = Set a new password
registered-not-me = It was not you? Then there is nothing to do. Whoever it was has not learned that you have an account.

recovery-subject = Set a new password for { $tenant }
recovery-title = Set a new password
recovery-intro = Enter this code to set a new password for your account at { $tenant }.
recovery-action = Set a new password
recovery-lifetime = The code works for { $lifetime }, once. Nobody from { $tenant } will ever ask you for it.
recovery-not-me = You did not ask for this? Then ignore this mail: your password stays as it is.

changed-subject = Your password at { $tenant } was changed
changed-title = Your password was changed
changed-intro = The password of your account at { $tenant } was changed, and you were signed out everywhere.
changed-not-me = It was not you? Then set a new password at once:
changed-action = Set a new password
