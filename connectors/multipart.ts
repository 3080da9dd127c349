import { randomUUID } from 'node:crypto'

export interface FormFile {
  /** Name of the part. */
  part: string
  fileName: string
  contentType: string
  /** In bytes. */
  size: number
  content(): AsyncIterable<Uint8Array>
}

export interface FormPart {
  name: string
  value: string
  /** Of a part that is a document of its own. */
  contentType?: string
  fileName?: string
}

export interface Form {
  headers: Readonly<Record<string, string>>
  /** The form's bytes, made anew at each call: nothing of the file is ever held whole. */
  body(): AsyncIterable<Uint8Array>
}

/** A multipart/form-data body with its file as the last part, of a length that is known before. */
export function multipartForm(parts: readonly FormPart[], file: FormFile): Form {
  const boundary = `----tandem-${randomUUID()}`
  const disposition = (name: string, fileName: string | undefined) =>
    `Content-Disposition: form-data; name="${quoted(name)}"${fileName === undefined ? '' : `; filename="${quoted(fileName)}"`}`
  const head = Buffer.from(
    [
      ...parts.map(
        (part) =>
          `--${boundary}\r\n${disposition(part.name, part.fileName)}\r\n${part.contentType === undefined ? '' : `Content-Type: ${part.contentType}\r\n`}\r\n${part.value}\r\n`,
      ),
      `--${boundary}\r\n${disposition(file.part, file.fileName)}\r\nContent-Type: ${file.contentType}\r\n\r\n`,
    ].join(''),
    'utf8',
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'utf8')
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + file.size + tail.length),
    },
    async *body() {
      yield head
      yield* file.content()
      yield tail
    },
  }
}

/** As browsers write names: quotes and line ends in percent form. */
function quoted(name: string): string {
  return name.replace(/"/g, '%22').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
}
