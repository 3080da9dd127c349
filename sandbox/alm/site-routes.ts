import type { SandboxAnswer } from '../common/http.ts'
import { dataAnswer, type Encoding, methodNotAllowed, noSuchResource } from './answers.ts'

export interface SiteRequest {
  method: string
  /** Path below `/qcbin`, in decoded segments. */
  segments: readonly string[]
  query: URLSearchParams
  encoding: Encoding
  version: '12.5' | '26.1'
  /** The domains and projects that the user may open. */
  visible: readonly { domain: string; projects: readonly string[] }[]
  /** Whether JSON shows a list of one as its element. */
  collapse: boolean
  /** Whether the lists of the `rest` generation have the JSON of the flat one. */
  flatLists: boolean
}

/** What lies above the projects: version, domains and the lists of projects, in both API generations; to be read. */
export function siteRoutes(request: SiteRequest): SandboxAnswer {
  const answer = told(request)
  if (request.method !== 'GET') throw methodNotAllowed()
  return answer
}

function told(request: SiteRequest): SandboxAnswer {
  const { segments, version, query } = request
  const projectsToo = query.get('include-projects-info') === 'y'
  const [, , domain] = segments
  switch (segments.length === 4 ? `${segments[0]}/${segments[1]}/*/${segments[3]}` : segments.join('/')) {
    case 'rest/sa/version':
      return versionAnswer(request)
    case 'v2/sa/*/site-version':
      if (version === '12.5') throw noSuchResource()
      return flat({ 'site-version': { 'full-version': buildNumber, 'external-version': Number(version) } })
    case 'rest/domains':
      return domains(request, projectsToo)
    case 'rest/domains/*/projects':
      return projects(request, domain ?? '')
    case 'api/domains':
      return flat(flatDomains(request, projectsToo))
    case 'api/domains/*/projects':
      return flat(flatProjects(projectsOf(request, domain ?? '')))
    default:
      throw noSuchResource()
  }
}

/** Newer servers number their builds otherwise than they are sold. */
const buildNumber = '20.0 (Build 20.00.0.143)'

/** The version as the server numbers it: 26.1 tells its build alone. */
function versionAnswer({ version, encoding }: SiteRequest): SandboxAnswer {
  const told =
    version === '12.5'
      ? { SAVersion: { MajorVersion: '12', MinorVersion: '50', Version: version } }
      : { SiteVersion: buildNumber }
  return dataAnswer(
    200,
    encoding,
    () => told,
    () => told,
  )
}

function flatDomains({ visible }: SiteRequest, projectsToo: boolean): unknown {
  return {
    results: visible.map((one) => ({
      name: one.domain,
      ...(projectsToo ? { projects: flatProjects(one.projects) } : {}),
    })),
  }
}

function flatProjects(names: readonly string[]): unknown {
  return { results: names.map((name) => ({ name })) }
}

function domains(request: SiteRequest, projectsToo: boolean): SandboxAnswer {
  const { visible, encoding, collapse } = request
  return dataAnswer(
    200,
    encoding,
    () =>
      request.flatLists
        ? flatDomains(request, projectsToo)
        : {
            Domains: {
              Domain: list(
                visible.map((one) => ({
                  Name: one.domain,
                  ...(projectsToo ? { Projects: projectList(one.projects, collapse) } : {}),
                })),
                collapse,
              ),
            },
          },
    () => ({
      Domains: {
        Domain: visible.map((one) => ({
          '@Name': one.domain,
          ...(projectsToo ? { Projects: { Project: one.projects.map((name) => ({ '@Name': name })) } } : {}),
        })),
      },
    }),
  )
}

function projects(request: SiteRequest, domain: string): SandboxAnswer {
  const names = projectsOf(request, domain)
  return dataAnswer(
    200,
    request.encoding,
    () => (request.flatLists ? flatProjects(names) : { Projects: projectList(names, request.collapse) }),
    () => ({ Projects: { Project: names.map((name) => ({ '@Name': name })) } }),
  )
}

function projectsOf({ visible }: SiteRequest, domain: string): readonly string[] {
  return visible.find((one) => one.domain === domain)?.projects ?? []
}

function projectList(names: readonly string[], collapse: boolean): unknown {
  return {
    Project: list(
      names.map((Name) => ({ Name })),
      collapse,
    ),
  }
}

function list<T>(items: readonly T[], collapse: boolean): readonly T[] | T {
  const [only] = items
  return collapse && items.length === 1 && only !== undefined ? only : items
}

/** The flat generation of the API has JSON alone. */
function flat(body: unknown): SandboxAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json;charset=utf-8' },
    body: JSON.stringify(body),
  }
}
