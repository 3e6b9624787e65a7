## Die Kontoseiten

account-title = Mein Konto
account-nav-profile = Profil
account-nav-security = Sicherheit
account-nav-sessions = Geräte
account-nav-consents = Anwendungen
account-nav-privacy = Datenschutz
account-sign-out = Abmelden
account-change = Ändern
account-save = Speichern
account-back = Zurück

account-profile-title = Ihr Profil
account-profile-stale = Ihr Profil wurde in einem anderen Fenster geändert. Ihre Eingaben sind noch da: Prüfen Sie sie und speichern Sie noch einmal.
account-profile-draft = Ihre Sitzung war beendet, deshalb sind Ihre Änderungen noch nicht gespeichert. Prüfen Sie sie und speichern Sie dann.
account-draft-lost = Ihre Sitzung war beendet, und Ihre Eingaben waren zu lang, um sie aufzuheben. Es ist nichts gespeichert: Bitte geben Sie sie noch einmal ein.
account-done-saved = Ihr Profil ist gespeichert.

account-security-title = Sicherheit
account-history-title = Letzte Aktivitäten
account-history-lead = Anmeldungen und Änderungen, die neuesten zuerst. Wenn Sie etwas nicht wiedererkennen, ändern Sie Ihr Passwort.
account-history-none = Noch nichts.
account-history-here = aus Ihrem aktuellen Netz

account-password-title = Passwort ändern
account-password-lead = Hier bleiben Sie angemeldet. Anmeldungen auf anderen Geräten enden.
account-password-present = Aktuelles Passwort
account-password-new = Neues Passwort
account-password-submit = Passwort ändern
account-password-none-title = Ihr Konto hat kein Passwort
account-password-none-lead = Sie melden sich mit einem Passkey oder einem Code aus einer Mail an. Wenn Sie auch ein Passwort möchten, schicken wir Ihnen eine Mail, mit der Sie eines festlegen.
account-password-none-set = Passwort festlegen
account-password-wrong = Das ist nicht Ihr aktuelles Passwort.
account-passkeys-title = Passkeys
account-one-device-plain = Sie können sich nur mit einem einzigen Passkey anmelden, und er bleibt auf einem Gerät. Verlieren Sie dieses Gerät, kommen Sie nur noch über Ihr Postfach hinein. Fügen Sie einen weiteren Passkey hinzu, oder setzen Sie ein Passwort.
account-one-device-protected = Ihr Konto ist durch einen einzigen Passkey geschützt, der auf einem Gerät bleibt. Verlieren Sie dieses Gerät, kann Ihnen nur noch unser Support helfen. Fügen Sie einen weiteren Passkey hinzu, oder richten Sie eine Authenticator-App ein.
account-one-device-passkey = Weiteren Passkey hinzufügen
account-one-device-password = Passwort per E-Mail setzen
account-one-device-app = Authenticator-App einrichten
account-passkeys-count = { $count ->
    [0] Noch keiner
    [one] Ein Passkey
   *[other] { $count } Passkeys
}
account-passkeys-manage = Verwalten
account-passkeys-lead = Mit einem Passkey melden Sie sich mit Fingerabdruck, Gesicht oder Bildschirmsperre an, ohne Passwort. Niemand kann ihn erraten oder Ihnen entlocken.
account-passkeys-unnamed = Passkey
account-passkeys-synced = Wird zwischen Ihren Geräten synchronisiert
account-passkeys-bound = Nur auf diesem einen Gerät
account-passkeys-added = Hinzugefügt am { $date }
account-passkeys-used = zuletzt benutzt { $time }
account-passkeys-unused = noch nicht benutzt
account-passkeys-rename = Umbenennen
account-passkeys-save = Speichern
account-passkeys-remove = Entfernen
account-passkeys-remove-named = { $name } entfernen
account-passkeys-remove-help = Wenn Sie einen Passkey entfernen, werden alle anderen Geräte abgemeldet. Löschen Sie ihn auch in dem Passwortmanager oder auf dem Gerät, das ihn speichert.
account-passkeys-none = Sie haben noch keinen Passkey.
account-passkeys-add = Passkey hinzufügen
account-passkeys-last = Nur mit diesem Passkey können Sie sich anmelden. Fügen Sie einen weiteren hinzu oder setzen Sie ein Passwort, bevor Sie ihn entfernen.
account-passkeys-new-title = Passkey hinzufügen
account-passkeys-new-lead = Ihr Gerät fragt nach Fingerabdruck, Gesicht oder Bildschirmsperre. Es speichert den Passkey; wir sehen nichts davon.
account-passkeys-name = Name
account-passkeys-name-help = Damit Sie ihn in der Liste erkennen. Ohne Namen heißt er nach dem Ort, an dem er gespeichert ist.
account-passkeys-end-others = Alle anderen Geräte abmelden
account-passkeys-create = Passkey erstellen
account-passkeys-needs-script = Um einen Passkey hinzuzufügen, wird JavaScript gebraucht. Erlauben Sie es für diese Seite, und laden Sie sie neu.
account-passkeys-unsupported = Dieser Browser kann keine Passkeys erstellen. Versuchen Sie es mit einem aktuellen Browser oder auf einem anderen Gerät.
account-passkeys-cancelled = Es wurde kein Passkey erstellt. Sie können es noch einmal versuchen.
account-passkeys-known = Dieses Gerät oder dieser Passwortmanager hat schon einen Passkey für Ihr Konto.
account-passkeys-failed = Dieser Browser konnte keinen Passkey erstellen. Versuchen Sie es mit einem anderen Browser oder Gerät.
account-passkeys-too-many = Sie haben schon so viele Passkeys, wie ein Konto haben kann. Entfernen Sie einen, den Sie nicht mehr benutzen, und fügen Sie dann einen neuen hinzu.
account-passkeys-too-many-changes =
    { $hours ->
        [one] Ihre Passkeys wurden heute oft geändert. Versuchen Sie es zu Ihrer Sicherheit in einer Stunde noch einmal.
       *[other] Ihre Passkeys wurden heute oft geändert. Versuchen Sie es zu Ihrer Sicherheit in { $hours } Stunden noch einmal.
    }
