// What only a real browser shows: a callback that redirects on to other origins, a sign-in in a popup, a second tab, a form without its
// cookie, and where a password manager finds the user name. See visit.mjs for SCREENSHOTS and LOOK.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import test from 'node:test'
import { address, issuer, mail, register } from './latchkey.mjs'
import { everyLook } from './visit.mjs'

const password = 'correct horse battery staple'
const application = process.env.APPLICATION

/** Serves a page, or redirects. */
function serve(port, answer) {
  const server = http.createServer((request, response) => {
    const { redirect, html } = answer(new URL(request.url, `http://localhost:${server.address().port}`))
    response.writeHead(redirect ? 302 : 200, redirect ? { location: redirect } : { 'content-type': 'text/html' })
    response.end(html ?? '')
  })
  test.after(() => server.close())
  return new Promise((resolve) => server.listen(port, 'localhost', () => resolve(`http://localhost:${server.address().port}`)))
}

// Three origins after ours: the callback, a hop, and the page at the end.
const end = await serve(0, () => ({ html: '<h1 id="end">The end of the chain</h1>' }))
const hop = await serve(0, () => ({ redirect: `${end}/end` }))
await serve(Number(new URL(application).port), (url) => {
  if (url.pathname === '/opener') return { html: opener() }
  if (url.searchParams.get('state') === 'popup') {
    return { html: '<script>opener.postMessage(location.search, location.origin); close()</script>' }
  }
  return { redirect: `${hop}/hop` }
})

function opener() {
  return `<button id="open">Sign in</button><p id="answer"></p><script>
    addEventListener('message', (event) => { document.getElementById('answer').textContent = event.data })
    document.getElementById('open').onclick = () => { window.popup = open(${JSON.stringify(authorize('popup'))}, 'sign-in', 'popup,width=400,height=600') }
  </script>`
}

function authorize(state, more = {}) {
  const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'demo-web',
    redirect_uri: `${application}/callback`,
    scope: 'openid email',
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  })
  return `${issuer}/oauth2/authorize?${query}`
}

async function signIn(page, email) {
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.click('#submit')
}

const withJavaScript = (look) => look.javaScriptEnabled
const one = (look) => look.width === 1280 && look.colorScheme === 'light'

everyLook('a callback redirects on to other origins', async (visit) => {
  const { page } = visit
  const email = address('chain')
  await register(email, password)
  await page.goto(authorize('chain'))
  await signIn(page, email)
  await visit.see('consent', '#allow')
  await page.click('#allow')
  await page.waitForSelector('#end')
  assert.equal(new URL(page.url()).origin, end)
  // Without a consent page between, the form of the sign-in page leads there.
  await page.goto(authorize('chain', { prompt: 'login' }))
  await signIn(page, email)
  await page.waitForSelector('#allow, #end')
  if (await page.locator('#allow').count()) await page.click('#allow')
  await page.waitForSelector('#end')
  // A refusal goes there, too, and so does a form that submits itself.
  await page.goto(authorize('chain', { prompt: 'consent' }))
  await page.click('#deny')
  await page.waitForSelector('#end')
  await page.goto(authorize('chain', { response_mode: 'form_post', prompt: 'consent' }))
  await page.click('#allow')
  if (!visit.look.javaScriptEnabled) await page.click('#submit')
  await page.waitForSelector('#end')
}, one)

everyLook('a registration ends at a callback that redirects on', async (visit) => {
  const { page } = visit
  const email = address('joins')
  await page.goto(authorize('chain'))
  await page.click('a[href*="register"]')
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await page.fill('[name=given_name]', 'Ada')
  await page.fill('[name=family_name]', 'Lovelace')
  await page.check('[name="terms.terms"]')
  await page.click('#submit')
  await page.waitForSelector('[name=code]')
  await page.fill('[name=code]', (await mail(email)).codes[0])
  await page.click('#submit')
  await page.click('#allow')
  await page.waitForSelector('#end')
}, one)

