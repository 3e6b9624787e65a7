// A user registers without a password: with a passkey in Chromium's virtual authenticator, or, without JavaScript, with the password that the last
// page offers. See visit.mjs for SCREENSHOTS and LOOK.

import assert from 'node:assert/strict'
import { address, mail } from './latchkey.mjs'
import { authenticator, everyLook } from './visit.mjs'

everyLook('registration without a password', async (visit) => {
  const { page, look } = visit
  const email = address('nopassword')
  const device = look.javaScriptEnabled ? await authenticator(visit) : null
  await page.goto('/register?return_to=/account/security')
  await visit.see('form', '[name=password]')
  await page.fill('[name=identifier]', email)
  await page.fill('[name=given_name]', 'Ada')
  await page.fill('[name=family_name]', 'Lovelace')
  await page.check('[name="terms.terms"]')
  await page.click('#submit')
  await page.waitForSelector('[name=code]')
  await page.fill('[name=code]', (await mail(email)).codes[0])
  await page.click('#submit')
  if (!device) {
    await visit.see('passkey', 'summary')
    await page.click('summary')
    await page.fill('[name=password]', 'password1')
    await page.click('#use-password')
    await visit.see('password-refused', '#password-error')
    await page.fill('[name=password]', 'correct horse battery staple')
    await page.click('#use-password')
    await page.waitForSelector('#history')
    return
  }
  await visit.see('passkey', '#create-passkey')
  await page.click('#create-passkey')
  await visit.see('signed-in', '#history')
  const [credential] = await device.credentials()
  assert.ok(credential.isResidentCredential)
  await page.goto('/account/password')
  await visit.see('password-none', '#set-password')
  await page.goto('/oauth2/logout')
  await page.click('#confirm')
  await page.waitForLoadState()
  // The virtual authenticator answers the autofill of the address at once.
  await page.goto('/login?return_to=/account/security')
  await page.waitForSelector('#history')
}, (look) => look.javaScriptEnabled === (look.width === 1280) || look.colorScheme === 'dark' && look.width === 360)
