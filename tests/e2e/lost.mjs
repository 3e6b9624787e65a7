// What a user sees who has lost the app and all codes, and who finds a foreign sign-in: the page of the three days, its mail, the banner and its one
// touch, and "this wasn't me" in the account and by mail. All of it works without JavaScript. It moves the clock, so it needs a separate gateway.

import assert from 'node:assert/strict'
import { address, issuer, mail, register } from './latchkey.mjs'
import { keyOf, pass, totp } from './totp.mjs'
import { everyLook } from './visit.mjs'

const password = 'correct horse battery staple'
// Two variants: what differs between the others is tried by the suite of two-step sign-in.
everyLook('a lost factor', journey, (look) => look.javaScriptEnabled === (look.width === 360) && (look.colorScheme === 'dark') === (look.width === 360))

async function journey(visit) {
  const { page } = visit
  const email = address('joan')
  await register(email, password)
  await page.goto('/account/two-step/app')
  await signIn(page, email)
  await page.waitForSelector('#submit')
  await page.click('#submit')
  await page.waitForSelector('[name=mail_code]')
  await page.fill('[name=mail_code]', (await mail(email)).codes[0])
  await page.click('#submit')
  await page.waitForSelector('.qr svg')
  const key = await keyOf(page)
  await page.fill('[name=code]', totp(key))
  await page.click('#submit')
  await page.waitForSelector('#codes')

  // In the first week after the app was added no removal can be asked for.
  const other = await visit.another('other')
  try {
    await other.page.goto('/login')
    await signIn(other.page, email)
    await other.see('second-step', '#lost-factor')
    await other.page.click('#lost-factor')
    await other.see('lost-later', 'main')
    assert.ok(!(await other.page.isVisible('#send')))
    await pass(8 * 24 * 3600)
    await page.goto('/account/security')
    await signIn(page, email)
    await page.fill('[name=code]', totp(key))
    await page.click('#submit')
    await page.waitForSelector('#history')
    await other.page.goto('/login')
    await signIn(other.page, email)
    await other.page.click('#lost-factor')
    await other.see('lost-ask', '#send')
    const before = (await mails(email)).length
    await other.page.click('#send')
    await other.see('lost-code', '[name=mail_code]')
    await other.page.fill('[name=mail_code]', (await mail(email, before + 1)).codes[0])
    await other.page.click('#submit')
    await other.see('lost-waiting', 'main')
  } finally {
    await other.close()
  }

  // The owner's own session shows a banner. One touch ends the request.
  await page.goto('/account/security')
  await visit.see('banner', '#cancel-removal')
  await page.click('#cancel-removal')
  await visit.see('security', '#history')
  assert.ok(!(await page.isVisible('#cancel-removal')))

  // "This wasn't me" beside an event, and what the page says before anything happens.
  await page.click('#history a')
  await visit.see('not-me', '#confirm')
  await page.click('#confirm')
  await visit.see('not-me-done', 'main a.button')
  await page.click('main a.button')
  await page.waitForSelector('[name=identifier]')
}

async function mails(email) {
  return (await fetch(`${issuer}/dev/mailbox.json?to=${encodeURIComponent(email)}`)).json()
}

async function signIn(page, email) {
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.click('#submit')
}
