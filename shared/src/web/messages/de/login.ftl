## Anmelden

login-title = Anmelden
login-confirm-title = Bestätigen Sie, dass Sie es sind
login-confirm-lead = Für diesen Schritt brauchen wir eine neue Anmeldung. Geben Sie Ihr Passwort noch einmal ein.
login-lead = weiter zu { $client }
login-passkey = Mit Passkey anmelden
login-passkey-cancelled = Der Passkey wurde nicht benutzt. Versuchen Sie es noch einmal, oder melden Sie sich mit Ihrem Passwort an.
login-passkey-failed = Dieser Browser konnte keinen Passkey benutzen. Melden Sie sich mit Ihrem Passwort an.
login-passkey-stale = Das hat zu lange gedauert, oder diese Seite war in einem anderen Tab offen. Bitte benutzen Sie Ihren Passkey noch einmal.
login-passkey-unknown = Dieser Passkey öffnet hier kein Konto. Vielleicht wurde er entfernt. Wählen Sie einen anderen Passkey, oder melden Sie sich mit Ihrem Passwort an.
login-passkey-refused = Dieser Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal, oder melden Sie sich mit Ihrem Passwort an.
login-submit = Anmelden
login-mail-code = Code per E-Mail erhalten
login-mail-code-limit =
    { $hours ->
        [one] Sie haben heute schon viele Codes angefordert. Melden Sie sich auf einem anderen Weg an, oder fordern Sie in einer Stunde wieder einen Code an.
       *[other] Sie haben heute schon viele Codes angefordert. Melden Sie sich auf einem anderen Weg an, oder fordern Sie in { $hours } Stunden wieder einen Code an.
    }
login-recover = Passwort vergessen?
login-register-question = Neu hier?
login-register = Konto anlegen
login-identifier-malformed = Geben Sie Ihre E-Mail-Adresse ein, etwa name@example.com.
login-password-missing = Geben Sie Ihr Passwort ein.
login-password-too-long = Dieses Passwort ist zu lang, um Ihres zu sein. Vielleicht wurde etwas anderes eingefügt; geben Sie Ihr Passwort noch einmal ein.
login-refused = E-Mail-Adresse oder Passwort stimmt nicht. Prüfen Sie beides und versuchen Sie es noch einmal.
login-password-replace = Sie müssen ein neues Passwort setzen, bevor Sie sich anmelden können. Wählen Sie „Passwort vergessen?“, dann senden wir Ihnen einen Code.
login-address-unproven = Diese E-Mail-Adresse wurde nie bestätigt, deshalb können Sie sich damit nicht anmelden. Legen Sie damit ein neues Konto an, oder wenden Sie sich an unseren Support.
login-second-factor = Dieses Konto verwendet einen zweiten Schritt bei der Anmeldung, den wir hier noch nicht unterstützen. Unser Support hilft Ihnen weiter.
login-closed = Dieses Konto ist geschlossen und wird nach dem { $date } gelöscht. Bis dahin können Sie es wiederherstellen: Nehmen Sie den Link und den Code aus unserer neuesten E-Mail an diese Adresse, und sehen Sie auch im Spam-Ordner nach.
login-disabled = Dieses Konto ist gesperrt. Bitte wenden Sie sich an unseren Support.
login-unavailable = Wir konnten Ihr Passwort gerade nicht prüfen. Mit Ihrem Konto ist alles in Ordnung; versuchen Sie es in einigen Sekunden noch einmal.
login-blocked =
    { $minutes ->
        [one] Zu viele Fehlversuche. Versuchen Sie es in einer Minute wieder, oder setzen Sie Ihr Passwort zurück.
       *[other] Zu viele Fehlversuche. Versuchen Sie es in { $minutes } Minuten wieder, oder setzen Sie Ihr Passwort zurück.
    }
login-request-refused-title = Dieser Link funktioniert nicht
login-request-refused-text = Die Anwendung, die Sie hierher geschickt hat, hat einen Fehler gemacht. Deshalb können wir Sie nicht anmelden. Gehen Sie zur Anwendung zurück und versuchen Sie es noch einmal. Hilft das nicht, wenden Sie sich an ihren Support.

signed-in-title = Sie sind angemeldet
signed-in-text = Sie können zu der Anwendung zurückkehren, aus der Sie gekommen sind.

## Ein Code per E-Mail

