// A user manages their account in a browser: profile, password, two devices, change of address and its undo, applications, export,
// deletion, restoration, erasure. See visit.mjs for SCREENSHOTS and LOOK. It moves the clock, so it needs a separate gateway.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { address, issuer, mail, register } from './latchkey.mjs'
import { everyLook } from './visit.mjs'

const [first, second, third, fourth] = [
  'correct horse battery staple',
  'Tr0mbone under nine clouds',
  'seven Green bicycles sing',
  'eleven Quiet rivers bend',
]
const operator = process.env.OPERATOR

everyLook('a user and their account', journey)

async function journey(visit) {
  const { page } = visit
  const email = address('grace')
  const { sub } = await register(email, first)

  // From the storefront's menu to the profile. The sign-in returns to it.
  await visit.goto('/demo/', 'shop')
  await page.click('#sign-in')
  await signIn(visit, email, first)
  await page.click('#allow')
  await page.waitForSelector('#claims')
  await page.click('#account-menu > summary')
  await visit.see('menu', '#menu-profile')
  await page.click('#menu-profile')
  await visit.see('profile', '[name=given_name]')

  // Edit, refusal, save.
  assert.equal(await page.inputValue('[name=given_name]'), 'Ada')
  await page.fill('[name=given_name]', 'Grace <b>')
  await page.fill('[name=phone_number]', '12')
  await page.click('#submit')
  await visit.see('profile-refused', '#phone_number-error')
  assert.equal(await page.inputValue('[name=given_name]'), 'Grace <b>')
  await page.fill('[name=phone_number]', '+49 30 123456')
  await page.click('#submit')
  await visit.see('profile-saved', '.notice.good')
  assert.equal(await page.inputValue('[name=phone_number]'), '+4930123456')

  // A second device is listed and signed out.
  const phone = await visit.another('phone')
  try {
    await phone.page.goto('/account/sessions')
    await signIn(phone, email, first)
    await phone.page.waitForSelector('#sessions')
    await page.click('#nav-sessions')
    await visit.see('sessions', '#sessions')
    assert.equal(await page.locator('#sessions > li').count(), 2)
    await page.click('[name=end]')
    await visit.see('session-ended', '.notice.good')
    assert.equal(await page.locator('#sessions > li').count(), 1)
    await phone.page.goto('/account')
    await phone.page.waitForSelector('[name=password]')

    // A new password signs the other device out, too.
    await signIn(phone, email, first)
    await phone.page.waitForSelector('[name=given_name]')
    await page.click('#nav-security')
    await visit.see('security', '#history')
    await page.click('#change-password')
    await visit.see('password', '[name=new_password]')
    await page.fill('[name=password]', 'not my password')
    await page.fill('[name=new_password]', second)
    await page.click('#submit')
    await visit.see('password-refused', '#password-error')
    await page.fill('[name=password]', first)
    await page.fill('[name=new_password]', second)
    await page.click('#submit')
    await visit.see('password-changed', '.notice.good')
    await phone.page.goto('/account')
    await phone.page.waitForSelector('[name=password]')
  } finally {
    await phone.close()
  }

  // Change of address by code; the old address undoes it.
  const moved = address('hopper')
  await page.click('#change-email')
  await visit.see('email', '[name=email]')
  await page.fill('[name=email]', email)
  await page.click('#submit')
  await visit.see('email-refused', '#email-error')
  await page.fill('[name=email]', moved)
  await page.click('#submit')
  await visit.see('email-code', '[name=code]')
  const proof = await mail(moved)
  await visit.openInOtherBrowser(proof.links[0], proof.codes[0])
  await page.fill('[name=code]', proof.codes[0].toLowerCase())
  await page.click('#submit')
  await visit.see('email-changed', '.notice.good')
  const told = (await mails(email)).find((one) => one.links[0]?.includes('/account/email/undo'))
  assert.ok(told, 'the old address is told')
  const mailbox = await visit.another('mailbox')
  try {
    await mailbox.page.goto(told.links[0])
    await mailbox.see('undo', '#confirm')
    await mailbox.page.fill('[name=code]', 'AAAAAAAAAA')
    await mailbox.page.fill('[name=password]', third)
    await mailbox.page.click('#confirm')
    await mailbox.see('undo-refused', '#code-error')
    await mailbox.page.fill('[name=code]', told.codes[0].toLowerCase())
    await mailbox.page.fill('[name=password]', third)
    await mailbox.page.click('#confirm')
    await mailbox.see('undone', 'a.button')
    await mailbox.page.goto(told.links[0])
    assert.match(await mailbox.page.textContent('main'), new RegExp(email))
    await mailbox.page.goto('/account/email/undo?token=x')
    await mailbox.see('link-over', 'a.button')
  } finally {
    await mailbox.close()
  }

  // All sessions have ended. A password reset by mail returns to the requested page.
  await page.goto('/account/privacy')
  await page.waitForSelector('[name=password]')
  await page.click('a[href*="recover"]')
  await page.fill('[name=identifier]', email)
  await page.click('#submit')
  await page.waitForSelector('[name=code]')
  const recovery = await recoveryMail(email)
  await page.fill('[name=code]', recovery.codes[0])
  await page.fill('[name=password]', fourth)
  await page.click('#submit')
  await page.click('a.button')
  await signIn(visit, email, fourth)
  await visit.see('privacy', '#export')

  // Applications.
  await page.click('#nav-consents')
  await visit.see('consents', '#clients')

  // The export is downloaded and verified offline.
  await page.click('#nav-privacy')
  await page.click('#export')
  await visit.see('export', '#submit')
  await page.click('#submit')
  await visit.see('export-ready', 'a[href*="document"]')
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('a[href*="document"]')])
  await verify(await download.path())

  // An old sign-in must be repeated, and returns to the same action.
  await advance('PT6M')
  await page.goto('/account/delete')
  await visit.see('confirm-sign-in', '[name=password]')
  assert.equal(await page.inputValue('[name=identifier]'), email)
  await page.fill('[name=password]', fourth)
  await page.click('#submit')
  await visit.see('delete', '#confirm')
  await page.click('#confirm')
  await visit.see('deleted', 'h1')
  await page.goto('/account')
  await signIn(visit, email, fourth)
  await visit.see('closed-refused', '[role=alert]')

  // The account is restored by mail, then erased.
  const restoration = await restorationMail(email)
  await page.goto(restoration.links[0])
  await visit.see('restore', '#confirm')
  await page.fill('[name=code]', restoration.codes[0])
  await page.click('#confirm')
  await visit.see('restored', 'a.button')
  await page.goto('/account/delete')
  await signIn(visit, email, fourth)
  await page.click('#confirm')
  await page.waitForURL(/closed=/)
  // The local mailbox keeps no mail of an erased user.
  const { links: [late] } = await restorationMail(email)
  await advance('P31D')
  const summary = await post('/dev/run', { job: 'retention' })
  assert.ok(summary.rules.erasure.erased >= 1, JSON.stringify(summary))
  await page.goto(late)
  await visit.see('restore-over', 'a.button')

  // The address is available again, and the new account inherits nothing.
  const again = await register(email, first)
  assert.notEqual(again.sub, sub)
  await page.goto('/account')
  await signIn(visit, email, first)
  await visit.see('born-again', '[name=given_name]')
  assert.equal(await page.inputValue('[name=phone_number]'), '')
}

