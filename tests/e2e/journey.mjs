// A person in a browser: demo, registration, mailed code, consent, claims, sign-out, recovery, sign-in. Narrow and wide, by day and by
// night, with and without JavaScript. SCREENSHOTS=folder keeps a picture of every page; LOOK=js-360-dark runs that one alone.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { chromium } from 'playwright-core'
import { address, issuer, mail } from './latchkey.mjs'

const screenshots = process.env.SCREENSHOTS
const [first, second] = ['correct horse battery staple', 'Tr0mbone under nine clouds']

const looks = []
for (const javaScriptEnabled of [true, false]) {
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      // One look in German: longer words, other places where lines break.
      const locale = width === 360 && colorScheme === 'dark' ? 'de-DE' : 'en-US'
      looks.push({ javaScriptEnabled, width, colorScheme, locale })
    }
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
test.after(() => browser.close())

for (const look of looks) {
  const name = `${look.javaScriptEnabled ? 'js' : 'plain'}-${look.width}-${look.colorScheme}`
  if (process.env.LOOK && process.env.LOOK !== name) continue
  test(`the whole journey: ${name}`, async (t) => {
    const visit = await Visit.open(look, name)
    t.after(() => visit.close())
    await journey(visit)
    assert.deepEqual(visit.complaints, [], 'what the browser complained of')
  })
}

async function journey(visit) {
  const { page } = visit
  const email = address('ada')

  await visit.goto('/demo/', 'shop')
  await page.click('#join')
  await visit.see('sign-in', '[name=password]')
  await page.click('a[href*="register"]')

  // A password that is too easy is refused in words; what was typed otherwise stays.
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
  await visit.aside('/dev/mailbox', 'mailbox-list', '.list')
  await visit.aside(`/dev/mailbox?id=${proof.id}`, 'mail', '#code')
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
  await visit.elsewhere(recovery.links[0], recovery.codes[0])
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

  await visit.goto('/oauth2/authorize?client_id=nobody', 'refused-client', 400)
  await visit.goto('/nowhere', 'not-found', 404)
}

async function fillForm(page, email, password) {
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.fill('[name=given_name]', 'Ada')
  await page.fill('[name=family_name]', 'Lovelace')
  await page.check('[name="terms.terms"]')
}

/** One browser window, its pictures, and what it complained of. */
class Visit {
  static async open(look, name) {
    const { width, ...options } = look
    const context = await browser.newContext({ ...options, viewport: { width, height: 800 }, baseURL: issuer })
    context.setDefaultTimeout(15_000)
    const visit = new Visit()
    Object.assign(visit, { context, name, complaints: [], pictures: 0, page: await context.newPage() })
    visit.listen(visit.page)
    return visit
  }

  /** Violations of the content security policy and errors of scripts; refused pages are no complaint. */
  listen(page) {
    page.on('pageerror', (error) => this.complaints.push(error.message))
    page.on('console', (message) => {
      const text = message.text()
      if (message.type() === 'error' && !text.includes('Failed to load resource')) this.complaints.push(text)
    })
  }

  async goto(url, picture, status = 200) {
    const response = await this.page.goto(url)
    assert.equal(response.status(), status, url)
    await this.picture(this.page, picture)
  }

  /** Waits for the page that has this element, and looks at it. */
  async see(picture, selector) {
    try {
      await this.page.waitForSelector(selector)
    } catch (error) {
      const body = await this.page.locator('body').innerText()
      throw new Error(`${picture}: no ${selector} at ${this.page.url()}:\n${body}`, { cause: error })
    }
    await this.picture(this.page, picture)
  }

  /** Another tab of the same browser. */
  async aside(url, picture, selector) {
    const page = await this.context.newPage()
    this.listen(page)
    await page.goto(url)
    await page.waitForSelector(selector)
    await this.picture(page, picture)
    await page.close()
  }

  /** The link of a mail in another browser shows the code to type where the person began, and changes nothing. */
  async elsewhere(link, code) {
    const context = await browser.newContext({ viewport: this.page.viewportSize() })
    const page = await context.newPage()
    await page.goto(link)
    const shown = (await page.locator('.shown-code').innerText()).replace(/[^0-9A-Z]/gi, '')
    assert.equal(shown.toUpperCase(), code)
    await this.picture(page, 'link-elsewhere')
    await context.close()
  }

  async picture(page, name) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(wide <= 0, `${name} is ${wide} pixels wider than the window`)
    if (!screenshots) return
    mkdirSync(screenshots, { recursive: true })
    const number = String(++this.pictures).padStart(2, '0')
    await page.screenshot({ path: path.join(screenshots, `${this.name}-${number}-${name}.png`), fullPage: true })
  }

  close() {
    return this.context.close()
  }
}
