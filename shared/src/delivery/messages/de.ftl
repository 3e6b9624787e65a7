# Mails, German.

greeting = Guten Tag,
greeting-name = Guten Tag { $name },
or-open = Oder öffnen Sie diesen Link in dem Browser, in dem Sie begonnen haben:
minutes = { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
}
footer = { $tenant } schreibt Ihnen, weil jemand dort Ihre Adresse eingegeben hat. Dieses Postfach wird nicht gelesen.
footer-account = { $tenant } schreibt Ihnen, weil es um Ihr Konto dort geht. Dieses Postfach wird nicht gelesen.
support = Hilfe: { $url }
code-label = Ihr Code

registration-subject = Ihr Code für { $tenant }
registration-title = Bestätigen Sie Ihre E-Mail-Adresse
registration-intro = Geben Sie diesen Code ein, um Ihr Konto bei { $tenant } fertig anzulegen.
registration-action = Adresse bestätigen
registration-lifetime = Der Code gilt { $lifetime } lang und nur einmal. Niemand von { $tenant } wird Sie je danach fragen.
registration-not-me = Sie haben das nicht angefordert? Dann ignorieren Sie diese Nachricht: Ohne den Code entsteht kein Konto.

resent-subject = Ihr neuer Code für { $tenant }
resent-intro = Hier ist der neue Code, den Sie angefordert haben. Frühere Codes gelten nicht mehr.

registered-subject = Sie haben bereits ein Konto bei { $tenant }
registered-title = Sie haben bereits ein Konto
registered-intro = Jemand, vielleicht Sie selbst, wollte mit dieser Adresse ein Konto bei { $tenant } anlegen. Es gibt schon eines, daher wurde nichts geändert.
registered-sign-in = Anmelden
registered-recover = Falls Sie Ihr Passwort nicht mehr wissen, können Sie ein neues setzen:
registered-recover-action = Neues Passwort setzen
registered-not-me = Sie waren das nicht? Dann ist nichts zu tun. Wer es auch war, hat nicht erfahren, dass Sie ein Konto haben.

recovery-subject = Neues Passwort für { $tenant }
recovery-title = Neues Passwort setzen
recovery-intro = Geben Sie diesen Code ein, um ein neues Passwort für Ihr Konto bei { $tenant } zu setzen.
recovery-action = Neues Passwort setzen
recovery-lifetime = Der Code gilt { $lifetime } lang und nur einmal. Niemand von { $tenant } wird Sie je danach fragen.
recovery-not-me = Sie haben das nicht angefordert? Dann ignorieren Sie diese Nachricht: Ihr Passwort bleibt, wie es ist.

changed-subject = Ihr Passwort bei { $tenant } wurde geändert
changed-title = Ihr Passwort wurde geändert
changed-intro = Das Passwort Ihres Kontos bei { $tenant } wurde geändert, und Sie wurden überall abgemeldet.
changed-not-me = Sie waren das nicht? Dann setzen Sie sofort ein neues Passwort:
changed-action = Neues Passwort setzen