async function signIn(visit, email, password) {
  const { page } = visit
  await page.waitForSelector('[name=password]')
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.click('#submit')
}

async function mails(to) {
  return (await fetch(`${issuer}/dev/mailbox.json?to=${encodeURIComponent(to)}`)).json()
}

/** Waits for the newest mail that `fits`. */
async function mailThat(to, fits) {
  for (let count = 1; count < 30; count++) {
    await mail(to, count)
    const found = (await mails(to)).find(fits)
    if (found) return found
  }
  throw new Error(`no such mail to ${to}`)
}

const recoveryMail = (to) => mailThat(to, (one) => one.links[0]?.includes('/recover?flow='))

const restorationMail = (to) => mailThat(to, (one) => one.links[0]?.includes('/account/restore'))

async function post(where, body) {
  const response = await fetch(`${issuer}${where}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const answer = await response.json()
  assert.ok(response.ok, JSON.stringify(answer))
  return answer
}

const advance = (span) => post('/dev/clock', { advance: span })

/** Verifies a package as its owner would: with the published keys and no other connection. */
async function verify(file) {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-export-'))
  try {
    const keys = path.join(folder, 'jwks.json')
    writeFileSync(keys, await (await fetch(`${issuer}/.well-known/jwks.json`)).text())
    const said = execFileSync(operator, ['verify-export', file, '--jwks', keys], { encoding: 'utf8' })
    assert.match(said, /genuine|verified|valid/i)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
