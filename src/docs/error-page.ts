/** The page that every `error_uri` leads to: what each error means, why it is answered and what to change. Also as Markdown. */
import { errorTable, isErrorCode, type ErrorCode, type ErrorFacts } from '../oauth/errors.ts'
import { errorCauses, type ErrorCause } from './error-causes.ts'
import { pageOf } from './layout.ts'
import { html, inline, type Html } from './markup.ts'

interface ErrorSection extends ErrorFacts {
  readonly code: ErrorCode
  readonly causes: readonly ErrorCause[]
}

const sections: readonly ErrorSection[] = Object.keys(errorTable).filter(isErrorCode).map((code) => ({ code, ...errorTable[code], causes: errorCauses[code] }))

export function renderErrorPage (base: string): string {
  const content = html`
  <h1>Errors</h1>
  <p class="lead">Every refusal is JSON with <code>error</code>, <code>error_description</code> and a link to here. The answer's
  <code>X-Request-Id</code> lets the operator find the cause in the log.</p>
${sections.map(sectionOf)}`
  return pageOf({ title: 'Errors of this authorization server', base, content })
}

function sectionOf ({ code, status, source, meaning, cure, causes }: ErrorSection): Html {
  return html`
  <section id="${code}">
    <h2><a href="#${code}">${code}</a></h2>
    <p class="soft">HTTP ${status} · ${source}</p>
    <p>${meaning}</p>
    <p><strong>What to do:</strong> ${cure}</p>
    <dl>${causes.map(({ says = [], why, cure: remedy }) => html`
      <div>
        <dt><span>${inline(why)}</span></dt>
        <dd><p>${inline(remedy)}</p>${says.map((text) => html`<p><code>${text}</code></p>`)}</dd>
      </div>`)}
    </dl>
  </section>`
}

/** docs/errors.md: the same, with the same anchors. */
export function renderErrorDocument (): string {
  return `# Errors

<!-- Made by npm run errors, of src/oauth/errors.ts and src/docs/error-causes.ts. -->

Every refusal is JSON with \`error\`, \`error_description\` (one sentence that says what to change) and \`error_uri\`, which
leads to this page as the server itself serves it, at \`<ISSUER>/docs/errors\`. Where several causes have the same
answer, an attacker could learn something from the difference; the operator finds the cause in the log, under the
\`X-Request-Id\` of the answer. In the tables \`…\` stands for what differs.

${sections.map(({ code }) => `- [\`${code}\`](#${code})`).join('\n')}
${sections.map(markdownOf).join('')}`
}

function markdownOf ({ code, status, source, meaning, cure, causes }: ErrorSection): string {
  const rows = causes.map(({ says = [], why, cure: remedy }) => {
    const quoted = says.map((text) => `<br>“${text.replaceAll('|', '\\|')}”`).join('')
    return `| ${why}${quoted} | ${remedy} |`
  })
  return `
## ${code}

HTTP ${status}, ${source}. ${meaning}

${cure}

| Cause | What to do |
|---|---|
${rows.join('\n')}
`
}
