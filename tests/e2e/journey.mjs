// A user in a browser: demo, registration, mailed code, consent, claims, sign-out, password reset, sign-in. See visit.mjs for
// SCREENSHOTS and LOOK.

import assert from 'node:assert/strict'
import { address, mail } from './latchkey.mjs'
import { everyLook } from './visit.mjs'

const [first, second] = ['correct horse battery staple', 'Tr0mbone under nine clouds']

everyLook('the whole journey', journey)

async function journey(visit) {
  const { page } = visit
  const email = address('ada')

  await visit.goto('/demo/', 'shop')
  await page.click('#join')
  await visit.see('sign-in', '[name=password]')
  await page.click('a[href*="register"]')

  // A weak password is refused with an explanation. The other fields keep their values.
  await visit.see('registration', '[name=given_name]')
  await fillForm(page, email, 'password1')
  await page.click('#submit')
  await visit.see('registration-refused', '#password-error')
  assert.equal(await page.inputValue('[name=given_name]'), 'Ada')
  await page.fill('[name=password]', first)
  await page.click('#submit')
  await visit.see('verify', '[name=code]')

  const proof = await mail(email)
  const [code] = proof.codes
  await visit.openTab('/dev/mailbox', 'mailbox-list', '.list')
  await visit.openTab(`/dev/mailbox?id=${proof.id}`, 'mail', '#code')
  await page.fill('[name=code]', code === '000000' ? '111111' : '000000')
  await page.click('#submit')
  await visit.see('verify-refused', '#code-error')
  await page.fill('[name=code]', code)
  await page.click('#submit')

  await visit.see('consent', '#allow')
  await page.click('#allow')
  await visit.see('signed-in', '#claims')
  const claims = await page.locator('#claims').innerText()
  for (const text of [email, 'Ada', 'Lovelace']) assert.ok(claims.includes(text), `${text} in ${claims}`)
  await page.click('#refresh')
  await visit.see('refreshed', '#claims')

  await page.click('#account-menu > summary')
  await page.click('#sign-out')
  await visit.see('signed-out', '#join')
  await page.click('#sign-in')
  await visit.see('sign-in-again', '[name=password]')
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', 'not my password')
  await page.click('#submit')
  await visit.see('sign-in-refused', '[role=alert], .error')

  await page.click('a[href*="recover"]')
  await visit.see('recover', '[name=identifier]')
  await page.fill('[name=identifier]', email)
  await page.click('#submit')
  await visit.see('recover-prove', '[name=code]')
  const recovery = await mail(email, 2)
  await visit.openInOtherBrowser(recovery.links[0], recovery.codes[0])
  await page.fill('[name=code]', recovery.codes[0].toLowerCase())
  await page.fill('[name=password]', second)
  await page.click('#submit')
  await visit.see('recovered', 'a.button')
  assert.deepEqual((await mail(email, 3)).codes, [], 'a notice of the change')

  await page.click('a.button')
  await visit.see('sign-in-new-password', '[name=password]')
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', second)
  await page.click('#submit')
  await visit.see('signed-in-again', '#claims')

  await visit.goto('/oauth2/authorize?client_id=unknown', 'refused-client', 400)
  await visit.goto('/nowhere', 'not-found', 404)
}

async function fillForm(page, email, password) {
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.fill('[name=given_name]', 'Ada')
  await page.fill('[name=family_name]', 'Lovelace')
  await page.check('[name="terms.terms"]')
}