account-passkeys-stale = Das hat zu lange gedauert. Bitte erstellen Sie den Passkey noch einmal.
account-passkeys-refused = Der Passkey konnte nicht geprüft werden, deshalb wurde nichts hinzugefügt. Bitte versuchen Sie es noch einmal, oder nehmen Sie ein anderes Gerät.
account-done-passkey-added = Ihr Passkey ist hinzugefügt. Wir haben Ihre Adresse benachrichtigt.
account-done-passkey-removed = Der Passkey ist entfernt, und alle anderen Geräte sind abgemeldet.
account-done-passkey-renamed = Der Name ist gespeichert.
account-done-password = Ihr Passwort ist geändert, und Anmeldungen auf anderen Geräten sind beendet.

account-email-title = E-Mail-Adresse ändern
account-email-lead = Sie melden sich derzeit mit { $email } an. Diese Adresse gilt, bis Sie die neue bestätigen.
account-email-draft = Sie mussten sich zuerst anmelden, deshalb ist noch kein Code gesendet. Prüfen Sie die neue Adresse und senden Sie dann den Code.
account-email-new = Neue E-Mail-Adresse
account-email-submit = Code senden
account-email-same = Das ist Ihre aktuelle Adresse.
account-email-too-many-today =
    { $hours ->
        [one] Sie haben heute mehrmals eine neue Adresse eingegeben. Versuchen Sie es zu Ihrer Sicherheit in einer Stunde wieder.
       *[other] Sie haben heute mehrmals eine neue Adresse eingegeben. Versuchen Sie es zu Ihrer Sicherheit in { $hours } Stunden wieder.
    }
