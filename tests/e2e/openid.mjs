// Unmodified openid-client against the running gateway over TLS, with all checks of a relying party.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { address, Browser, issuer, register } from './latchkey.mjs'

const password = 'correct horse battery staple'
const web = { id: 'demo-web', redirect: 'http://localhost:3000/callback' }
const webConfig = () => oidc.discovery(new URL(issuer), web.id, undefined, oidc.ClientSecretBasic('demo-web-secret'))
const appConfig = () => oidc.discovery(new URL(issuer), 'demo-app', undefined, oidc.None())
const serviceConfig = () =>
  oidc.discovery(new URL(issuer), 'demo-service', undefined, oidc.ClientSecretBasic('demo-service-secret'))

/** A registered user with a browser. */
async function newUser() {
  const email = address('ada')
  return { email, browser: new Browser(), ...(await register(email, password)) }
}

/** Signs a user in, from the authorization endpoint to the redirect with the code. */
async function authorize(config, { browser, email }, parameters) {
  let page = await browser.open(oidc.buildAuthorizationUrl(config, parameters))
  if (!page.left && page.html.includes('name="identifier"')) {
    page = await browser.submit(page, 'submit', { identifier: email, password })
  }
  if (!page.left && page.html.includes('id="allow"')) page = await browser.submit(page, 'allow')
  assert.ok(page.left, `stayed at ${page.url} with ${page.status}: ${page.html?.slice(0, 500)}`)
  return page.left
}

/** The code flow with PKCE, state and nonce; openid-client checks `iss`, state, nonce, signature, `at_hash` and times. */
async function signIn(config, someone, redirect_uri, scope, more = {}) {
  const verifier = oidc.randomPKCECodeVerifier()
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
  const code_challenge = await oidc.calculatePKCECodeChallenge(verifier)
  const parameters = { redirect_uri, scope, state, nonce, code_challenge, code_challenge_method: 'S256', ...more }
  const response = await authorize(config, someone, parameters)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return oidc.authorizationCodeGrant(config, response, checks)
}

test('discovery names this issuer and its features', async () => {
  const metadata = (await webConfig()).serverMetadata()
  assert.equal(metadata.issuer, issuer)
  assert.equal(metadata.authorization_response_iss_parameter_supported, true)
  assert.deepEqual(metadata.response_types_supported, ['code'])
  assert.deepEqual(metadata.code_challenge_methods_supported, ['S256'])
  const oauth2 = await oidc.discovery(new URL(issuer), 'demo-app', undefined, oidc.None(), { algorithm: 'oauth2' })
  assert.equal(oauth2.serverMetadata().token_endpoint, metadata.token_endpoint)
})

test('a confidential client signs a user in, reads userinfo, refreshes, introspects and revokes', async () => {
  const config = await webConfig()
  const ada = await newUser()
  const tokens = await signIn(config, ada, web.redirect, 'openid profile email offline_access')
  const claims = tokens.claims()
  assert.equal(claims.sub, ada.sub)
  assert.deepEqual(claims.amr, ['pwd'])

  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.deepEqual(
    [userinfo.email, userinfo.email_verified, userinfo.given_name, userinfo.family_name],
    [ada.email, true, 'Ada', 'Lovelace'],
  )

  const active = await oidc.tokenIntrospection(config, tokens.access_token)
  assert.deepEqual([active.active, active.client_id, active.sub], [true, web.id, ada.sub])

  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
  // After a lost response a retry with the same token returns the same child.
  const again = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(again.refresh_token, refreshed.refresh_token)
  const next = await oidc.refreshTokenGrant(config, refreshed.refresh_token)

  await oidc.tokenRevocation(config, next.refresh_token)
  await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' })
  assert.equal((await oidc.tokenIntrospection(config, next.access_token)).active, false)
})

test('a public client uses PKCE alone, and its access token is a JWT that a resource server verifies', async () => {
  const config = await appConfig()
  const ada = await newUser()
  const tokens = await signIn(config, ada, `${issuer}/demo/callback`, 'openid email', {})
  const request = new Request('https://api.example.com/', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(config.serverMetadata(), request, issuer)
  assert.deepEqual([claims.sub, claims.client_id, claims.scope], [ada.sub, 'demo-app', 'email openid'])
})

test('a code works once; a second use revokes the tokens of the first one', async () => {
  const config = await webConfig()
  const ada = await newUser()
  const verifier = oidc.randomPKCECodeVerifier()
  const code_challenge = await oidc.calculatePKCECodeChallenge(verifier)
  const parameters = { redirect_uri: web.redirect, scope: 'openid offline_access', code_challenge, code_challenge_method: 'S256' }
  const response = await authorize(config, ada, parameters)
  const tokens = await oidc.authorizationCodeGrant(config, response, { pkceCodeVerifier: verifier })
  await assert.rejects(oidc.authorizationCodeGrant(config, response, { pkceCodeVerifier: verifier }), { error: 'invalid_grant' })
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })
})

test('a service gets a token for itself, without data of a user', async () => {
  const config = await serviceConfig()
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'orders.read', resource: 'https://orders.example.com' })
  assert.deepEqual([tokens.refresh_token, tokens.id_token, tokens.scope], [undefined, undefined, 'orders.read'])
  const request = new Request('https://orders.example.com/', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(config.serverMetadata(), request, 'https://orders.example.com')
  assert.deepEqual([claims.sub, claims.client_id], ['demo-service', 'demo-service'])
  await oidc.tokenRevocation(config, tokens.access_token)
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false)
})

test('a sign-out ends the session and its tokens, and returns with state', async () => {
  const config = await webConfig()
  const ada = await newUser()
  const tokens = await signIn(config, ada, web.redirect, 'openid')
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: 'http://localhost:3000/',
    state: 'back',
  })
  let page = await ada.browser.open(url)
  if (!page.left) page = await ada.browser.submit(page, 'confirm')
  assert.equal(page.left.href, 'http://localhost:3000/?state=back')
  const silent = await authorize(config, ada, {
    redirect_uri: web.redirect,
    scope: 'openid',
    prompt: 'none',
    code_challenge: createHash('sha256').update('x').digest('base64url'),
    code_challenge_method: 'S256',
  })
  assert.equal(silent.searchParams.get('error'), 'login_required')
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false)
})

test('a code of one client is refused to another, and a wrong secret to every client', async () => {
  const config = await webConfig()
  const ada = await newUser()
  const verifier = oidc.randomPKCECodeVerifier()
  const code_challenge = await oidc.calculatePKCECodeChallenge(verifier)
  const parameters = { redirect_uri: web.redirect, scope: 'openid', code_challenge, code_challenge_method: 'S256' }
  const response = await authorize(config, ada, parameters)
  const other = await appConfig()
  await assert.rejects(oidc.authorizationCodeGrant(other, response, { pkceCodeVerifier: verifier }), { error: 'invalid_grant' })
  const wrong = await oidc.discovery(new URL(issuer), web.id, undefined, oidc.ClientSecretBasic('not the secret at all'))
  await assert.rejects(oidc.authorizationCodeGrant(wrong, response, { pkceCodeVerifier: verifier }), { status: 401 })
  // Neither attempt consumed the code.
  const tokens = await oidc.authorizationCodeGrant(config, response, { pkceCodeVerifier: verifier })
  assert.equal(tokens.claims().sub, ada.sub)
})