everyLook('a sign-in in a popup answers its opener', async (visit) => {
  const { page, context } = visit
  const email = address('popup')
  await register(email, password)
  await page.goto(`${application}/opener`)
  const [popup] = await Promise.all([context.waitForEvent('page'), page.click('#open')])
  await popup.waitForSelector('[name=password]')
  assert.equal(await page.evaluate(() => window.popup.closed), false, 'the opener sees its popup')
  await signIn(popup, email)
  await popup.click('#allow')
  await page.waitForFunction(() => document.getElementById('answer').textContent.includes('code='))
}, (look) => withJavaScript(look) && one(look))

everyLook('a second tab continues when the first has signed in', async (visit) => {
  const { page, context } = visit
  const email = address('tabs')
  await register(email, password)
  const second = await context.newPage()
  await second.goto(authorize('second'))
  await second.waitForSelector('[name=password]')
  await page.goto(authorize('first'))
  await signIn(page, email)
  await visit.see('consent', '#allow')
  await page.click('#allow')
  await page.waitForSelector('#end')
  // With JavaScript the tab notices when it is looked at; without, when it is loaded again.
  if (visit.look.javaScriptEnabled) await second.evaluate(() => window.dispatchEvent(new Event('focus')))
  else await second.reload()
  await second.waitForSelector('#end')
}, one)

everyLook('a tab that shows the answer to a form continues without sending the form again', async (visit) => {
  const { page, context } = visit
  const email = address('answer')
  await register(email, password)
  const second = await context.newPage()
  await second.goto(authorize('second'))
  await second.fill('[name=identifier]', email)
  await second.fill('[name=password]', 'not the password')
  await second.click('#submit')
  await second.waitForSelector('[role=alert]')
  const posts = []
  second.on('request', (request) => { if (request.method() === 'POST') posts.push(request.url()) })
  await page.goto(authorize('first'))
  await signIn(page, email)
  await visit.see('consent', '#allow')
  await page.click('#allow')
  await page.waitForSelector('#end')
  await second.evaluate(() => window.dispatchEvent(new Event('focus')))
  await second.waitForSelector('#end')
  await second.goBack()
  await second.goForward()
  assert.deepEqual(posts, [])
}, (look) => withJavaScript(look) && one(look))

everyLook('a form without its cookie is shown again', async (visit) => {
  const { page, context } = visit
  const email = address('stale')
  await register(email, password)
  await page.goto(authorize('stale'))
  await page.fill('[name=identifier]', email)
  await page.fill('[name=password]', password)
  await context.clearCookies()
  await page.click('#submit')
  await visit.see('stale-form', '[role=alert]')
  assert.equal(await page.inputValue('[name=identifier]'), email)
  assert.equal(await page.inputValue('[name=password]'), '')
  await page.fill('[name=password]', password)
  await page.click('#submit')
  await visit.see('consent', '#allow')
  await context.clearCookies({ name: /browser/ })
  await page.click('#allow')
  await visit.see('stale-consent', '[role=alert]')
  await page.click('#allow')
  await page.waitForSelector('#end')
})

everyLook('the page for a new password names its user for password managers', async (visit) => {
  const { page } = visit
  const email = address('forgot')
  await register(email, password)
  await page.goto('/recover')
  await page.fill('[name=identifier]', email)
  await page.click('#submit')
  await visit.see('recover-prove', '[name=code]')
  assert.equal(await page.locator('input[autocomplete=username]').inputValue(), email)
  assert.equal(await page.locator('input[autocomplete=new-password]').count(), 1)
  const { links } = await mail(email, 2)
  await page.goto(links.find((link) => link.includes('/recover')))
  assert.equal(await page.locator('input[autocomplete=username]').inputValue(), email)
  await page.goto('/.well-known/change-password')
  assert.ok(page.url().includes('return_to=%2Faccount%2Fpassword'), page.url())
}, (look) => one(look) || look.width === 360)
