import type { StyleScope } from './styles.ts'

/** What becomes of an element: kept (under one name for all that say the same), left out, or only what it holds is kept. */
export type Treatment =
  | { as: 'kept'; tag: string }
  | { as: 'unwrapped' }
  /** `loses` names content that goes with it; null: nothing that anybody wrote. */
  | { as: 'dropped'; loses: string | null }

const words = (text: string) => text.split(' ')

const kept = new Set(
  words(
    'a abbr b bdi bdo blockquote br caption cite code dd dfn div dl dt h1 h2 h3 h4 h5 h6 hr i img input kbd li mark ol p ' +
      'pre q rp rt ruby s samp small span sub sup table td tfoot th thead tr u ul var',
  ),
)

const renamed: Readonly<Record<string, string>> = {
  strong: 'b',
  em: 'i',
  strike: 's',
  del: 's',
  ins: 'u',
  tt: 'code',
  font: 'span',
  big: 'span',
  listing: 'pre',
  xmp: 'pre',
  plaintext: 'pre',
  dir: 'ul',
  menu: 'ul',
  ...Object.fromEntries(
    words(
      'address article aside center details dialog fieldset figcaption footer form header hgroup legend main nav search section summary',
    ).map((name) => [name, 'div']),
  ),
}

const dropped = new Set(
  words(
    'base basefont bgsound col colgroup datalist head link meta noembed noframes noscript param script source style template ' +
      'title track wbr xml',
  ),
)

const lost: Readonly<Record<string, string>> = {
  applet: 'an embedded object',
  audio: 'a sound',
  canvas: 'a drawing',
  embed: 'an embedded object',
  frameset: 'an embedded page',
  iframe: 'an embedded page',
  map: 'an image map',
  math: 'a formula',
  meter: 'a gauge',
  object: 'an embedded object',
  progress: 'a gauge',
  select: 'a form field',
  svg: 'a drawing',
  video: 'a video',
}

export function treatmentOf(name: string): Treatment {
  if (kept.has(name)) return { as: 'kept', tag: name }
  if (Object.hasOwn(renamed, name)) return { as: 'kept', tag: renamed[name] ?? name }
  if (dropped.has(name)) return { as: 'dropped', loses: null }
  if (Object.hasOwn(lost, name)) return { as: 'dropped', loses: lost[name] ?? null }
  return { as: 'unwrapped' }
}

const cells = new Set(['table', 'td', 'th', 'tr', 'thead', 'tfoot', 'caption'])
const inline = new Set(
  words('a abbr b bdi bdo cite code dfn i kbd mark q rt ruby s samp small span sub sup u var img input br'),
)

export function styleScopeOf(tag: string): StyleScope {
  return cells.has(tag) ? 'cell' : inline.has(tag) ? 'inline' : 'block'
}

/** Schemes of links that people use; none of them runs anything by itself. */
const linkSchemes = new Set(
  words(
    'http https mailto ftp ftps sftp tel sms sip sips callto file news notes onenote td tds alm testdirector ssh git svn ldap ldaps xmpp',
  ),
)

const dataImage = /^data:image\/(?:png|jpe?g|gif|webp|bmp|x-icon|tiff?);base64,[\w+/=%-]*$/i

/** A link's address as it may be kept; null: none. `lost` names what people would miss. */
export function cleanLink(raw: string): { url: string | null; lost: string | null } {
  const url = trimUrl(raw)
  if (url === '') return { url: null, lost: null }
  const scheme = schemeOf(url)
  if (scheme === null || scheme.length === 1 || linkSchemes.has(scheme)) return { url, lost: null }
  const active = scheme === 'javascript' || scheme === 'vbscript' || scheme === 'data' || scheme === 'blob'
  return { url: null, lost: active ? null : `a link of the kind "${scheme.slice(0, 20)}:"` }
}

/** An image's address as it may be kept; null: none. */
export function cleanImageSource(raw: string): { url: string | null; lost: string | null } {
  const url = trimUrl(raw)
  if (url === '') return { url: null, lost: null }
  const scheme = schemeOf(url)
  if (scheme === null || scheme === 'http' || scheme === 'https') return { url, lost: null }
  if (scheme === 'data') {
    const data = url.replace(/\s/g, '')
    return dataImage.test(data) ? { url: data, lost: null } : { url: null, lost: 'an embedded image of another kind' }
  }
  return { url: null, lost: "an image that only its author's computer has" }
}

/** Browsers ignore control characters and breaks within an address, and blanks around it. */
function trimUrl(raw: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return raw.replace(/[\u0000-\u001f\u007f]/g, '').trim()
}

function schemeOf(url: string): string | null {
  return /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? null
}
