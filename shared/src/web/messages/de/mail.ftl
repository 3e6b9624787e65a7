mail-greeting = Guten Tag,
mail-greeting-name = Guten Tag { $name },
mail-or-open = Oder öffnen Sie diesen Link in dem Browser, in dem Sie begonnen haben:
mail-minutes = { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
}
mail-footer = { $tenant } schreibt Ihnen, weil Ihre Adresse dort eingegeben wurde. Dieses Postfach wird nicht gelesen.
mail-footer-account = { $tenant } schreibt Ihnen, weil es um Ihr Konto dort geht. Dieses Postfach wird nicht gelesen.
mail-support = Hilfe: { $url }
mail-code-label = Ihr Code

mail-registration-subject = Ihr Code für { $tenant }
mail-registration-title = Bestätigen Sie Ihre E-Mail-Adresse
mail-registration-intro = Geben Sie diesen Code ein, um Ihr Konto bei { $tenant } fertig anzulegen.
mail-registration-action = Adresse bestätigen
mail-registration-lifetime = Der Code gilt { $lifetime } lang und nur einmal. { $tenant } wird Sie nie danach fragen.
mail-registration-not-me = Sie haben das nicht angefordert? Dann ignorieren Sie diese Nachricht: Ohne den Code entsteht kein Konto.

mail-resent-subject = Ihr neuer Code für { $tenant }
mail-resent-intro = Hier ist der neue Code, den Sie angefordert haben. Frühere Codes gelten nicht mehr.

mail-registered-subject = Sie haben bereits ein Konto bei { $tenant }
mail-registered-title = Sie haben bereits ein Konto
mail-registered-intro = Es gab einen Versuch, vielleicht von Ihnen selbst, mit dieser Adresse ein Konto bei { $tenant } anzulegen. Sie haben schon ein Konto, daher wurde nichts geändert.
mail-registered-sign-in = Anmelden
mail-registered-recover = Falls Sie Ihr Passwort nicht mehr wissen, können Sie ein neues setzen:
mail-registered-recover-action = Neues Passwort setzen
mail-registered-not-me = Sie waren das nicht? Dann müssen Sie nichts tun. Die andere Person hat nicht erfahren, dass Sie ein Konto haben.

mail-recovery-subject = Neues Passwort für { $tenant }
mail-recovery-title = Neues Passwort setzen
mail-recovery-intro = Geben Sie diesen Code ein, um ein neues Passwort für Ihr Konto bei { $tenant } zu setzen.
mail-recovery-action = Neues Passwort setzen
mail-recovery-lifetime = Der Code gilt { $lifetime } lang und nur einmal. { $tenant } wird Sie nie danach fragen.
mail-recovery-not-me = Sie haben das nicht angefordert? Dann ignorieren Sie diese Nachricht: Ihr Passwort bleibt, wie es ist.

mail-sign-in-subject = Ihr Code zur Anmeldung bei { $tenant }
mail-sign-in-title = Anmelden
mail-sign-in-intro = Geben Sie diesen Code ein, um sich in Ihrem Konto bei { $tenant } anzumelden.
mail-sign-in-resent-intro = Geben Sie diesen neuen Code ein, um sich in Ihrem Konto bei { $tenant } anzumelden. Die früheren Codes gelten nicht mehr.
mail-sign-in-not-me = Sie haben das nicht angefordert? Dann beachten Sie diese E-Mail nicht, und geben Sie den Code niemandem: Wer ihn hat, kann sich als Sie anmelden.

mail-changed-subject = Ihr Passwort bei { $tenant } wurde geändert
mail-changed-title = Ihr Passwort wurde geändert
mail-changed-intro = Das Passwort Ihres Kontos bei { $tenant } wurde geändert, und Anmeldungen auf anderen Geräten sind beendet.
mail-changed-factors = Außer dem neuen Passwort hat Ihr Konto: { $factors }. Erkennen Sie davon etwas nicht, melden Sie sich an und entfernen Sie es unter „Sicherheit“.
mail-changed-not-me = Sie waren das nicht? Dann setzen Sie sofort ein neues Passwort:
mail-changed-action = Neues Passwort setzen

