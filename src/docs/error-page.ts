/** The page that every `error_uri` leads to: what each error means and what to change. */
import { errorTable } from '../oauth/errors.ts'
import { pageOf } from './layout.ts'
import { html } from './markup.ts'

export function renderErrorPage (base: string): string {
  const sections = Object.entries(errorTable).map(([code, { status, source, meaning, cure }]) => html`
  <section id="${code}">
    <h2><a href="#${code}">${code}</a></h2>
    <p class="soft">HTTP ${status} · ${source}</p>
    <p>${meaning}</p>
    <p><strong>What to do:</strong> ${cure}</p>
  </section>`)
  const content = html`
  <h1>Errors</h1>
  <p class="lead">Every refusal is JSON with <code>error</code>, <code>error_description</code> and a link to here. The answer's
  <code>X-Request-Id</code> lets the operator find the cause in the log.</p>
${sections}`
  return pageOf({ title: 'Errors of this authorization server', base, content })
}