account-email-too-many = Ihre Adresse wurde in letzter Zeit mehrmals geändert, und diese Änderungen können noch zurückgenommen werden. Ab dem { $date } können Sie sie wieder ändern.
account-email-code-title = Code eingeben
account-email-code-lead = Wir haben einen Code an { $email } geschickt. Bis Sie ihn eingegeben haben, gilt Ihre alte Adresse.
account-email-code-submit = Adresse bestätigen
account-email-cancel = Alte Adresse behalten
account-email-over = Diese Änderung ist abgelaufen, oder es wurden zu viele falsche Codes eingegeben. Sie können neu beginnen.
account-email-taken = Ein anderes Konto verwendet diese Adresse jetzt. Verwenden Sie eine andere Adresse.
account-email-confirm-title = Neue Adresse bestätigen
account-email-confirm-lead = Ab jetzt melden Sie sich mit der Adresse an, an die dieser Link geschickt wurde.
account-email-confirm = Adresse bestätigen
account-email-elsewhere-title = Ihr Code
account-email-elsewhere-lead = Dieser Code bestätigt Ihre Adresse für ein Konto. Wenn Sie die Änderung begonnen haben, geben Sie den Code dort ein, wo Sie sie begonnen haben.
account-email-ended-title = Vielen Dank
account-email-ended-text = Die Änderung ist abgebrochen. Ihre Adresse wird nicht verwendet.
account-done-email = Ihre E-Mail-Adresse ist geändert. Wir haben Ihre alte Adresse benachrichtigt.

account-link-over-title = Dieser Link gilt nicht mehr
account-link-over-text = Er ist abgelaufen, oder eine neuere Nachricht oder eine ältere Adresse hat ihn ersetzt. Es wurde nichts geändert.

account-removal = Mit Ihrem Passwort wurde beantragt, Ihre App und Ihre Wiederherstellungscodes zu entfernen. Das wird am { $date } möglich. Sie sind angemeldet, brauchen es also wahrscheinlich nicht.
account-removal-cancel = Antrag abbrechen
account-done-removal-cancelled = Der Antrag ist abgebrochen. War er nicht von Ihnen, ändern Sie jetzt Ihr Passwort.
removal-cancel-title = Antrag abbrechen
removal-cancel-lead = Es wurde beantragt, App und Wiederherstellungscodes von Ihrem Konto zu entfernen. Geben Sie den Code aus der E-Mail ein, um das abzubrechen.
removal-cancelled-title = Kein Antrag wartet
removal-cancelled-text = Der Antrag wurde abgebrochen, oder er ist vorbei. War er nicht von Ihnen, kennt eine andere Person Ihr Passwort: Setzen Sie ein neues.
not-me-link = Das war ich nicht
not-me-link-named = Das war ich nicht: { $event }, { $at }
not-me-title = Das waren nicht Sie?
not-me-lead = Dann sichern wir jetzt Ihr Konto. Das geschieht:
not-me-mail-lead = In Ihrem Konto ist am { $since } etwas geschehen, das Sie nicht kennen? Geben Sie den Code aus der E-Mail ein, und wir sichern Ihr Konto.
not-me-sessions = Alle Geräte werden abgemeldet, auch dieses, und alle Anwendungen verlieren den Zugriff
not-me-factors = Apps, Passkeys und Wiederherstellungscodes, die seit { $since } hinzugefügt wurden, werden entfernt, und die seitdem entfernten kommen zurück
not-me-mail-factors = Apps, Passkeys und Wiederherstellungscodes, die seit { $since } hinzugefügt wurden, werden entfernt. Die seitdem entfernten kommen zurück, wenn sie mindestens eine Woche alt waren
not-me-password = Ihr jetziges Passwort gilt nicht mehr. Ein neues setzen Sie mit einem Code, den wir an { $email } senden
not-me-mail-password = Ihr jetziges Passwort gilt nicht mehr. Ein neues setzen Sie mit einem Code, den wir an die Adresse Ihres Kontos senden
not-me-submit = Mein Konto sichern
not-me-done-title = Ihr Konto ist gesichert
not-me-done-text = Alle Geräte sind abgemeldet, und das alte Passwort gilt nicht mehr. Setzen Sie jetzt ein neues.
not-me-done-recover = Neues Passwort setzen
not-me-done-then = Sehen Sie danach Ihre Sicherheitseinstellungen an: Dort steht jede App und jeder Passkey, mit denen man sich anmelden kann.
not-me-address-title = Holen Sie das Konto mit Ihrer früheren Adresse zurück
not-me-address-text = Die Adresse des Kontos wurde danach geändert. Waren Sie das nicht, verwenden Sie den Link und den Code in der E-Mail an Ihre frühere Adresse: Damit bekommen Sie das Konto zurück, und alles seitdem Geänderte wird rückgängig gemacht. Haben Sie die Adresse selbst geändert, ändern Sie stattdessen Ihr Passwort.

