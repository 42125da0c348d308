/** The members of a JSON Schema as a list for readers. */
import { html, inline, nothing, type Html } from './markup.ts'
import type { JsonSchema } from './openapi-types.ts'

/** @param isForm parameters are listed, not members: what may be there twice is said so, and not called a list */
export function rowsOf (schema: JsonSchema, isForm = false): Html {
  if (schema.anyOf !== undefined && schema.properties === undefined) {
    return html`${schema.anyOf.map((variant) => html`<p class="soft">${variant.title ?? ''}</p>${rowsOf(variant)}`)}`
  }
  const required = new Set(schema.required)
  const rows = Object.entries(schema.properties ?? {}).map(([name, member]) => rowOf(name, member, required.has(name), isForm))
  return rows.length === 0 ? nothing : html`<dl>${rows}</dl>`
}

function rowOf (name: string, schema: JsonSchema, isRequired: boolean, isForm: boolean): Html {
  const shown = isForm && schema.items !== undefined ? schema.items : schema
  const presence = isForm === isRequired ? html`<span class="soft${isForm ? ' required' : ''}">${isForm ? 'required' : 'not always'}</span>` : nothing
  const [example] = schema.examples ?? []
  return html`<div>
    <dt><code>${name}</code><span class="soft">${typeOf(shown)}</span>${presence}</dt>
    <dd>${schema.description === undefined ? nothing : html`<p>${inline(schema.description)}</p>`}${example === undefined ? nothing : html`<p class="example">Example: <code>${exampleText(example)}</code></p>`}${nestedRows(schema)}</dd>
  </div>`
}

function nestedRows ({ items, properties }: JsonSchema): Html {
  if (items?.properties !== undefined) return rowsOf(items)
  return properties === undefined ? nothing : rowsOf({ properties })
}

function exampleText (example: unknown): string {
  if (Array.isArray(example)) return example.map(exampleText).join(', ')
  return typeof example === 'string' ? example : JSON.stringify(example)
}

function typeOf ({ const: constant, enum: choices, anyOf, type, items }: JsonSchema): string {
  if (constant !== undefined) return `always ${JSON.stringify(constant)}`
  if (choices !== undefined) return choices.length === 1 ? `"${String(choices[0])}"` : `one of ${choices.join(', ')}`
  if (anyOf?.every((variant) => variant.const !== undefined) === true) return anyOf.map((variant) => JSON.stringify(variant.const)).join(' or ')
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ')
  if (type === 'array') return items?.properties === undefined ? `list of ${typeOf(items ?? {})}s` : 'list'
  return type ?? 'any'
}
