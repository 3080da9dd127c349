import type { AlmAddress, Place } from '../../core/endpoint.ts'
import type { CallOptions, Connects } from '../contract.ts'
import type { HttpAnswer } from '../http.ts'
import { inOrder } from '../limiter.ts'
import { assertSuccess } from './errors.ts'

interface Site {
  name: string
  address: AlmAddress
  concurrency: number
  /** Asks for a path as XML: in JSON these lists have one form per generation of the server. */
  get(path: string, call: CallOptions): Promise<HttpAnswer>
}

/** Domains and projects that the signed-in user may open. */
export function createPlaces({ name, address, concurrency, get }: Site): Connects['places'] {
  async function names(path: string, element: string, call: CallOptions): Promise<string[]> {
    const answer = await get(path, call)
    assertSuccess(answer, name)
    return [...answer.text.matchAll(new RegExp(`<${element}\\b[^>]*?\\sName="([^"]*)"`, 'g'))].map(([, one = '']) =>
      unescapeXml(one),
    )
  }

  return async (call = {}) => {
    const domains = await names('/rest/domains', 'Domain', call)
    const found = await inOrder(domains, concurrency, async (domain): Promise<Place[]> => {
      const projects = await names(`/rest/domains/${encodeURIComponent(domain)}/projects`, 'Project', call)
      return projects.map((project) => ({ name: `${domain}/${project}`, address: { ...address, domain, project } }))
    })
    return found.flat()
  }
}

function unescapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, word?: string) =>
    word !== undefined
      ? (named[word] ?? whole)
      : String.fromCodePoint(Number.parseInt(hex ?? decimal ?? '', hex ? 16 : 10)),
  )
}
