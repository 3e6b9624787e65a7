// Starts gateways and runs the suites against them: openid-client over TLS, the guide of the README, the browser journey.
//
//   node tests/e2e/run.mjs [openid] [guide] [journey] [account] [two_step] [lost] [mail_code] [enroll] [no_password] [flows] [passkeys]     after: cargo build --workspace && npm ci --prefix tests/e2e
//
// SCREENSHOTS=folder stores the journey's screenshots. GATEWAY=file runs another binary than target/debug/latchkey-local.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.resolve(here, '../..')
const target = process.env.CARGO_TARGET_DIR ?? path.join(root, 'target')
const binary = process.env.GATEWAY ?? path.join(target, 'debug', 'latchkey-local')
const work = mkdtempSync(path.join(tmpdir(), 'latchkey-e2e-'))
const running = []

async function main(suites) {
  const all = { openid, guide, journey, account, two_step: twoStep, lost, mail_code: mailCode, enroll, no_password: noPassword, flows, passkeys }
  for (const name of suites.length > 0 ? suites : Object.keys(all)) {
    if (!all[name]) throw new Error(`no suite '${name}'; there are: ${Object.keys(all).join(', ')}`)
    await all[name]()
  }
}

/** Unmodified openid-client against an https issuer. */
async function openid() {
  const [cert, key] = [path.join(work, 'cert.pem'), path.join(work, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' })
  const issuer = await gateway('--tls-cert', cert, '--tls-key', key)
  await suite('openid.mjs', { ISSUER: issuer, NODE_EXTRA_CA_CERTS: cert })
}

/** The web application of the README, exactly as printed, driven by a browser. Only the port differs, because it may be in use. */
async function guide() {
  const port = await freePort()
  const printed = /```js\n([\s\S]*?)```/.exec(readFileSync(path.join(root, 'README.md'), 'utf8'))
  if (!printed) throw new Error('the README has no application in it')
  const config = path.join(work, 'guide.toml')
  const document = readFileSync(path.join(root, 'infra/local/latchkey.toml'), 'utf8')
  writeFileSync(config, document.replaceAll('localhost:3000', `localhost:${port}`))
  const issuer = await gateway('--config', config)
  // Placed beside node_modules, so that its import finds openid-client.
  const application = path.join(here, `.guide-${process.pid}.mjs`)
  writeFileSync(application, printed[1].replaceAll('3000', String(port)))
  try {
    await start(process.execPath, [application], { ISSUER: issuer }, /signs people in/)
    await suite('guide.mjs', { ISSUER: issuer, APPLICATION: `http://localhost:${port}` })
  } finally {
    rmSync(application)
  }
}

/** A user in a browser. */
async function journey() {
  await suite('journey.mjs', { ISSUER: await gateway() })
}

/** A user and their account, on a gateway of its own: the suite moves its clock. */
async function account() {
  const operator = process.env.OPERATOR ?? path.join(target, 'debug', 'latchkey')
  await suite('account.mjs', { ISSUER: await gateway(), OPERATOR: operator })
}

/** A user and their second factor, on a gateway of its own: the suite moves its clock. */
async function twoStep() {
  await suite('two_step.mjs', { ISSUER: await gateway('--config', withSignIn('remember_device = "P30D"')) })
}

/** A user who has lost all factors, on a gateway of its own: the suite moves its clock. */
async function lost() {
  await suite('lost.mjs', { ISSUER: await gateway('--config', withSignIn('lost_factor = "delay"')) })
}

/** A user who signs in with a mailed code. The built-in document has none. */
async function mailCode() {
  await suite('mail_code.mjs', { ISSUER: await gateway('--config', withSignIn('mail_code = true')) })
}

/** A user of a tenant that requires a second factor, on a gateway of its own: the suite moves its clock. */
async function enroll() {
  await suite('enroll.mjs', { ISSUER: await gateway('--config', withSignIn('second_factor = "required"\nsecond_factor_from = "2020-01-01"')) })
}

/** A user who registers without a password. */
async function noPassword() {
  const config = path.join(work, 'no-password.toml')
  const document = readFileSync(path.join(root, 'infra/local/latchkey.toml'), 'utf8')
  writeFileSync(config, document.replace('[registration]\n', '[registration]\npassword = "optional"\n'))
  await suite('no_password.mjs', { ISSUER: await gateway('--config', config) })
}

/** The built-in document with these lines under [sign_in]. */
function withSignIn(lines) {
  const config = path.join(work, `${lines.split(' ')[0]}.toml`)
  const document = readFileSync(path.join(root, 'infra/local/latchkey.toml'), 'utf8')
  writeFileSync(config, `${document}\n[sign_in]\n${lines}\n`)
  return config
}

/** Flows that only a real browser shows, with an application at several origins. */
async function flows() {
  const port = await freePort()
  const config = path.join(work, 'flows.toml')
  const document = readFileSync(path.join(root, 'infra/local/latchkey.toml'), 'utf8')
  writeFileSync(config, document.replaceAll('localhost:3000', `localhost:${port}`))
  await suite('flows.mjs', { ISSUER: await gateway('--config', config), APPLICATION: `http://localhost:${port}` })
}

/** Passkeys, with the virtual authenticator of the browser. */
async function passkeys() {
  await suite('passkeys.mjs', { ISSUER: await gateway() })
}

/** Starts a gateway without storage on a free port and returns its origin. */
async function gateway(...options) {
  const line = await start(binary, ['--ephemeral', '--port', '0', ...options], {}, /https?:\/\/\S+:\d+/)
  return /https?:\/\/[^\s/]+:\d+/.exec(line)[0]
}

/** Starts a process and waits for a line of its output. */
function start(command, parameters, variables, ready) {
  const child = spawn(command, parameters, { env: { ...process.env, ...variables }, stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`${path.basename(command)} ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => ready.test(line) && resolve(line))
  })
}

/** Runs a suite until it exits. */
function suite(file, variables) {
  const child = spawn(process.execPath, ['--test-reporter=spec', path.join(here, file)], { env: { ...process.env, ...variables }, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} failed`))))
  })
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject)
    server.listen(0, 'localhost', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`e2e: ${error.message}`)
  process.exitCode = 1
} finally {
  for (const child of running) child.removeAllListeners('exit').kill()
  rmSync(work, { recursive: true, force: true })
}
