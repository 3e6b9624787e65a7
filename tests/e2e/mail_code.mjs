// A user signs in with a mailed code: asks for it, mistypes it, asks for another one, and enters that. All of it works without JavaScript.
// See visit.mjs for SCREENSHOTS and LOOK.

import assert from 'node:assert/strict'
import { address, mail, register } from './latchkey.mjs'
import { everyLook } from './visit.mjs'

everyLook('a mailed code', journey, (look) => look.javaScriptEnabled === (look.width === 360))

async function journey(visit) {
  const { page } = visit
  const email = address('grace')
  await register(email, 'correct horse battery staple')
  await page.goto('/account/security')
  await visit.see('sign-in', '#mail-code')
  await page.fill('[name=identifier]', 'no address')
  await page.click('#mail-code')
  await visit.see('address-malformed', '#identifier-error')
  await page.fill('[name=identifier]', email)
  await page.click('#mail-code')
  await visit.see('code', '[name=code]')
  assert.ok((await page.locator('.lead').innerText()).includes(email))
  const [first] = (await mail(email, 2)).codes
  await page.fill('[name=code]', first === '000000' ? '000001' : '000000')
  await page.click('#submit')
  await visit.see('code-refused', '#code-error')
  await page.click('#resend')
  await visit.see('code-resent', '.notice')
  const [second] = (await mail(email, 3)).codes
  await page.fill('[name=code]', second)
  await page.click('#submit')
  await visit.see('signed-in', '#history')
  // The used code opens nothing in another browser, and the page leads on.
  const other = await visit.another('other')
  try {
    await other.page.goto('/login')
    await other.page.fill('[name=identifier]', address('absent'))
    await other.page.click('#mail-code')
    await other.page.waitForSelector('[name=code]')
    for (const _ of [1, 2, 3, 4, 5]) {
      await other.page.fill('[name=code]', '123456')
      await other.page.click('#submit')
    }
    await other.see('code-over', 'main a')
    await other.page.click('main a')
    await other.page.waitForSelector('#mail-code')
  } finally {
    await other.close()
  }
}