account-undo-title = Holen Sie Ihr Konto zurück
account-undo-lead = Ihr Konto verwendete vorher { $email }. Wenn Sie das nicht selbst geändert haben, geben Sie den Code aus der Nachricht ein und wählen Sie ein neues Passwort.
account-undo-address = { $email } wird wieder Ihre Adresse
account-undo-sessions = Alle Geräte werden abgemeldet
account-undo-password = Das jetzige Passwort gilt nicht mehr, nur noch Ihr neues
account-undo-open = Das Konto ist wieder offen, falls es geschlossen war
account-mail-code = Code aus der Nachricht
account-mail-code-help = 10 Buchstaben und Ziffern. Der Code steht in der Nachricht mit dem Link zu dieser Seite.
account-undo-newer = { $email } hat ein neueres Konto. Es wird geschlossen und nach dem { $date } gelöscht.
account-undo-newer-help = Melden Sie sich vorher bei dem neueren Konto an und laden Sie herunter, was Sie daraus behalten möchten.
account-undo-newer-missing = Bestätigen Sie das, um fortzufahren. Bisher wurde nichts geändert.
account-undo-submit = Konto zurückholen
account-undo-resend-lead = Die Nachricht mit diesem Link enthält keinen Code. Wir schicken Ihnen eine Nachricht mit einem Code an { $email }.
account-undo-resend = Code schicken
account-undo-resent-title = Sehen Sie in Ihr Postfach
account-undo-resent-text = Wir haben eine Nachricht mit einem Link und einem Code an Ihre frühere Adresse geschickt. Öffnen Sie den Link darin.
account-undone-title = Ihre Adresse gilt wieder
account-undone-text = Ihr Konto verwendet wieder { $email }. Alle Geräte sind abgemeldet, und nur das neue Passwort gilt. Melden Sie sich damit an.
account-undo-taken-title = Diese Adresse ist vergeben
account-undo-taken-text = Ein anderes Konto verwendet diese Adresse jetzt, deshalb kann die Änderung nicht zurückgenommen werden. Bitte wenden Sie sich an unseren Support.

account-sessions-title = Geräte
account-sessions-lead = Auf diesen Geräten sind Sie angemeldet. Melden Sie jedes Gerät ab, das Sie nicht kennen, und ändern Sie dann Ihr Passwort.
account-sessions-unknown = Unbekannter Browser
account-sessions-this = Dieses Gerät
account-sessions-used = Zuletzt benutzt: { $time }
account-sessions-since = Angemeldet am { $date }
account-sessions-network = Netz { $network }
account-sessions-end = Abmelden
account-sessions-end-named = { $device } abmelden
account-sessions-end-others = Alle anderen Geräte abmelden
account-done-session = Das Gerät ist abgemeldet.
account-done-sessions = Alle anderen Geräte sind abgemeldet.

account-consents-title = Anwendungen
account-consents-lead = Diese Anwendungen dürfen Ihr Konto verwenden.
account-consents-since = Von Ihnen erlaubt am { $date }
account-consents-own = Unsere eigene Anwendung, in Benutzung seit dem { $date }
account-consents-withdraw = Zugriff entziehen
account-consents-withdraw-named = { $client } den Zugriff entziehen
account-consents-none = Keine Anwendung verwendet Ihr Konto.
account-done-consent = Die Anwendung kann Ihr Konto nicht mehr verwenden.

account-privacy-title = Datenschutz
account-privacy-lead = Ihre Daten gehören Ihnen: Sie können sie ansehen, herunterladen oder löschen lassen.
account-export-title = Daten herunterladen
account-export-text = Alle Daten, die wir über Sie haben: als Seite, die Sie lesen können, und als Datei für Programme.
account-export-action = Daten exportieren
account-kept-title = Was wir aufbewahren, und wie lange
account-kept-profile = Ihr Profil, solange Sie ein Konto haben
account-kept-sessions = Ihre Anmeldungen, mit Gerät und ungefährem Netz, bis sie enden
account-kept-history =
    { $days ->
        [one] Die Aktivitäten Ihres Kontos, einen Tag lang, ohne Ihren Namen und Ihre Adresse
       *[other] Die Aktivitäten Ihres Kontos, { $days } Tage lang, ohne Ihren Namen und Ihre Adresse
    }