mail-email-subject = Bestätigen Sie Ihre neue Adresse bei { $tenant }
mail-email-title = Neue E-Mail-Adresse bestätigen
mail-email-intro = Geben Sie diesen Code ein, um diese Adresse für Ihr Konto bei { $tenant } zu verwenden. Bis dahin gilt Ihre alte Adresse.
mail-email-action = Adresse bestätigen
mail-email-not-me = Sie haben das nicht angefordert? Dann ignorieren Sie diese Nachricht, oder öffnen Sie den Link und sagen Sie es uns: Ohne den Code ändert sich nichts.

mail-in-use-subject = Sie haben schon ein Konto bei { $tenant }
mail-in-use-title = Diese Adresse hat ein Konto
mail-in-use-intro = Es gab einen Versuch, vielleicht von Ihnen selbst, diese Adresse für ein anderes Konto bei { $tenant } zu verwenden. Sie hat schon ein Konto, deshalb wurde nichts geändert.

mail-requested-subject = Eine neue E-Mail-Adresse für Ihr Konto bei { $tenant }?
mail-requested-title = Eine neue Adresse wurde eingegeben
mail-requested-intro = Für Ihr Konto bei { $tenant } wurde eine andere E-Mail-Adresse eingegeben. Noch hat sich nichts geändert: Ihr Konto zieht erst um, wenn der Code eingegeben wird, den wir an jene Adresse geschickt haben. Wenn Sie das selbst waren, müssen Sie hier nichts tun.

mail-moved-subject = Ihre E-Mail-Adresse bei { $tenant } wurde geändert
mail-moved-title = Ihre E-Mail-Adresse wurde geändert
mail-moved-intro = Ihr Konto bei { $tenant } verwendet jetzt eine andere E-Mail-Adresse. Mit dieser Adresse kann sich niemand mehr anmelden.
mail-moved-not-me = Sie waren das nicht? Dann öffnen Sie diesen Link, geben Sie den Code ein und wählen Sie ein neues Passwort. Die Adresse gehört dann wieder zu Ihrem Konto, und alle Geräte werden abgemeldet:
mail-moved-action = Änderung zurücknehmen
mail-moved-until = Sie können die Änderung bis zum { $date } zurücknehmen. { $tenant } fragt Sie an keiner anderen Stelle nach dem Code.

mail-undone-subject = Ihre E-Mail-Adresse bei { $tenant } gilt wieder
mail-undone-title = Ihre Adresse gilt wieder
mail-undone-intro = Die Änderung der Adresse wurde zurückgenommen. Bei { $tenant } melden Sie sich wieder mit dieser Adresse an, und mit dem neuen Passwort, das dabei gesetzt wurde. Alle Geräte wurden abgemeldet.

mail-deletion-subject = Ihr Konto bei { $tenant } wird gelöscht
mail-deletion-title = Ihr Konto ist geschlossen
mail-deletion-intro = Wie gewünscht ist Ihr Konto bei { $tenant } geschlossen, und alle seine Daten werden nach dem { $date } gelöscht. Bis dahin kann das Konto nicht benutzt werden.
mail-deletion-restore = Sie haben es sich anders überlegt, oder Sie waren das nicht? Dann öffnen Sie diesen Link und geben Sie den Code ein:
mail-deletion-action = Konto wiederherstellen
mail-deletion-until = Sie können das Konto bis zum { $date } wiederherstellen. Danach werden die Daten endgültig gelöscht.

