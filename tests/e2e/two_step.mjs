// A user turns on two-step sign-in, keeps the recovery codes, signs in with password and code, replaces the app and removes it. All of it works
// without JavaScript. See visit.mjs for SCREENSHOTS and LOOK. It moves the clock, so it needs a separate gateway.

import assert from 'node:assert/strict'
import { address, issuer, mail, register } from './latchkey.mjs'
import { keyOf, pass, totp } from './totp.mjs'
import { everyLook } from './visit.mjs'

const password = 'correct horse battery staple'

everyLook('two-step sign-in', journey)

async function journey(visit) {
  const { page } = visit
  const email = address('hedy')
  await register(email, password)

  // From the security page to the set-up. The first factor takes a code from the mailbox.
  await page.goto('/account/security')
  await signIn(page, email)
  await visit.see('security-off', '#two-step')
  await page.click('#two-step')
  await visit.see('two-step-off', '#add-app')
  await page.click('#add-app')
  await visit.see('set-up-first', '#submit')
  await page.click('#submit')
  await visit.see('set-up-mail', '[name=mail_code]')
  await page.fill('[name=mail_code]', 'AAAA AAAA AA')
  await page.click('#submit')
  await visit.see('set-up-mail-refused', '#mail_code-error')
  await page.fill('[name=mail_code]', (await mail(email)).codes[0])
  await page.click('#submit')
  await visit.see('set-up', '.qr svg')

  // The key beside the picture is that of the link behind it.
  const key = await keyOf(page)
  const link = new URL(await page.getAttribute('#open-app', 'href'))
  assert.equal(link.searchParams.get('secret'), key)
  assert.equal(link.searchParams.get('issuer'), 'Latchkey Demo')
  assert.ok(decodeURIComponent(link.pathname).endsWith(`Latchkey Demo:${email}`), link.pathname)
  await page.fill('[name=code]', '000000')
  await page.click('#submit')
  await visit.see('set-up-refused', '#code-error')
  assert.equal(await keyOf(page), key)
  await page.fill('[name=code]', totp(key))
  await page.click('#submit')

  // Ten codes, as a list and as a file. One of them shows that they were kept.
  await visit.see('codes', '#codes')
  const codes = await page.locator('#codes code').allInnerTexts()
  assert.equal(codes.length, 10)
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')])
  assert.equal(download.suggestedFilename(), 'recovery-codes.txt')
  assert.equal(await page.isVisible('#print'), visit.look.javaScriptEnabled)
  await page.fill('[name=code]', '0000-0000-0000-0000')
  await page.click('#submit')
  await visit.see('codes-refused', '#code-error')
  await page.fill('[name=code]', codes[4].toLowerCase())
  await page.click('#submit')
  await visit.see('two-step-on', '.notice.good')
  await page.click('#nav-security')
  await visit.see('security-on', '#history')

  // Another browser signs in with the password and a code, and once with a recovery code.
  await pass(30)
  const other = await visit.another('other')
  try {
    await other.page.goto('/account/security')
    await signIn(other.page, email)
    await other.see('second-step', '[name=code]')
    // The choice is not made for the user. With it the next sign-in there asks for no code, until the device is forgotten.
    assert.equal(await other.page.isChecked('#remember_device'), false)
    await other.page.check('#remember_device')
    await other.page.fill('[name=code]', totp(key))
    await other.page.click('#submit')
    await other.see('security-remembered', '#remembered')
    await signOut(other)
    await other.page.goto('/account/two-step')
    await signIn(other.page, email)
    await other.see('remembered', '#remembered')
    assert.equal(await other.page.locator('#remembered li').count(), 1)
    await other.page.click('#forget-1')
    await other.see('forgotten', '.notice.good')
    assert.equal(await other.page.isVisible('#remembered'), false)
    await signOut(other)
    await other.page.goto('/account/security')
    await signIn(other.page, email)
    await other.page.waitForSelector('[name=code]')
  } finally {
    await other.close()
  }

  // Another app, new codes, and the removal.
  await page.goto('/account/two-step')
  await page.click('#replace-app')
  await visit.see('replace', '#submit')
  await page.click('#submit')
  await visit.see('replace-set-up', '.qr svg')
  const next = await keyOf(page)
  assert.notEqual(next, key)
  await page.fill('[name=code]', totp(next))
  await page.click('#submit')
  await visit.see('replaced', '.notice.good')
  await page.click('#new-codes')
  await visit.see('new-codes', '#end_others')
  await page.goto('/account/two-step')
  await page.click('#remove-app')
  await visit.see('remove', '#submit')
  await page.click('#submit')
  await visit.see('removed', '.notice.good')
  assert.ok(await page.isVisible('#add-app'))
  const subjects = (await (await fetch(`${issuer}/dev/mailbox.json?to=${encodeURIComponent(email)}`)).json()).map((one) => one.subject)
  assert.ok(subjects.some((subject) => subject.includes('Two-step sign-in is on')), subjects.join())
}

/** As after some days: the session is over, and the cookie of the device stays. */
async function signOut({ page }) {
  const cookies = (await page.context().cookies()).filter((cookie) => !cookie.name.endsWith('lk-session'))
  await page.context().clearCookies()
  await page.context().addCookies(cookies)
}

async function signIn(page, email) {
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.click('#submit')
}