account-delete-title = Konto löschen
account-delete-text =
    { $days ->
        [0] Ihr Konto wird sofort geschlossen und bald danach gelöscht.
        [one] Ihr Konto wird sofort geschlossen. Einen Tag lang können Sie es wiederherstellen; dann wird alles gelöscht.
       *[other] Ihr Konto wird sofort geschlossen. { $days } Tage lang können Sie es wiederherstellen; dann wird alles gelöscht.
    }
account-delete-action = Konto löschen
account-delete-lead = Das löscht das Konto von { $email }.
account-delete-now = Sie werden auf allen Geräten abgemeldet, und das Konto kann nicht mehr benutzt werden
account-delete-until = Bis zum { $date } können Sie das Konto wiederherstellen, mit einem Link und einem Code, die wir an { $email } schicken
account-delete-then = Danach werden alle Daten endgültig gelöscht, und die Adresse kann für ein neues Konto verwendet werden
account-delete-export = Möchten Sie eine Kopie behalten?
account-delete-submit = Konto löschen
account-deleted-title = Ihr Konto ist geschlossen
account-deleted-text = Alle seine Daten werden nach dem { $date } gelöscht. Bis dahin können Sie es wiederherstellen, mit dem Link und dem Code in der Nachricht, die wir Ihnen gerade geschickt haben.

account-restore-title = Konto wiederherstellen
account-restore-lead = Ihr Konto ist geschlossen und wird nach dem { $date } gelöscht. Geben Sie den Code aus der Nachricht ein, um alle Ihre Daten zurückzubekommen.
account-mail-code-wrong = Das ist nicht der Code aus der Nachricht mit diesem Link. Es wurde nichts geändert.
account-restore-no-code = Kein Code in Ihrer Nachricht? Geben Sie Ihre Adresse ein, und wir schicken Ihnen eine neue.
account-restore-submit = Konto wiederherstellen
account-restored-title = Ihr Konto ist offen
account-restored-text = Das Konto ist wiederhergestellt. Melden Sie sich mit Ihrer Adresse und Ihrem Passwort an.

account-terms-title = Dokumente
account-terms-text = Die Zustimmung zu einem freiwilligen Dokument können Sie hier widerrufen. Ein erforderliches gehört zum Konto: Um es zu widerrufen, löschen Sie Ihr Konto.
account-terms-accepted = Akzeptiert am { $date }, Version { $version }.
account-terms-newer = Jetzt gilt Version { $version }.
account-terms-open = Nicht akzeptiert, Version { $version }.
account-terms-accept = Akzeptieren
account-terms-accept-named = Akzeptieren: { $title }
account-terms-withdraw = Widerrufen
account-terms-withdraw-named = Widerrufen: { $title }
account-done-terms-accepted = Ihre Zustimmung ist gespeichert.
account-done-terms-withdrawn = Ihre Zustimmung ist widerrufen.

## Anmeldung in zwei Schritten

two-step-title = Anmeldung in zwei Schritten
two-step-set-up = Einrichten
two-step-state-off = Aus
two-step-state-on =
    { $left ->
        [0] Ein, kein Wiederherstellungscode übrig
        [one] Ein, mit einem Wiederherstellungscode
       *[other] Ein, mit { $left } Wiederherstellungscodes
    }
