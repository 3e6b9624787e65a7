## Der Demo-Laden des lokalen Gateways

demo-shop-name = Alpenglow Outfitters
demo-sign-in = Anmelden
demo-sign-out = Abmelden
demo-join = Anmelden oder Konto anlegen
demo-hello = Hallo { $name }
demo-hello-nobody = Sie sind angemeldet
demo-hero-title = Ausrüstung für das letzte Licht am Gipfel
demo-hero-text = Mitglieder zahlen weniger und finden ihre Bestellungen wieder. Ein Konto dauert eine Minute, und wir fragen nur, was nötig ist.
demo-menu = Ihr Konto
demo-menu-profile = Mein Konto
demo-menu-security = Sicherheit
demo-menu-sessions = Angemeldete Geräte
demo-menu-consents = Verbundene Anwendungen
demo-menu-privacy = Datenschutz und Daten
demo-goods-title = Im Schaufenster
demo-claims-lead = Der Laden hat diese Daten über Sie erhalten.
demo-claims-none = Ihr Access-Token gilt nicht mehr. Holen Sie neue Tokens, oder melden Sie sich neu an.
demo-id-token = Inhalt des ID-Tokens
demo-access-token = Inhalt des Access-Tokens
demo-expiry =
    { $minutes ->
        [0] Das Access-Token endet in weniger als einer Minute.
        [one] Das Access-Token gilt noch eine Minute.
       *[other] Das Access-Token gilt noch { $minutes } Minuten.
    }
demo-refreshed =
    { $count ->
        [0] Es wurde noch nicht erneuert.
        [one] Es wurde einmal erneuert.
       *[other] Es wurde { $count }-mal erneuert.
    }
demo-refresh = Neue Tokens holen
demo-mailbox = Postfach öffnen
demo-footer = Eine Demo: Hier wird nichts verkauft.
demo-notice-denied = Sie haben dem Laden den Zugriff auf Ihr Konto nicht erlaubt. Sie können sich jederzeit anmelden.
demo-notice-failed = Die Anmeldung hat nicht geklappt. Bitte versuchen Sie es noch einmal.
demo-notice-unexpected = Diese Anmeldung begann nicht in diesem Browser, oder sie hat zu lange gedauert. Bitte versuchen Sie es noch einmal.
demo-notice-refresh = Ihre Anmeldung ist abgelaufen. Bitte melden Sie sich neu an.
demo-tent = Gratzelt
demo-tent-text = Für zwei, 1,4 kg, steht im Sturm
demo-pack = Tagesrucksack
demo-pack-text = 28 Liter, innen trocken
demo-boots = Bergstiefel
demo-boots-text = Neu besohlbar, mittags eingelaufen
demo-lamp = Hüttenlaterne
demo-lamp-text = Warmes Licht für drei Nächte
demo-bottle = Stahlflasche
demo-bottle-text = Tee bleibt heiß bis zum Gipfel
demo-mug = Emaillebecher
demo-mug-text = Für den ersten Kaffee draußen
