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
account-profile-stale = Your profile was changed in another window meanwhile. What you typed is still here: check it and save again.
account-done-saved = Your profile is saved.

account-security-title = Security
account-history-title = What happened lately
account-history-lead = Sign-ins and changes, the newest first. If something was not you, change your password.
account-history-none = Nothing yet.
account-history-here = from the network that you use now

account-password-title = Change your password
account-password-lead = You stay signed in here. Sign-ins on other devices end.
account-password-present = Present password
account-password-new = New password
account-password-submit = Change password
account-password-wrong = This is not your present password.
account-done-password = Your password is changed, and sign-ins on other devices have ended.

account-email-title = Change your e-mail address
account-email-lead = You sign in with { $email } now. It stays in force until you have confirmed the new address.
account-email-new = New e-mail address
account-email-submit = Send code
account-email-same = This is your present address.
account-email-too-many = Your address was changed several times lately, and former addresses can still undo that. You can change it again from { $date } on.
account-email-code-title = Enter the code
account-email-code-lead = We sent a code to { $email }. Until you have entered it, your old address stays in force.
account-email-code-submit = Confirm address
account-email-cancel = Keep the old address
account-email-over = This change is over: it took too long, or too many wrong codes were entered. You can begin again.
account-email-taken = This address got another account meanwhile. Use another address.
account-email-confirm-title = Confirm your new address
account-email-confirm-lead = From now on you sign in with the address that this link was sent to.
account-email-confirm = Confirm address
account-email-elsewhere-title = Your code
account-email-elsewhere-lead = Somebody wants to use this address for their account. If it is you, enter this code where you began.
account-email-ended-title = Thank you
account-email-ended-text = The change was ended. Your address is not used.
account-done-email = Your e-mail address is changed. We told your old address.

account-link-over-title = This link is over
account-link-over-text = It was used already, or its time is up. Nothing was changed.

account-undo-title = Undo the change of address
account-undo-lead = Your account used { $email } before. If somebody else changed that, take it back.
account-undo-address = { $email } is in force again
account-undo-sessions = Everyone is signed out, on every device
account-undo-password = The password is removed; you set a new one
account-undo-submit = Undo the change
account-undone-title = Your address is back
account-undone-text = Everyone is signed out, and the password is removed. Set a new one to sign in.
account-undone-recover = Set a new password
account-undo-taken-title = This address is in use
account-undo-taken-text = Another account was created with this address meanwhile, so the change can not be undone. Please ask for help.

account-sessions-title = Devices
account-sessions-lead = Where you are signed in. End what you do not know, then change your password.
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
account-consents-own = Ours, in use since { $date }
account-consents-withdraw = Remove access
account-consents-withdraw-named = Remove access of { $client }
account-consents-none = No application uses your account.
account-done-consent = The application can not use your account any more.

account-privacy-title = Privacy
account-privacy-lead = Your data is yours: see it, take it along, have it erased.
account-export-title = Take your data along
account-export-text = Everything that we hold about you, as a page that you can read and as a file that programs can read.
account-export-action = Export my data
account-kept-title = What we keep, and for how long
account-kept-profile = Your profile, as long as you have an account
account-kept-sessions = Your sign-ins, with the device and the rough network, until they end
account-kept-history =
    { $days ->
        [one] What happened to your account, for one day, without your name or address in it
       *[other] What happened to your account, for { $days } days, without your name or address in it
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
account-delete-now = You are signed out everywhere, and nobody can sign in
account-delete-until = Until { $date } you can restore the account, by a link that we send to { $email }
account-delete-then = After that everything is erased for good, and the address is free again
account-delete-export = Do you want to keep a copy?
account-delete-submit = Delete my account
account-deleted-title = Your account is closed
account-deleted-text = All its data will be erased after { $date }. Until then you can restore it by the link in the mail that we have just sent you.

account-restore-title = Restore your account
account-restore-lead = Your account is closed, and will be erased after { $date }. Restore it, and all your data is there again.
account-restore-submit = Restore my account
account-restored-title = Welcome back
account-restored-text = Your account is restored. Sign in with your address and your password.