two-step-lead-off = Schützen Sie Ihr Konto auch für den Fall, dass Ihr Passwort bekannt wird: Bei der Anmeldung geben Sie zusätzlich einen Code ein, den nur Ihr Telefon zeigt.
two-step-lead-on = Bei der Anmeldung geben Sie Ihr Passwort ein, dann folgt ein zweiter Schritt.
two-step-on = Ein
two-step-due = Ihr Konto braucht bis zum { $date } einen zweiten Schritt oder einen Passkey. Bitte richten Sie etwas davon ein.
two-step-overdue = Ihr Konto braucht einen zweiten Schritt oder einen Passkey. Bis dahin können Sie sich nicht bei Anwendungen anmelden.
two-step-app = Authenticator-App
two-step-app-none = Eine App auf Ihrem Telefon, die alle 30 Sekunden einen neuen Code zeigt. Jede Authenticator-App eignet sich, auch ohne Netz.
two-step-app-since = In Verwendung seit dem { $date }
two-step-add = Einrichten
two-step-replace = Ersetzen
two-step-remove = Entfernen
two-step-add-title = Authenticator-App einrichten
two-step-add-lead = Sie brauchen eine Authenticator-App auf Ihrem Telefon, zum Beispiel die Ihres Passwort-Managers. Wenn Sie noch keine haben, installieren Sie zuerst eine. Dann geht es hier weiter.
two-step-replace-title = Eine andere App einrichten
two-step-replace-lead = Für ein neues Telefon oder eine andere App. Ihre bisherige App gilt, bis die neue bestätigt ist.
two-step-begin = Weiter
confirm-address-title = Bestätigen Sie, dass Sie es sind
confirm-address-changed = Die Adresse dieses Kontos wurde vor Kurzem geändert. Bis zum { $date } geht das nur nach einer Anmeldung mit einem Passkey oder mit Passwort und Code.
two-step-mail-text = Zu Ihrer Sicherheit senden wir zuerst einen Code an { $email }.
two-step-mail-send = Code senden
two-step-mail-lead = Wir haben einen Code an { $email } gesendet. Geben Sie ihn hier ein, damit wir wissen, dass Sie es sind.
two-step-mail-again = Neuen Code senden
two-step-mail-over = Dieser Code ist abgelaufen, oder es wurden zu viele falsche Codes eingegeben. Fordern Sie einen neuen an.
two-step-too-many-mails =
    { $hours ->
        [one] Sie haben heute mehrere Codes angefordert. Versuchen Sie es zu Ihrer Sicherheit in einer Stunde noch einmal.
       *[other] Sie haben heute mehrere Codes angefordert. Versuchen Sie es zu Ihrer Sicherheit in { $hours } Stunden noch einmal.
    }
two-step-scan-lead = Scannen Sie dieses Bild mit Ihrer Authenticator-App. Sie haben 15 Minuten Zeit.
two-step-qr = QR-Code für Ihre Authenticator-App. Der Schlüssel darunter enthält dasselbe.
two-step-key = Sie können es nicht scannen? Geben Sie in der App diesen Schlüssel ein:
two-step-open-app = Die App ist auf diesem Gerät? Mit dem Schlüssel öffnen
two-step-code = Code aus Ihrer App
two-step-code-help = Die sechs Ziffern, die die App gerade für dieses Konto zeigt.
two-step-end-others = Alle anderen Geräte abmelden
two-step-replace-ends = Alle anderen Geräte werden abgemeldet, und Codes der alten App gelten nicht mehr. Wurde Ihr Telefon gestohlen, sichern Sie zuerst Ihr Postfach: Mit der E-Mail über diese Änderung lässt sie sich eine Woche lang zurücknehmen.
two-step-turn-on = Bestätigen
two-step-cancel = Abbrechen
two-step-setup-over = Diese Einrichtung hat zu lange gedauert oder wurde in einem anderen Browser begonnen, daher wurde nichts geändert. Bitte beginnen Sie neu, und scannen Sie das neue Bild.
two-step-code-digits = Der Code hat sechs Ziffern. Geben Sie den ein, den Ihre App gerade zeigt.
two-step-code-wrong = Dieser Code passt nicht. Prüfen Sie, ob Sie das Bild dieser Seite gescannt haben, warten Sie auf den nächsten Code, und geben Sie ihn ein.
two-step-clock-behind =
    { $minutes ->
        [one] Die Uhr Ihres Telefons geht offenbar etwa eine Minute nach. Lassen Sie das Telefon seine Zeit automatisch stellen, und geben Sie dann einen neuen Code ein.
       *[other] Die Uhr Ihres Telefons geht offenbar etwa { $minutes } Minuten nach. Lassen Sie das Telefon seine Zeit automatisch stellen, und geben Sie dann einen neuen Code ein.
    }