mail-restored-subject = Ihr Konto bei { $tenant } ist wiederhergestellt
mail-restored-title = Willkommen zurück
mail-restored-intro = Ihr Konto bei { $tenant } ist mit allen Daten wiederhergestellt. Melden Sie sich mit Ihrer Adresse und Ihrem Passwort an.
mail-restored-not-me = Sie waren das nicht? Dann setzen Sie sofort ein neues Passwort: Eine andere Person kann Ihre E-Mails lesen.

mail-passkey-added-subject = Neuer Passkey für Ihr Konto bei { $tenant }
mail-passkey-added-title = Neuer Passkey
mail-passkey-added-intro = Zu Ihrem Konto bei { $tenant } wurde ein Passkey hinzugefügt. Damit können Sie sich jetzt ohne Passwort anmelden.
mail-passkey-removed-subject = Ein Passkey Ihres Kontos bei { $tenant } wurde entfernt
mail-passkey-removed-title = Passkey entfernt
mail-passkey-removed-intro = Ein Passkey Ihres Kontos bei { $tenant } wurde entfernt. Er meldet nicht mehr an, und alle anderen Geräte wurden abgemeldet.
mail-address-proof-subject = Ihr Code für { $tenant }
mail-address-proof-title = Bestätigen Sie, dass Sie es sind
mail-address-proof-intro = Geben Sie diesen Code ein, um Ihr Konto bei { $tenant } mit einem weiteren Anmeldeweg zu schützen.
mail-address-proof-not-me = Sie haben das nicht angefordert? Dann hat sich jemand anders bei Ihrem Konto angemeldet. Ändern Sie jetzt Ihr Passwort: Ohne den Code ändert sich sonst nichts.

