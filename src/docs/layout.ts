/** The frame and the style of every page: no script, nothing loaded from anywhere, readable on a phone and in the dark. */
import { createHash } from 'node:crypto'
import { errorPagePath } from '../http/error-body.ts'
import { html, type Html } from './markup.ts'
import { style } from './style.ts'

export interface Page {
  readonly title: string
  /** The path that all pages are below. */
  readonly base: string
  readonly navigation?: Html
  readonly content: Html
}

/** The style is allowed by its hash, and nothing else is. */
export const contentSecurityPolicy = [
  'default-src \'none\'', `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`, 'base-uri \'none\'', 'form-action \'none\'', 'frame-ancestors \'none\''
].join('; ')

export function pageOf ({ title, base, navigation, content }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="referrer" content="no-referrer">
  <title>${title}</title>
  <style>${{ html: style }}</style>
</head>
<body>
  <header class="bar">
    ${navigation === undefined ? [] : html`<a class="skip" href="#content">Skip to the content</a>`}
    <a class="brand" href="${base}/docs">Signet</a>
    <nav aria-label="Documentation">
      <a href="${base}/docs">API</a>
      <a href="${base}${errorPagePath}">Errors</a>
      <a href="${base}/docs/openapi.json">OpenAPI</a>
    </nav>
  </header>
  ${navigation === undefined
    ? html`<main class="alone">${content}</main>`
    : html`<div class="columns"><nav class="contents" aria-label="On this page">${navigation}</nav><main id="content">${content}</main></div>`}
</body>
</html>
`.html
}