two-step-clock-ahead =
    { $minutes ->
        [one] Die Uhr Ihres Telefons geht offenbar etwa eine Minute vor. Lassen Sie das Telefon seine Zeit automatisch stellen, und geben Sie dann einen neuen Code ein.
       *[other] Die Uhr Ihres Telefons geht offenbar etwa { $minutes } Minuten vor. Lassen Sie das Telefon seine Zeit automatisch stellen, und geben Sie dann einen neuen Code ein.
    }
two-step-too-many =
    { $hours ->
        [one] Ihre Anmeldung in zwei Schritten wurde heute oft geändert. Versuchen Sie es zu Ihrer Sicherheit in einer Stunde noch einmal.
       *[other] Ihre Anmeldung in zwei Schritten wurde heute oft geändert. Versuchen Sie es zu Ihrer Sicherheit in { $hours } Stunden noch einmal.
    }
two-step-remove-title = Authenticator-App entfernen?
two-step-remove-lead = Ihre Codes gelten dann nicht mehr, und alle anderen Geräte werden abgemeldet.
two-step-remove-last-lead = Ab dann öffnet Ihr Passwort allein Ihr Konto. Die Codes der App und Ihre Wiederherstellungscodes gelten nicht mehr, und alle anderen Geräte werden abgemeldet.
two-step-remove-submit = App entfernen
account-done-app-added = Die Anmeldung in zwei Schritten ist eingeschaltet.
account-done-app-replaced = Ihre neue App ist eingerichtet. Codes der alten gelten nicht mehr.
account-done-app-removed = Ihre Authenticator-App ist entfernt, und andere Geräte sind abgemeldet.
account-done-codes-kept = Die Anmeldung in zwei Schritten ist eingeschaltet, und Ihre Wiederherstellungscodes sind aufbewahrt.

recovery-codes = Wiederherstellungscodes
recovery-codes-left =
    { $left ->
        [0] Von { $total } ist keiner übrig. Erstellen Sie jetzt neue.
        [one] Von { $total } ist noch einer übrig. Erstellen Sie bald neue.
       *[other] Von { $total } sind noch { $left } übrig.
    }
recovery-codes-not-kept = Sie haben noch nicht bestätigt, dass Sie sie aufbewahrt haben.
recovery-codes-renew = Neue erstellen
recovery-codes-title = Bewahren Sie diese Codes auf
recovery-codes-lead = Wenn Sie Ihr Telefon verlieren, melden Sie sich mit jedem dieser Wiederherstellungscodes einmal an. Drucken oder speichern Sie sie an einem sicheren Ort. Diese Seite zeigt sie nur jetzt.
recovery-codes-download = Als Datei herunterladen
recovery-codes-print = Drucken
recovery-codes-check-title = Haben Sie sie aufbewahrt?
recovery-codes-check = Einer Ihrer Codes
recovery-codes-check-help = Geben Sie einen der zehn Codes von dort ein, wo Sie sie aufbewahren. Er wird dabei nicht verbraucht.
recovery-codes-check-submit = Ich habe sie aufbewahrt
recovery-codes-later = Später
recovery-codes-wrong = Das ist keiner Ihrer Wiederherstellungscodes. Prüfen Sie ihn, oder geben Sie einen anderen ein.
recovery-codes-renew-title = Neue Codes erstellen
recovery-codes-renew-lead = Sie erhalten zehn neue Wiederherstellungscodes. Die alten gelten ab dann nicht mehr.
recovery-codes-renew-submit = Neue Codes erstellen
recovery-codes-file = Wiederherstellungscodes für { $tenant }, erstellt am { $date }. Jeder gilt einmal.

## Gemerkte Geräte

remembered-title = Gemerkte Geräte
remembered-lead = Auf diesen Geräten verlangt die Anmeldung keinen Code. Eine Änderung Ihres Passworts oder Ihres zweiten Schritts beendet das überall.
remembered-count =
    { $count ->
        [one] Auf einem Gerät wird kein Code verlangt
       *[other] Auf { $count } Geräten wird kein Code verlangt
    }
remembered-unknown = Ein abgemeldetes Gerät
remembered-until = Kein Code bis { $date }
remembered-forget = Vergessen
remembered-forget-named = { $device } vergessen
remembered-forget-all = Alle vergessen
account-done-devices-forgotten = Die nächste Anmeldung dort verlangt wieder einen Code. Um ein Gerät sofort abzumelden, gehen Sie zu „Geräte“.
