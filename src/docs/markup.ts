/** HTML that escapes whatever is put into it, and the little Markdown that descriptions use. */

export interface Html {
  readonly html: string
}

type Part = string | number | Html | readonly Html[]

/** A template: texts are escaped, pieces of HTML are not. */
export function html (strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: strings.map((text, index) => text + (index < parts.length ? render(parts[index] ?? '') : '')).join('') }
}

function render (part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part))
  return 'html' in part ? part.html : part.map((each) => each.html).join('\n')
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

export const nothing: Html = { html: '' }

/** Paragraphs, with `code` and [links](url) in them. */
export function paragraphs (markdown: string): Html {
  return html`${markdown.split('\n\n').map((text) => html`<p>${inline(text)}</p>`)}`
}

export function inline (markdown: string): Html {
  const withCode = escape(markdown).replace(/`([^`]+)`/g, '<code>$1</code>')
  return { html: withCode.replace(/\[([^\]]+)\]\((#[\w-]+|https:[^)\s]+)\)/g, '<a href="$2">$1</a>') }
}

/** JSON, indented, its names and its other values told apart by colour. */
export function json (value: unknown): Html {
  const text = escape(JSON.stringify(value, null, 2))
  const coloured = text.replace(/(&quot;(?:(?!&quot;).)*&quot;)(:)|(&quot;(?:(?!&quot;).)*&quot;)|\b(true|false|null|-?\d+(?:\.\d+)?)\b/g, (whole, name?: string, colon?: string, string?: string) => {
    if (name !== undefined) return `<span class="name">${name}</span>${colon ?? ''}`
    return `<span class="${string === undefined ? 'literal' : 'text'}">${whole}</span>`
  })
  return { html: coloured }
}