mail-code-title = Sehen Sie in Ihre E-Mails
mail-code-lead = Wenn es zu { $address } hier ein Konto gibt, ist ein Code dorthin unterwegs. Er gilt 10 Minuten.
mail-code-lead-short = Wenn es zu Ihrer Adresse hier ein Konto gibt, ist ein Code dorthin unterwegs. Er gilt 10 Minuten.
mail-code-code = Code aus der E-Mail
mail-code-no-mail = Noch keine E-Mail? Es kann eine Minute dauern. Sehen Sie auch im Spam-Ordner nach, und prüfen Sie die Adresse oben.
mail-code-resent = Ein neuer Code ist unterwegs. Die früheren gelten nicht mehr.
mail-code-none-left = Für diese Anmeldung wird kein weiterer Code verschickt. Nehmen Sie den neuesten, oder beginnen Sie noch einmal.
mail-code-other-way = Auf einem anderen Weg anmelden
mail-code-missing = Geben Sie den Code aus der E-Mail ein.
mail-code-wrong =
    { $left ->
        [one] Dieser Code stimmt nicht. Sie haben noch einen Versuch.
       *[other] Dieser Code stimmt nicht. Sie haben noch { $left } Versuche.
    }
mail-code-over-title = Bitte fordern Sie einen neuen Code an
mail-code-over-text = Dieser Code wurde schon benutzt, ist zu alt oder war zu oft falsch. Sie können einen anderen anfordern.
mail-code-over-link = Zurück zur Anmeldung

## Der zweite Schritt

second-step-title = Noch ein Schritt
second-step-lead = Geben Sie den Code ein, den Ihre Authenticator-App gerade zeigt.
second-step-recovery-lead = Geben Sie einen Ihrer Wiederherstellungscodes ein.
second-step-passkey-lead = Weiter geht es mit Ihrem Passkey.
second-step-passkey-refused = Dieser Passkey konnte für dieses Konto nicht geprüft werden. Versuchen Sie es noch einmal oder auf einem anderen Weg.
second-step-passkey-script = Einen Passkey können Sie hier nur mit eingeschaltetem JavaScript verwenden.
second-step-code = Code aus Ihrer App
second-step-submit = Weiter
second-step-remember =
    { $days ->
        [one] Auf diesem Gerät einen Tag lang keinen Code verlangen
       *[other] Auf diesem Gerät { $days } Tage lang keinen Code verlangen
    }
second-step-remember-help = Nur auf einem Gerät, das niemand sonst benutzt. Ihr Passwort wird weiter verlangt.
second-step-clock = Werden die Codes Ihrer App nie angenommen? Stellen Sie die Uhr Ihres Telefons auf automatisch, und versuchen Sie es mit einem neuen Code.
second-step-use-recovery = Stattdessen einen Wiederherstellungscode verwenden
second-step-recovery-code = Wiederherstellungscode
second-step-recovery-help = Einer der zehn Codes, die Sie beim Einrichten des zweiten Schritts aufbewahrt haben. Jeder gilt einmal.
second-step-recovery-submit = Weiter mit diesem Code
second-step-missing = Geben Sie den Code ein.
second-step-wrong = Dieser Code stimmt nicht, oder er wurde schon verwendet. Warten Sie auf den nächsten, und geben Sie diesen ein.
second-step-recovery-wrong = Das ist keiner Ihrer unbenutzten Wiederherstellungscodes. Prüfen Sie ihn, oder nehmen Sie einen anderen.
second-step-blocked =
    { $minutes ->
        [one] Zu viele falsche Codes. Versuchen Sie es in einer Minute wieder.
       *[other] Zu viele falsche Codes. Versuchen Sie es in { $minutes } Minuten wieder.
    }
