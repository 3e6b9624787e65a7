// A browser window for the journeys, with its variant, screenshots and errors. The variants are narrow and wide, light and dark, with
// and without JavaScript. SCREENSHOTS=folder stores a picture of every page. LOOK=js-360-dark runs this variant only.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { chromium } from 'playwright-core'
import { issuer } from './latchkey.mjs'

const screenshots = process.env.SCREENSHOTS

const looks = []
for (const javaScriptEnabled of [true, false]) {
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      // One variant in German: longer words and other line breaks.
      const locale = width === 360 && colorScheme === 'dark' ? 'de-DE' : 'en-US'
      looks.push({ javaScriptEnabled, width, colorScheme, locale })
    }
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
test.after(() => browser.close())

/** Runs this journey in each variant that `wanted` accepts. */
export function everyLook(title, journey, wanted = () => true) {
  for (const look of looks.filter(wanted)) {
    const name = `${look.javaScriptEnabled ? 'js' : 'plain'}-${look.width}-${look.colorScheme}`
    if (process.env.LOOK && process.env.LOOK !== name) continue
    test(`${title}: ${name}`, async (t) => {
      const visit = await Visit.open(look, name)
      t.after(() => visit.close())
      await journey(visit)
      assert.deepEqual(visit.errors, [], 'errors of the browser')
    })
  }
}

/** A virtual authenticator of the browser: a phone or laptop with a screen lock. */
export async function authenticator(visit, more = {}) {
  const client = await visit.context.newCDPSession(visit.page)
  await client.send('WebAuthn.enable')
  const options = {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
    ...more,
  }
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', { options })
  const send = (command, parameters) => client.send(`WebAuthn.${command}`, { authenticatorId, ...parameters })
  return { send, credentials: async () => (await send('getCredentials')).credentials }
}

/** One browser window, its screenshots and its errors. */
class Visit {
  static async open(look, name) {
    const { width, ...options } = look
    const context = await browser.newContext({ ...options, viewport: { width, height: 800 }, baseURL: issuer })
    context.setDefaultTimeout(15_000)
    const visit = new Visit()
    Object.assign(visit, { look, context, name, errors: [], pictures: 0, page: await context.newPage() })
    visit.listen(visit.page)
    return visit
  }

  /** Collects violations of the content security policy and script errors. Refused pages do not count. */
  listen(page) {
    page.on('pageerror', (error) => this.errors.push(error.message))
    page.on('console', (message) => {
      const text = message.text()
      if (message.type() === 'error' && !text.includes('Failed to load resource')) this.errors.push(text)
    })
  }

  async goto(url, picture, status = 200) {
    const response = await this.page.goto(url)
    assert.equal(response.status(), status, url)
    await this.picture(this.page, picture)
  }

  /** Waits for the page with this element and checks it. */
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
  async openTab(url, picture, selector) {
    const page = await this.context.newPage()
    this.listen(page)
    await page.goto(url)
    await page.waitForSelector(selector)
    await this.picture(page, picture)
    await page.close()
  }

  /** Another browser of the same variant, with separate cookies. */
  another(name) {
    return Visit.open(this.look, `${this.name}-${name}`)
  }

  /** A mailed link in another browser shows the code for the first browser, and changes nothing. */
  async openInOtherBrowser(link, code) {
    const context = await browser.newContext({ viewport: this.page.viewportSize() })
    const page = await context.newPage()
    await page.goto(link)
    const shown = (await page.locator('.shown-code').innerText()).replace(/[^0-9A-Z]/gi, '')
    assert.equal(shown.toUpperCase(), code)
    await this.picture(page, 'link-in-other-browser')
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
