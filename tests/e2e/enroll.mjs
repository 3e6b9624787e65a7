// A tenant that requires a second factor: a user postpones it, sets up an app or a passkey on the way to the application, and is let through. The
// app works without JavaScript. See visit.mjs for SCREENSHOTS and LOOK. It moves the clock, so it needs a separate gateway.

import assert from 'node:assert/strict'
import { address, mail, register } from './latchkey.mjs'
import { keyOf, pass, totp } from './totp.mjs'
import { authenticator, everyLook } from './visit.mjs'

const password = 'correct horse battery staple'

everyLook('a required second factor: an app', async (visit) => {
  const { page } = visit
  const email = address('enroll')
  await register(email, password)
  await toEnrollment(visit, email)
  await visit.see('postponable', '#later')
  assert.equal(await page.isVisible('#passkey'), visit.look.javaScriptEnabled)
  await page.click('#later')
  await toApplication(page)
  await page.goto('/account/security')
  await visit.see('security', '#factor-due')

  // Overdue. The user comes back from a set-up that was given up.
  await pass(15 * 24 * 3600)
  const other = await visit.another('other')
  try {
    await toEnrollment(other, email)
    await other.see('overdue', '#app')
    assert.equal(await other.page.locator('#later').count(), 0)
    await other.page.click('#app')
    await other.see('set-up-first', '#submit')
    await other.page.click('.actions a')
    await other.page.waitForSelector('#app')
    await other.page.click('#app')
    await other.page.click('#submit')
    await other.see('set-up-mail', '[name=mail_code]')
    await other.page.fill('[name=mail_code]', (await mail(email, 2)).codes[0])
    await other.page.click('#submit')
    await other.see('set-up', '.qr svg')
    const key = await keyOf(other.page)
    await other.page.fill('[name=code]', totp(key))
    await other.page.click('#submit')
    await other.see('codes', '#codes')
    await other.page.fill('[name=code]', (await other.page.locator('#codes code').allInnerTexts())[3])
    await other.page.click('#submit')
    await toApplication(other.page)
  } finally {
    await other.close()
  }
}, (look) => look.javaScriptEnabled === (look.width === 360))

everyLook('a required second factor: a passkey', async (visit) => {
  const { page } = visit
  const email = address('enroll')
  await register(email, password)
  const device = await authenticator(visit)
  await device.send('setAutomaticPresenceSimulation', { enabled: false })
  await toEnrollment(visit, email)
  await page.waitForSelector('#passkey')
  await device.send('setAutomaticPresenceSimulation', { enabled: true })
  await page.click('#passkey')
  await page.click('#send')
  await page.waitForSelector('[name=mail_code]')
  await page.fill('[name=mail_code]', (await mail(email, 2)).codes[0])
  await page.click('#submit')
  await page.waitForSelector('#create-passkey')
  await page.click('#create-passkey')
  // It is used once, so that it is known to work: the autofill of that page answers at once.
  await toApplication(page)
}, (look) => look.javaScriptEnabled && look.width === 360)

/** Signs in for the demo application, up to the page that asks for a factor. */
async function toEnrollment({ page }, email) {
  await page.goto('/demo/')
  await page.click('#sign-in')
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.click('#submit')
  await page.waitForSelector('#app')
}

/** Gives consent, and waits for the application. */
async function toApplication(page) {
  await page.waitForSelector('#allow, #claims')
  if (await page.locator('#allow').count()) await page.click('#allow')
  await page.waitForSelector('#claims')
}