mail-app-added-subject = Anmeldung in zwei Schritten bei { $tenant } ist eingeschaltet
mail-app-added-title = Die Anmeldung in zwei Schritten ist eingeschaltet
mail-app-added-intro = Zu Ihrem Konto bei { $tenant } wurde eine Authenticator-App hinzugefügt. Ab jetzt melden Sie sich mit Ihrem Passwort und einem Code dieser App an. Bewahren Sie Ihre Wiederherstellungscodes sicher auf: Sie helfen, wenn Sie Ihr Telefon verlieren.
mail-app-replaced-subject = Ihre Authenticator-App bei { $tenant } wurde ersetzt
mail-app-replaced-title = Ihre Authenticator-App wurde ersetzt
mail-app-replaced-intro = Für Ihr Konto bei { $tenant } ist eine andere Authenticator-App eingerichtet. Codes der alten App gelten nicht mehr, und Anmeldungen auf anderen Geräten sind beendet.
mail-app-removed-subject = Ihre Authenticator-App bei { $tenant } wurde entfernt
mail-app-removed-title = Ihre Authenticator-App wurde entfernt
mail-app-removed-intro = Die Authenticator-App wurde aus Ihrem Konto bei { $tenant } entfernt. Ihre Codes gelten nicht mehr, und Anmeldungen auf anderen Geräten sind beendet.
mail-new-codes-subject = Neue Wiederherstellungscodes für { $tenant }
mail-new-codes-title = Sie haben neue Wiederherstellungscodes
mail-new-codes-intro = Für Ihr Konto bei { $tenant } wurden neue Wiederherstellungscodes erstellt. Die alten gelten nicht mehr.
mail-wrong-codes-subject = Falsche Codes nach Ihrem Passwort bei { $tenant }
mail-wrong-codes-title = Waren Sie das?
mail-wrong-codes-intro = Bei einer Anmeldung an Ihrem Konto bei { $tenant } stimmte Ihr Passwort, und die Codes danach waren fünfmal falsch. Die Anmeldung gelang nicht. Waren Sie es selbst, versuchen Sie es einfach später noch einmal.
mail-code-used-subject = Ein Wiederherstellungscode wurde bei { $tenant } verwendet
mail-code-used-title = Ein Wiederherstellungscode wurde verwendet
mail-code-used-intro = Einer Ihrer Wiederherstellungscodes wurde verwendet, um sich bei Ihrem Konto bei { $tenant } anzumelden. Er gilt kein zweites Mal.
mail-codes-left = { $left ->
    [0] Es ist kein Wiederherstellungscode mehr übrig. Erstellen Sie in Ihrem Konto unter „Sicherheit“ neue.
    [one] Es ist noch ein Wiederherstellungscode übrig. Erstellen Sie in Ihrem Konto unter „Sicherheit“ neue.
   *[other] Es sind noch { $left } Wiederherstellungscodes übrig.
}
mail-not-me-lead = Das waren nicht Sie? Dann öffnen Sie diesen Link und geben Sie den Code ein. Alle Geräte werden abgemeldet, Ihr Passwort gilt nicht mehr, und Ihre Anmeldewege werden wieder so, wie sie vorher waren:
mail-not-me-action = Das war ich nicht
mail-not-me-until = Das ist bis zum { $date } möglich. Waren Sie es selbst, müssen Sie nichts tun. { $tenant } fragt Sie sonst nirgends nach diesem Code.
mail-removal-code-subject = Ihr Code für { $tenant }
mail-removal-code-title = Sie haben Ihren zweiten Schritt verloren?
mail-removal-code-intro = Geben Sie diesen Code ein, um Authenticator-App und Wiederherstellungscodes von Ihrem Konto bei { $tenant } entfernen zu lassen. Das dauert drei Tage.
mail-removal-code-not-me = Sie haben das nicht angefordert? Dann kennt eine andere Person Ihr Passwort. Ändern Sie es jetzt: Ohne den Code geschieht sonst nichts.
mail-removal-subject = Ihr zweiter Schritt bei { $tenant } wird entfernt
mail-removal-title = Haben Sie Ihr Telefon und Ihre Codes verloren?
mail-removal-intro = Mit Ihrem Passwort wurde beantragt, Authenticator-App und Wiederherstellungscodes von Ihrem Konto bei { $tenant } zu entfernen. Das wird am { $date } möglich, in dem Browser des Antrags. Waren Sie es, warten Sie bis dahin. Finden Sie Ihr Telefon oder einen Code, melden Sie sich einfach damit an: Das bricht den Antrag ab.
mail-removal-lead = Das waren nicht Sie? Dann öffnen Sie diesen Link, geben Sie den Code ein und ändern Sie Ihr Passwort. Der Antrag wird abgebrochen:
mail-removal-action = Antrag abbrechen
mail-removal-shortened-subject = Ihr zweiter Schritt bei { $tenant } wird früher entfernt
mail-removal-shortened-title = Ihr zweiter Schritt wird früher entfernt
mail-removal-shortened-intro = Unser Support hat die Wartezeit verkürzt, nach der Authenticator-App und Wiederherstellungscodes von Ihrem Konto bei { $tenant } entfernt werden können, weil jemand darum gebeten hat, der als Sie erkannt wurde. Möglich wird es am { $date }, in dem Browser des Antrags.
mail-removed-subject = Ihr zweiter Schritt bei { $tenant } wurde entfernt
mail-removed-title = Ihr zweiter Schritt wurde entfernt
mail-removed-intro = Wie beantragt, wurden Authenticator-App und Wiederherstellungscodes von Ihrem Konto bei { $tenant } entfernt und alle Geräte abgemeldet. Jetzt öffnet Ihr Passwort allein das Konto.
mail-new-device-subject = Neue Anmeldung bei Ihrem Konto bei { $tenant }
mail-new-device-title = Neue Anmeldung
mail-new-device-intro = Ihr Konto bei { $tenant } wurde am { $date } mit { $browser } geöffnet, auf einem Gerät oder in einem Browser, den es nicht kannte. Waren Sie es selbst, müssen Sie nichts tun.
mail-new-device-unknown-intro = Ihr Konto bei { $tenant } wurde am { $date } auf einem Gerät oder in einem Browser geöffnet, den es nicht kannte. Waren Sie es selbst, müssen Sie nichts tun.
mail-reported-subject = Ihr Konto bei { $tenant } ist gesichert
mail-reported-title = Ihr Konto ist gesichert
mail-reported-intro = Wie gewünscht wurden alle Geräte von Ihrem Konto bei { $tenant } abgemeldet, und sein Passwort gilt nicht mehr. Apps, Passkeys und Wiederherstellungscodes sind wieder die von vorher. Setzen Sie jetzt ein neues Passwort.