second-step-locked = Es gab zu viele falsche Codes hintereinander, daher nehmen wir für dieses Konto keine mehr an. Melden Sie sich mit einem Passkey an, oder fragen Sie unseren Support.
second-step-without = Ohne diesen Schritt weiter
second-step-other-factor = Ich kann meinen Passkey hier nicht verwenden
second-step-not-you = Nicht Sie? Mit einem anderen Konto anmelden
second-step-lost = Ich habe meine App und meine Wiederherstellungscodes verloren
lost-factor-title = Sie haben Ihren zweiten Schritt verloren?
lost-factor-off = Ohne Ihre App, einen Wiederherstellungscode oder einen Passkey kann Ihnen nur unser Support helfen. Er muss zuerst sicher sein, dass Sie es sind.
lost-factor-ask = Wir können App und Wiederherstellungscodes von Ihrem Konto entfernen. Zu Ihrer Sicherheit dauert das drei Tage.
lost-factor-password = Diese Anmeldung begann mit einem Code aus Ihrer E-Mail. Um den zweiten Schritt zu entfernen, beginnen Sie noch einmal mit Ihrem Passwort.
lost-factor-first = Zuerst senden wir einen Code an die Adresse Ihres Kontos
lost-factor-then = Melden Sie sich drei Tage später in diesem Browser mit Ihrem Passwort an. Dann entscheiden Sie über das Entfernen
lost-factor-cancel = Wird vorher ein Code, Ihre App oder ein Passkey zur Anmeldung verwendet, wird nichts entfernt
lost-factor-start = Die drei Tage beginnen
lost-factor-code = Wir haben einen Code an die Adresse Ihres Kontos gesendet. Geben Sie ihn ein, dann beginnen die drei Tage.
lost-factor-waiting = Melden Sie sich ab dem { $date } hier wieder an, in diesem Browser und mit Ihrem Passwort. Finden Sie vorher Ihre App oder einen Code, melden Sie sich einfach damit an.
lost-factor-other-browser = Das Entfernen wurde in einem anderen Browser beantragt. Dort ist es ab dem { $date } möglich.
lost-factor-later = Das Entfernen kann ab dem { $date } beantragt werden: Es ist einmal in 30 Tagen möglich, und nicht in der Woche nach einer Änderung Ihres Passworts, Ihrer Adresse oder Ihrer Anmeldewege.
lost-factor-due = Die drei Tage sind vorbei. Haben Sie weiterhin weder Ihre App noch einen Code, entfernen Sie sie jetzt. Danach öffnet Ihr Passwort allein Ihr Konto, und alle Geräte werden abgemeldet.
lost-factor-remove = Zweiten Schritt entfernen
lost-factor-back = Zurück
lost-factor-too-many-mails = Sie haben heute viele Codes angefordert. Versuchen Sie es zu Ihrer Sicherheit morgen noch einmal.
lost-factor-removed-title = Ihr zweiter Schritt ist entfernt
lost-factor-removed-text = Melden Sie sich mit Ihrem Passwort an. Richten Sie danach unter „Sicherheit“ eine neue App ein.
second-step-help = Sie haben weder Ihre App noch einen Code? Fragen Sie unseren Support.
second-step-over-title = Bitte melden Sie sich noch einmal an
second-step-over-text = Diese Anmeldung hat zu lange gedauert, oder Ihr Konto hat sich inzwischen geändert. Es ging nichts verloren.
second-step-over-link = Noch einmal anmelden

## Einwilligung

consent-title = { $client } erlauben?
consent-signed-in = Sie sind angemeldet als { $email }.
consent-switch = Anderes Konto verwenden
consent-asks = { $client } möchte:
consent-allow = Erlauben
consent-deny = Nicht erlauben
consent-note = Erlauben Sie das nur, wenn Sie { $client } vertrauen.
scope-openid = Sie wiedererkennen, wenn Sie zurückkommen
scope-profile = Ihren Namen und Ihre Profilangaben sehen
scope-email = Ihre E-Mail-Adresse sehen
scope-phone = Ihre Telefonnummer sehen
scope-address = Ihre Postanschrift sehen
scope-offline_access = Verbunden bleiben, auch wenn Sie gerade nicht da sind
scope-account = Ihr Konto ansehen und ändern
scope-other = In Ihrem Namen auf den eigenen Dienst zugreifen:

## Passwort zurücksetzen

recover-title = Passwort zurücksetzen
recover-lead = Geben Sie die E-Mail-Adresse Ihres Kontos ein. Wir schicken Ihnen einen Code.
recover-send = Code senden
recover-back = Zurück zur Anmeldung
recover-mail-title = Sehen Sie in Ihr Postfach
recover-mail-lead = Wenn es ein Konto mit dieser Adresse gibt, haben wir Ihnen gerade einen Code geschickt. Geben Sie ihn hier ein und wählen Sie ein neues Passwort.
recover-prove-title = Neues Passwort wählen
recover-prove-lead = Sie werden auf allen Geräten abgemeldet.
recover-code = Code aus der E-Mail
recover-code-help = 10 Buchstaben und Ziffern. Er gilt 30 Minuten, in diesem Browser.
recover-code-wrong =
    { $left ->
        [0] Dieser Code stimmt nicht, und Sie haben keinen Versuch mehr.
        [one] Dieser Code stimmt nicht. Sie haben noch einen Versuch.
       *[other] Dieser Code stimmt nicht. Sie haben noch { $left } Versuche.
    }
recover-no-more-mails =
    { $hours ->
        [one] Für diese Adresse wurden heute von hier aus viele Nachrichten angefordert, daher senden wir eine Stunde lang keine weitere. Nehmen Sie die neueste Nachricht, und sehen Sie auch im Spam-Ordner nach.
       *[other] Für diese Adresse wurden heute von hier aus viele Nachrichten angefordert, daher senden wir { $hours } Stunden lang keine weitere. Nehmen Sie die neueste Nachricht, und sehen Sie auch im Spam-Ordner nach.
    }
