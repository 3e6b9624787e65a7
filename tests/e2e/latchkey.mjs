// Shared by the suites: registration by JSON, the mailbox, and a browser built on fetch.

import { randomBytes } from 'node:crypto'

export const issuer = process.env.ISSUER

/** A unique address. */
export const address = (name) => `${name}-${randomBytes(5).toString('hex')}@example.com`

/** Waits for `count` mails to this address and returns the newest. */
export async function mail(to, count = 1) {
  for (let wait = 0; wait < 100; wait++) {
    const mails = await (await fetch(`${issuer}/dev/mailbox.json?to=${encodeURIComponent(to)}`)).json()
    if (mails.length >= count) return mails[0]
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`no mail number ${count} to ${to}`)
}

/** Registers a user by JSON: { sub }. */
export async function register(email, password) {
  const send = async (path, body) => {
    const response = await fetch(`${issuer}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`)
    return answer
  }
  const started = await send('/v1/registrations', {
    email,
    password,
    profile: { given_name: 'Ada', family_name: 'Lovelace' },
    terms: [{ document: 'terms', version: '1' }],
    locale: 'en',
  })
  const [code] = (await mail(email)).codes
  return send(`/v1/registrations/${started.registration_id}/verification`, { code })
}

/** A browser without JavaScript: cookies, forms, redirects within the issuer. */
export class Browser {
  #cookies = new Map()

  /** Follows redirects. At a redirect away from the issuer, or to the demo's callback, returns that address instead of a page. */
  async open(url, init = {}) {
    let [next, request] = [new URL(url, issuer), init]
    for (let hops = 0; hops < 10; hops++) {
      if (next.origin !== issuer || next.pathname === '/demo/callback') return { left: next }
      const headers = { ...request.headers, cookie: [...this.#cookies].map(([k, v]) => `${k}=${v}`).join('; ') }
      const response = await fetch(next, { ...request, headers, redirect: 'manual' })
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
        if (/max-age=0/i.test(line)) this.#cookies.delete(name)
        else this.#cookies.set(name, value)
      }
      const location = response.headers.get('location')
      if (!location) return { url: next, status: response.status, html: await response.text() }
      ;[next, request] = [new URL(location, next), {}]
    }
    throw new Error('too many redirects')
  }

  /** Fills in and submits the form with this button id. */
  submit(page, button, values = {}) {
    const forms = page.html?.match(/<form[\s\S]*?<\/form>/g) ?? []
    const form = forms.find((one) => one.includes(`id="${button}"`))
    if (!form) throw new Error(`no button #${button} at ${page.url ?? page.left} (${page.status}): ${page.html?.slice(0, 2000)}`)
    const attribute = (tag, name) => unescape(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
    const fields = new URLSearchParams()
    for (const tag of form.match(/<(?:input|button)\b[^>]*>/g)) {
      const [name, id] = [attribute(tag, 'name'), attribute(tag, 'id')]
      if (name && (!tag.startsWith('<button') || id === button)) fields.set(name, values[name] ?? attribute(tag, 'value'))
    }
    const action = new URL(attribute(form, 'action') || page.url, page.url)
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: issuer }
    return this.open(action, { method: 'POST', headers, body: fields })
  }
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex, decimal, name) =>
    name ? named[name] : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  )
}
