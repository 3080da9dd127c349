/** The page people meet at the address of the API: where to go on. */
export function startPage(build: string, links: { temporalUi: string | null; mail: string | null }): string {
  const entry = (url: string, title: string, words: string) =>
    `<li><a href="${url}">${title}</a><span>${words}</span></li>`
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Tandem</title><style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1.5rem }
h1 { margin: 0; font-size: 1.6rem } p { color: #697586; margin: .25rem 0 2rem }
ul { list-style: none; padding: 0; margin: 0 } li { padding: .8rem 0; border-top: 1px solid #8884; display: flex; gap: 1rem }
a { flex: 0 0 12rem; font-weight: 600; color: #2563eb } span { color: #697586 }
</style></head><body>
<h1>Tandem</h1><p>Keeps work items of ALM and ALM Octane in step. Version ${build}.</p>
<ul>
${entry('/docs', 'API', 'browse and try every request')}
${entry('/openapi.json', 'OpenAPI document', 'for generators and tests')}
${entry('/api/v1/links', 'Links', 'with their status, as JSON')}
${links.temporalUi === null ? '' : entry(links.temporalUi, 'Temporal', 'histories of links and runs')}
${links.mail === null ? '' : entry(links.mail, 'Mail', 'notices that were sent')}
</ul></body></html>`
}
