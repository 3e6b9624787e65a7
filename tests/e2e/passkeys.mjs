// Passkeys in Chromium, with its virtual authenticator: added in the account, used without an address, refused, and offered in autofill. See
// visit.mjs for SCREENSHOTS and LOOK.

import assert from 'node:assert/strict'
import { address, issuer, mail, register } from './latchkey.mjs'
import { authenticator, everyLook } from './visit.mjs'

const password = 'correct horse battery staple'

async function signIn(page, email) {
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.click('#submit')
}

/** Types the code that a session by password alone needs, before it can add a passkey. */
async function proveAddress(page, email, mails = 2) {
  await page.click('#send')
  await page.waitForSelector('[name=mail_code]')
  await page.fill('[name=mail_code]', (await mail(email, mails)).codes[0])
  await page.click('#submit')
}

async function signOut(page) {
  await page.goto('/oauth2/logout')
  await page.click('#confirm')
  await page.waitForLoadState()
}

const withJavaScript = (look) => look.javaScriptEnabled
const one = (look) => look.javaScriptEnabled && look.width === 1280 && look.colorScheme === 'light'

everyLook('a passkey is added, signs in with one touch, and is removed', async (visit) => {
  const { page } = visit
  const email = address('passkey')
  await register(email, password)
  const device = await authenticator(visit)
  // Nothing answers the offer in the autofill by itself.
  await device.send('setAutomaticPresenceSimulation', { enabled: false })
  await visit.goto('/login?return_to=/account/security', 'sign-in')
  assert.ok(await page.isVisible('#passkey'))
  await signIn(page, email)
  await visit.see('security', '#passkeys')
  await page.click('#passkeys')
  await visit.see('none-yet', '#add-passkey')
  await page.click('#add-passkey')
  await visit.see('confirm-address', '#send')
  await page.click('#send')
  await visit.see('mail-code', '[name=mail_code]')
  await page.fill('[name=mail_code]', '0000000000')
  await page.click('#submit')
  await visit.see('wrong-mail-code', '[aria-invalid=true]')
  await page.fill('[name=mail_code]', (await mail(email, 2)).codes[0])
  await page.click('#submit')
  await visit.see('new', '#create-passkey')
  await page.fill('[name=name]', 'Ada’s laptop')
  await device.send('setAutomaticPresenceSimulation', { enabled: true })
  await page.click('#create-passkey')
  await visit.see('added', '[id^=remove-]')
  assert.match(await page.locator('#passkeys').innerText(), /Ada’s laptop/)
  const [credential] = await device.credentials()
  assert.ok(credential.isResidentCredential && credential.rpId === new URL(issuer).hostname)
  assert.match((await mail(email, 3)).subject, /passkey|Passkey/)
  // The same device cannot add a second one. A code counts for one change.
  await page.click('#add-passkey')
  await proveAddress(page, email, 4)
  await page.click('#create-passkey')
  await page.waitForSelector('[data-passkey-says=known]:not([hidden])')
  await visit.picture(page, 'known')

  await signOut(page)
  await device.send('setAutomaticPresenceSimulation', { enabled: false })
  await page.goto('/login?return_to=/account/passkeys')
  await page.waitForSelector('#passkey')
  await device.send('setAutomaticPresenceSimulation', { enabled: true })
  await page.click('#passkey')
  await visit.see('signed-in', '[id^=remove-]')
  await page.click('summary')
  await visit.picture(page, 'rename')
  await page.click('[id^=remove-]')
  await visit.see('removed', '.notice.good')

  // What the device still has opens nothing.
  await signOut(page)
  await device.send('setAutomaticPresenceSimulation', { enabled: false })
  await page.goto('/login')
  await page.waitForSelector('#passkey')
  await device.send('setAutomaticPresenceSimulation', { enabled: true })
  await page.click('#passkey')
  await visit.see('refused', '.notice.bad')
}, withJavaScript)