mail-closed-subject = Ihr Konto bei { $tenant } ist geschlossen
mail-closed-title = Ihr Konto ist geschlossen
mail-closed-intro = Es gab einen Versuch, vielleicht von Ihnen selbst, sich mit dieser Adresse bei { $tenant } anzumelden oder ein Konto anzulegen. Ihr Konto dort ist geschlossen, und alle seine Daten werden nach dem { $date } gelöscht. Bis dahin können Sie es wiederherstellen.

mail-disabled-subject = Ihr Konto bei { $tenant } ist gesperrt
mail-disabled-title = Ihr Konto ist gesperrt
mail-disabled-intro = Es gab einen Versuch, vielleicht von Ihnen selbst, sich mit dieser Adresse bei { $tenant } anzumelden oder ein Konto anzulegen. Ihr Konto dort ist gesperrt, daher wurde nichts geändert. Bitte wenden Sie sich an den Support von { $tenant }.

mail-former-subject = Ihre frühere Kontoadresse bei { $tenant }
mail-former-title = Zu dem Konto, das diese Adresse verwendet hat
mail-former-changed-intro = Das Passwort des Kontos bei { $tenant }, das vorher diese Adresse verwendet hat, wurde geändert.
mail-former-moved-intro = Das Konto bei { $tenant }, das vorher diese Adresse verwendet hat, hat seine Adresse noch einmal geändert.
mail-former-undone-intro = Das Konto bei { $tenant }, das vorher diese Adresse verwendet hat, verwendet jetzt wieder eine seiner früheren Adressen.
mail-former-deletion-intro = Das Konto bei { $tenant }, das vorher diese Adresse verwendet hat, wurde geschlossen. Alle seine Daten werden gelöscht.
mail-former-restored-intro = Das Konto bei { $tenant }, das vorher diese Adresse verwendet hat, war geschlossen und ist jetzt wiederhergestellt.
mail-former-passkey-added-intro = Zu dem Konto bei { $tenant }, das vorher diese Adresse verwendet hat, wurde ein Passkey hinzugefügt.
mail-former-passkey-removed-intro = Von dem Konto bei { $tenant }, das vorher diese Adresse verwendet hat, wurde ein Passkey entfernt.
mail-former-factor-intro = Bei dem Konto bei { $tenant }, das vorher diese Adresse verwendet hat, wurde die Anmeldung in zwei Schritten geändert oder ein Wiederherstellungscode verwendet.
mail-former-removal-intro = Bei dem Konto bei { $tenant }, das vorher diese Adresse verwendet hat, wurde beantragt, den zweiten Schritt zu entfernen, oder er wurde entfernt.
mail-former-not-me-intro = Alle Geräte wurden von dem Konto bei { $tenant } abgemeldet, das vorher diese Adresse verwendet hat, weil dort etwas als unbekannt gemeldet wurde.
mail-former-not-me = Sie haben diese Adresse nicht selbst aufgegeben? Dann holen Sie das Konto zurück: Öffnen Sie diesen Link, geben Sie den Code ein und wählen Sie ein neues Passwort. Alle Geräte werden abgemeldet:
mail-former-action = Konto zurückholen
mail-former-until = Das ist bis zum { $date } möglich. Wenn Sie Ihre Adresse selbst geändert haben, müssen Sie nichts tun.
