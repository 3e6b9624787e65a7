// A user signs in to the web application of the README.

import assert from 'node:assert/strict'
import test from 'node:test'
import { chromium } from 'playwright-core'
import { address, register } from './latchkey.mjs'

const password = 'correct horse battery staple'

test('the application of the guide signs a user in and out', async (t) => {
  const email = address('guide')
  await register(email, password)
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
  t.after(() => browser.close())
  const page = await browser.newPage()
  await page.goto(process.env.APPLICATION)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.click('#submit')
  await page.click('#allow')
  await page.getByText('Hello Ada!').waitFor()
  await page.getByRole('link', { name: 'Sign out' }).click()
  await page.getByRole('link', { name: 'Sign in' }).waitFor()
  // The user is signed out of Latchkey, too: the next sign-in asks for the password.
  await page.getByRole('link', { name: 'Sign in' }).click()
  assert.ok(await page.locator('[name=password]').isVisible())
})
