import { isBlock, preservedText } from './build.ts'
import { isRichText, type RichNode, serializeTree } from './tree.ts'

/** The lines that a tree shows, each block on lines of its own, hard blanks as blanks. */
export function plainText(nodes: readonly RichNode[]): string {
  const lines: string[] = []
  let line: string[] | null = null
  const add = (text: string) => {
    line ??= []
    line.push(text)
  }
  const end = () => {
    if (line !== null)
      lines.push(
        line
          .join('')
          .replace(/\u00a0/g, ' ')
          .trimEnd(),
      )
    line = null
  }
  const visit = (list: readonly RichNode[], verbatim: boolean): void => {
    for (const node of list) {
      if (isRichText(node)) {
        const [first = '', ...more] = verbatim ? node.text.split('\n') : [node.text]
        add(first)
        for (const next of more) {
          end()
          add(next)
        }
        continue
      }
      if (node.tag === 'br') {
        add('')
        end()
        continue
      }
      const block = isBlock(node)
      if (block) end()
      visit(node.children, verbatim || node.tag === 'pre')
      if (block) end()
    }
  }
  visit(nodes, false)
  end()
  return lines.join('\n')
}

/** Plain text as a canonical text that shows the same lines and blanks: a paragraph a line. */
export function fromPlainText(text: string): string {
  return text
    .split(/\r\n?|\n/)
    .map((line) => {
      const children = line.trim() === '' ? [{ text: '\u00a0' }] : preservedText(line)
      return serializeTree([{ tag: 'p', attributes: [], children }])
    })
    .join('')
}
