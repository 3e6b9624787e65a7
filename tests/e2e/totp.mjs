// Shared by the suites with an authenticator app: its codes, and the clock of the gateway, which they move.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { issuer } from './latchkey.mjs'

let offset = 0

/** The key that the page of the set-up shows. */
export async function keyOf(page) {
  return (await page.locator('#key').innerText()).replace(/\s/g, '')
}

/** Moves the clock of the gateway. */
export async function pass(seconds) {
  const moved = await fetch(`${issuer}/dev/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ advance: `PT${seconds}S` }),
  })
  assert.ok(moved.ok, `${moved.status} ${await moved.text()}`)
  offset += seconds
}

/** The code that an app shows for this key (RFC 6238). */
export function totp(key) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...key].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const seed = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor((Date.now() / 1000 + offset) / 30)))
  const tag = createHmac('sha1', seed).update(step).digest()
  const number = tag.readUInt32BE(tag[19] & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}
