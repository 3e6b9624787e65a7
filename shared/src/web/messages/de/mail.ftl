mail-greeting = Guten Tag,
mail-greeting-name = Guten Tag { $name },
mail-or-open = Oder öffnen Sie diesen Link in dem Browser, in dem Sie begonnen haben:
mail-minutes = { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
}
mail-footer = { $tenant } schreibt Ihnen, weil jemand dort Ihre Adresse eingegeben hat. Dieses Postfach wird nicht gelesen.
mail-footer-account = { $tenant } schreibt Ihnen, weil es um Ihr Konto dort geht. Dieses Postfach wird nicht gelesen.
mail-support = Hilfe: { $url }
mail-code-label = Ihr Code

mail-registration-subject = Ihr Code für { $tenant }
mail-registration-title = Bestätigen Sie Ihre E-Mail-Adresse
mail-registration-intro = Geben Sie diesen Code ein, um Ihr Konto bei { $tenant } fertig anzulegen.
mail-registration-action = Adresse bestätigen
mail-registration-lifetime = Der Code gilt { $lifetime } lang und nur einmal. Niemand von { $tenant } wird Sie je danach fragen.
mail-registration-not-me = Sie haben das nicht angefordert? Dann ignorieren Sie diese Nachricht: Ohne den Code entsteht kein Konto.

mail-resent-subject = Ihr neuer Code für { $tenant }
mail-resent-intro = Hier ist der neue Code, den Sie angefordert haben. Frühere Codes gelten nicht mehr.

mail-registered-subject = Sie haben bereits ein Konto bei { $tenant }
mail-registered-title = Sie haben bereits ein Konto
mail-registered-intro = Jemand, vielleicht Sie selbst, wollte mit dieser Adresse ein Konto bei { $tenant } anlegen. Es gibt schon eines, daher wurde nichts geändert.
mail-registered-sign-in = Anmelden
mail-registered-recover = Falls Sie Ihr Passwort nicht mehr wissen, können Sie ein neues setzen:
mail-registered-recover-action = Neues Passwort setzen
mail-registered-not-me = Sie waren das nicht? Dann ist nichts zu tun. Wer es auch war, hat nicht erfahren, dass Sie ein Konto haben.

mail-recovery-subject = Neues Passwort für { $tenant }
mail-recovery-title = Neues Passwort setzen
mail-recovery-intro = Geben Sie diesen Code ein, um ein neues Passwort für Ihr Konto bei { $tenant } zu setzen.
mail-recovery-action = Neues Passwort setzen
mail-recovery-lifetime = Der Code gilt { $lifetime } lang und nur einmal. Niemand von { $tenant } wird Sie je danach fragen.
mail-recovery-not-me = Sie haben das nicht angefordert? Dann ignorieren Sie diese Nachricht: Ihr Passwort bleibt, wie es ist.

mail-changed-subject = Ihr Passwort bei { $tenant } wurde geändert
mail-changed-title = Ihr Passwort wurde geändert
mail-changed-intro = Das Passwort Ihres Kontos bei { $tenant } wurde geändert, und Sie wurden überall abgemeldet.
mail-changed-not-me = Sie waren das nicht? Dann setzen Sie sofort ein neues Passwort:
mail-changed-action = Neues Passwort setzen
