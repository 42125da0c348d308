/** The style of every page. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #fff; --panel: #f5f6f8; --line: #dfe3e8; --ink: #1b1f27; --soft: #59616e; --link: #3146c4; --accent: #4259e0;
  --code: #f5f6f8; --name: #8a3b12; --text: #1c6b45; --literal: #3146c4; --good: #16704a; --bad: #b3261e; --warn: #8a5a00; --mark: #fff6d6;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1318; --panel: #171c23; --line: #2a313b; --ink: #e4e7ec; --soft: #9ba5b4; --link: #9db0ff; --accent: #8ba0ff;
    --code: #161b22; --name: #f0b48a; --text: #8fd6ae; --literal: #a9b8ff; --good: #6fd3a0; --bad: #ff9c94; --warn: #f0c368; --mark: #2c2814;
  }
}
* { box-sizing: border-box }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: break-word }
a { color: var(--link); text-underline-offset: .18em; text-decoration-thickness: .06em }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px }
code, pre, kbd { font-family: var(--mono); font-size: .875em }
p code, dd code, li code { background: var(--panel); border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere }
h1, h2, h3, h4 { line-height: 1.25; margin: 0 }
h1 { font-size: 1.9rem; letter-spacing: -.015em }
h2 { font-size: 1.4rem; letter-spacing: -.01em; margin-top: 4rem; padding-bottom: .5rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1.2rem }
h4 { font-size: .8rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); margin: 2rem 0 .6rem }
h1 a, h2 a, h3 a { color: inherit; text-decoration: none }
h2 a:hover, h3 a:hover { text-decoration: underline }
p { margin: .7rem 0 }

.bar { position: sticky; top: 0; z-index: 1; display: flex; align-items: baseline; gap: .4rem 1.5rem; padding: .8rem max(1.25rem, calc((100% - 76rem) / 2 + 1.25rem)); background: var(--ground); border-bottom: 1px solid var(--line) }
.bar nav { display: flex; gap: 1.1rem; margin-left: auto }
.bar a { text-decoration: none } .bar nav a:hover { text-decoration: underline }
.brand { font-weight: 700; font-size: 1.05rem; color: var(--ink) }
.skip { position: absolute; left: -99rem } .skip:focus { left: 1rem; top: .5rem; padding: .3rem .7rem; background: var(--ground); z-index: 2 }
main { padding: 2.2rem 1.25rem 6rem; max-width: 52rem; min-width: 0 }
main.alone { margin: 0 auto; max-width: 46rem }
.contents { padding: 1.5rem 1.25rem 0; font-size: .925rem }
.contents ul { list-style: none; margin: .15rem 0 1rem; padding: 0 }
.contents a { display: block; padding: .16rem 0; color: var(--ink); text-decoration: none } .contents a:hover { color: var(--link); text-decoration: underline }
.contents strong { font-size: .75rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft) }
@media (max-width: 61.9rem) { .contents { columns: 2; column-gap: 1.5rem; border-bottom: 1px solid var(--line); padding-bottom: .8rem } .contents > div { break-inside: avoid } }
@media (min-width: 62rem) {
  .columns { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 76rem; margin: 0 auto }
  .contents { position: sticky; top: 3.3rem; align-self: start; max-height: calc(100vh - 3.3rem); overflow-y: auto; padding: 2.2rem 1rem 2rem 1.25rem }
  main { padding: 2.2rem 2.5rem 8rem } html { scroll-padding-top: 5rem }
}

article { margin-top: 2.6rem } article + article { margin-top: 4.5rem }
article:target > h3 a { background: linear-gradient(var(--mark), var(--mark)) no-repeat; box-shadow: 0 0 0 .3rem var(--mark) }
.path { display: flex; gap: .6rem; align-items: baseline; margin: .5rem 0; font-family: var(--mono); font-size: .9rem; overflow-wrap: anywhere }
.method { flex: none; font-size: .75rem; font-weight: 700; letter-spacing: .04em; padding: .1rem .45rem; border-radius: 4px; border: 1px solid currentcolor; color: var(--good) }
.method.POST { color: var(--link) }
.status { font-family: var(--mono); font-weight: 700; color: var(--good) } .status.c3 { color: var(--soft) } .status.c4 { color: var(--bad) } .status.c5 { color: var(--warn) }
.soft { color: var(--soft) } .lead { font-size: 1.08rem }
.intro > p:first-of-type { font-size: 1.08rem }

dl { margin: 0; border-top: 1px solid var(--line) }
dl > div { padding: .7rem 0; border-bottom: 1px solid var(--line) }
dt { display: flex; flex-wrap: wrap; gap: .1rem .7rem; align-items: baseline }
dt code { font-weight: 600; overflow-wrap: anywhere } dt .soft { font-size: .85rem }
dd { margin: .2rem 0 0 } dd dl { margin: .6rem 0 .2rem 1rem; border-top: 0 } dd dl > div:last-child { border-bottom: 0 }
dd dt code { background: none; padding: 0 } dd p { margin: 0 } .example { font-size: .9rem; color: var(--soft) }
.required { color: var(--warn) !important }

pre { margin: 0; padding: .85rem 1rem; background: var(--code); border: 1px solid var(--line); border-radius: 8px; line-height: 1.55; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 2 }
.exchange { margin: .8rem 0 } .exchange pre:first-of-type { border-radius: 8px 8px 0 0 } .exchange pre + pre { border-radius: 0 0 8px 8px; border-top: 0; background: var(--ground) }
.exchange pre:only-of-type { border-radius: 8px }
.name { color: var(--name) } .text { color: var(--text) } .literal { color: var(--literal) } .variable { color: var(--name) }
details { border-bottom: 1px solid var(--line); padding: .55rem 0 } details:first-of-type { border-top: 1px solid var(--line) }
summary { cursor: pointer } summary .status { margin-right: .4rem } details[open] > summary { margin-bottom: .6rem }
details .exchange { margin-bottom: .5rem }

main.alone section { padding: 1.4rem 1rem; margin: 0 -1rem; border-top: 1px solid var(--line); border-radius: 8px }
main.alone section:target { background: var(--mark) }
main.alone h2 { font: 600 1.05rem var(--mono); margin: 0; padding: 0; border: 0 }
main.alone section p { margin: .4rem 0 }
@media print { .bar, .contents { display: none } .columns { display: block } main { max-width: none } }
`
