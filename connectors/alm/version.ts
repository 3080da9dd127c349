import type { HttpAnswer } from '../http.ts'
import { parseJson } from './errors.ts'

interface SiteVersion {
  'site-version'?: { 'external-version'?: number | string }
}

/**
 * The server's version as it is sold, where the server tells that (`26.1`); else by the number of its build, which newer ones
 * count otherwise; undefined: neither is told.
 */
export async function versionOf(
  get: (path: string, accept: string) => Promise<HttpAnswer>,
): Promise<string | undefined> {
  const site = await get('/v2/sa/api/site-version', 'application/json')
  const told = site.status === 200 ? (parseJson(site) as SiteVersion | null | undefined) : undefined
  const sold = told?.['site-version']?.['external-version']
  if (sold !== undefined) return String(sold)
  const { text } = await get('/rest/sa/version', 'application/xml')
  const part = (name: string) => new RegExp(`<${name}[^>]*>([^<]+)<`, 'i').exec(text)?.[1]?.trim()
  const numbers = [part('MajorVersion'), part('MinorVersion')].filter((one) => one !== undefined)
  return numbers.length > 0 ? numbers.join('.') : part('SiteVersion')
}
