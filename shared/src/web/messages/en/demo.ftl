## The demo storefront of the local gateway

demo-shop-name = Alpenglow Outfitters
demo-sign-in = Sign in
demo-sign-out = Sign out
demo-join = Sign in or create an account
demo-hello = Hello, { $name }
demo-hello-nobody = You are signed in
demo-hero-title = Gear for the last light on the summit
demo-hero-text = Members pay less, and find their orders again. An account takes a minute, and only what we need to know.
demo-menu = Your account
demo-menu-profile = My account
demo-menu-security = Security
demo-menu-sessions = Signed-in devices
demo-menu-consents = Connected applications
demo-menu-privacy = Privacy and data
demo-goods-title = In the window
demo-claims-lead = The storefront received this data about you.
demo-claims-none = Your access token is no longer valid. Get new tokens, or sign in again.
demo-id-token = Content of the ID token
demo-access-token = Content of the access token
demo-expiry =
    { $minutes ->
        [0] The access token ends within a minute.
        [one] The access token lasts one more minute.
       *[other] The access token lasts { $minutes } more minutes.
    }
demo-refreshed =
    { $count ->
        [0] It was not refreshed yet.
        [one] It was refreshed once.
       *[other] It was refreshed { $count } times.
    }
demo-refresh = Get new tokens
demo-mailbox = Open the mailbox
demo-footer = A demo: nothing here is for sale.
demo-notice-denied = You did not allow the storefront to see your account. You can sign in at any time.
demo-notice-failed = The sign-in did not work. Please try again.
demo-notice-unexpected = This sign-in did not start in this browser, or it took too long. Please try again.
demo-notice-refresh = Your sign-in has ended. Please sign in again.
demo-tent = Ridge tent
demo-tent-text = Two sleepers, 1.4 kg, up in a storm
demo-pack = Day pack
demo-pack-text = 28 litres, dry inside
demo-boots = Scree boots
demo-boots-text = Resoleable, broken in by noon
demo-lamp = Hut lantern
demo-lamp-text = Warm light for three nights
demo-bottle = Steel bottle
demo-bottle-text = Tea stays hot to the top
demo-mug = Enamel mug
demo-mug-text = For the first coffee outside