recover-password = Neues Passwort
recover-password-help = Mindestens { $min } Zeichen. Ein paar Wörter ohne Zusammenhang sind leicht zu merken und schwer zu erraten.
recover-submit = Neues Passwort setzen
recover-no-mail = Keine E-Mail? Sehen Sie im Spam-Ordner nach, und prüfen Sie, ob die Adresse stimmt.
recover-elsewhere-title = Ihr Code
recover-elsewhere-lead = Geben Sie diesen Code in dem Browser ein, in dem Sie ein neues Passwort angefordert haben.
recover-elsewhere-warning = Geben Sie diesen Code nie weiter. Wir werden Sie nie danach fragen.
recover-disown = Das war ich nicht
recover-done-title = Ihr Passwort ist geändert
recover-done-text = Sie wurden überall abgemeldet. Melden Sie sich mit Ihrem neuen Passwort an.
recover-done-factors = Außer dem neuen Passwort hat Ihr Konto:
recover-done-factors-note = Erkennen Sie davon etwas nicht, melden Sie sich an und entfernen Sie es unter „Sicherheit“. Ein geschütztes Konto fragt auch nach einem neuen Passwort nach dem zweiten Schritt.
recover-ended-title = Diese Anfrage ist beendet
recover-ended-text = Der Code gilt nicht mehr, und Ihr Passwort ist unverändert. Wenn Sie weiter solche E-Mails bekommen, sagen Sie es uns.
recover-over-title = Diese Anfrage gilt nicht mehr
recover-over-text = Sie wurde benutzt, ist abgelaufen oder wurde in einem anderen Browser begonnen. Sie können jederzeit einen neuen Code anfordern.
recover-stays-title = Für dieses Konto hilft unser Support
recover-stays-text = Ihre Adresse ist bestätigt, aber für dieses Konto können Sie hier kein neues Passwort setzen. Unser Support hilft Ihnen weiter.
recover-nobody-title = Es gibt noch kein Konto
recover-nobody-text = Ihre Adresse ist bestätigt, aber es gibt kein Konto damit.
recover-again = Von vorn beginnen

## Abmelden

sign-out-title = Abmelden
sign-out-text = Möchten Sie sich in diesem Browser abmelden?
sign-out-client = { $client } möchte Sie in diesem Browser abmelden.
sign-out-flaw = Die Anwendung, die Sie hierher geschickt hat, hat einen Fehler gemacht. Deshalb können wir Sie nicht zu ihr zurückschicken. Möchten Sie sich in diesem Browser abmelden?
sign-out-confirm = Abmelden
sign-out-stay = Angemeldet bleiben
signed-out-title = Sie sind abgemeldet
signed-out-text = Sie können dieses Fenster jetzt schließen.
signed-out-back = Zurück zu { $client }
signed-out-again = Wieder anmelden

complete-title = Bevor es weitergeht
complete-terms-lead = Bitte lesen und akzeptieren Sie diese Bedingungen.
complete-fields-lead = Bitte vervollständigen Sie Ihr Profil.
complete-until = Sie können das auch später tun, bis zum { $date }.
complete-read = Lesen: { $title }
complete-terms-required = Bitte stimmen Sie zu, um fortzufahren.
complete-overdue = Das lässt sich nicht länger aufschieben. Bitte akzeptieren Sie die Bedingungen, um fortzufahren.
complete-submit = Weiter
complete-later = Jetzt nicht
complete-otherwise = Wenn Sie nicht zustimmen, können Sie weiterhin:
complete-export = Ihre Daten herunterladen
complete-delete = Ihr Konto löschen
complete-sign-out = sich abmelden

enroll-title = Schützen Sie Ihr Konto
enroll-until = Bitte richten Sie eine zweite Möglichkeit ein, mit der Sie sich ausweisen. Sie können das auch später tun, bis zum { $date }.
enroll-overdue = Bitte richten Sie eine zweite Möglichkeit ein, mit der Sie sich ausweisen. Danach geht es weiter.
enroll-client = { $client } braucht eine besser geschützte Anmeldung. Bitte richten Sie eine zweite Möglichkeit ein, mit der Sie sich ausweisen.
enroll-passkey-title = Passkey
enroll-passkey-text = Anmelden mit Fingerabdruck, Gesicht oder Displaysperre: am schnellsten, und ohne einen Code einzutippen.
enroll-app-title = Authenticator-App
enroll-app-text = Eine App auf Ihrem Telefon zeigt alle 30 Sekunden einen neuen Code. Sie geben ihn nach dem Passwort ein.
enroll-app = App einrichten
enroll-later = Jetzt nicht
enroll-decline = Ohne sie zurück zu { $client }
enroll-otherwise = Auch ohne sie können Sie:

passkey-offer-title = Nächstes Mal schneller anmelden
passkey-offer-lead = Mit einem Passkey melden Sie sich auf diesem Gerät mit Fingerabdruck, Gesicht oder Displaysperre an, ohne Ihr Passwort einzugeben.
passkey-offer-later = Jetzt nicht
passkey-offer-needs-script = Zum Anlegen eines Passkeys ist JavaScript nötig. Sie können ihn später in Ihrem Konto hinzufügen.