everyLook('the autofill of the address signs in, also after a long wait', async (visit) => {
  const { page } = visit
  const email = address('autofill')
  await register(email, password)
  const device = await authenticator(visit)
  await device.send('setAutomaticPresenceSimulation', { enabled: false })
  await page.goto('/login?return_to=/account/passkeys/new')
  await signIn(page, email)
  await proveAddress(page, email)
  await device.send('setAutomaticPresenceSimulation', { enabled: true })
  await page.click('#create-passkey')
  await page.waitForSelector('[id^=remove-]')
  await signOut(page)
  // The virtual authenticator answers the offer at once.
  await page.goto('/login?return_to=/account/security')
  await page.waitForSelector('#history')
}, one)

everyLook('a user who closes the dialog reads nothing alarming', async (visit) => {
  const { page } = visit
  const device = await authenticator(visit, { isUserVerified: false })
  await page.goto('/login')
  await page.click('#passkey')
  await page.waitForSelector('[data-passkey-says=cancelled]:not([hidden])')
  assert.equal(await page.locator('[data-passkey-says=failed]').isVisible(), false)
  await visit.picture(page, 'cancelled')
  assert.deepEqual(await device.credentials(), [])
}, one)

everyLook('without JavaScript the password works and the page of a new passkey says why', async (visit) => {
  const { page } = visit
  const email = address('plain')
  await register(email, password)
  await page.goto('/login?return_to=/account/passkeys/new')
  assert.equal(await page.isVisible('#passkey'), false)
  await signIn(page, email)
  await proveAddress(page, email)
  await visit.see('needs-script', 'noscript')
  assert.equal(await page.isVisible('#create-passkey'), false)
}, (look) => !look.javaScriptEnabled && look.width === 360 && look.colorScheme === 'light')

/** Signs in again on the same device, as after the end of a session. */
async function signInAgain(page, email, next = '/account/security') {
  await signOut(page)
  await page.goto(`/login?return_to=${next}`)
  // The script says whether the device can keep a passkey.
  await page.waitForFunction(() => document.querySelector('[data-keeps-passkeys]').value === 'true')
  await signIn(page, email)
}

/** A new user on a known device, after the second sign-in. */
async function atTheOffer(visit, name) {
  const { page } = visit
  const email = address(name)
  await register(email, password)
  await page.goto('/login?return_to=/account/security')
  await signIn(page, email)
  await page.waitForSelector('#history')
  const device = await authenticator(visit)
  await device.send('setAutomaticPresenceSimulation', { enabled: false })
  await signInAgain(page, email)
  return { email, device }
}

everyLook('on a known device a passkey is offered, added, and the application continues', async (visit) => {
  const { page } = visit
  const { email, device } = await atTheOffer(visit, 'offer')
  await visit.see('offer', '#later')
  assert.ok(await page.isVisible('#add'))
  await page.click('#add')
  await proveAddress(page, email)
  await visit.see('offer-new', '#create-passkey')
  assert.equal(await page.isVisible('#nav-profile'), false)
  await device.send('setAutomaticPresenceSimulation', { enabled: true })
  await page.click('#create-passkey')
  await page.waitForSelector('#history')
  assert.equal((await device.credentials()).length, 1)
  // The account has a passkey: nothing is offered any more.
  await device.send('setAutomaticPresenceSimulation', { enabled: false })
  await signInAgain(page, email)
  await page.waitForSelector('#history')
}, withJavaScript)

everyLook('"not now" continues, and is remembered', async (visit) => {
  const { page } = visit
  const { email, device } = await atTheOffer(visit, 'later')
  await page.click('#later')
  await page.waitForSelector('#history')
  await signInAgain(page, email)
  await page.waitForSelector('#history')
  assert.deepEqual(await device.credentials(), [])
}, one)

everyLook('without JavaScript nothing is offered, and the page of the offer continues', async (visit) => {
  const { page } = visit
  const email = address('no-offer')
  await register(email, password)
  for (let times = 0; times < 2; times += 1) {
    await page.goto('/login?return_to=/account/security')
    await signIn(page, email)
    await page.waitForSelector('#history')
    if (times === 0) await signOut(page)
  }
  await page.goto('/login/passkey/offer?return_to=/account/security')
  await visit.see('offer-needs-script', '#later')
  assert.equal(await page.isVisible('#add'), false)
  await page.click('#later')
  await page.waitForSelector('#history')
}, (look) => !look.javaScriptEnabled && look.width === 360 && look.colorScheme === 'light')
