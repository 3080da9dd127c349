import type { Content, Contents } from '../common/contents.ts'
import type { UploadRules } from '../common/uploads.ts'
import type { AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord, AlmStore, AlmWriter } from './store.ts'

/** What is to be attached to a record. */
export interface NewAttachment {
  name: string
  description?: string
  content: Content
  /** Take the place of one with the same name; without it such a name is refused. */
  override?: boolean
  refType?: 'File' | 'URL'
  /** 0: file, 1: rich content. */
  subtype?: '0' | '1'
}

/** The attachments of a project's records, each a record of its own with its content elsewhere. */
export class AlmAttachments {
  readonly #store: AlmStore
  readonly contents: Contents

  constructor(store: AlmStore, contents: Contents) {
    this.#store = store
    this.contents = contents
  }

  /** Largest content in bytes. */
  limit(): number {
    const kilobytes = Number(this.#store.switches.attachmentLimitKb)
    return kilobytes === 0 ? Number.POSITIVE_INFINITY : kilobytes * 1_024
  }

  /** What comes behind the file of a form is not heard. */
  uploadRules(): UploadRules {
    const hears: UploadRules['hears'] = (_name, { content }) => content === null
    return { contents: this.contents, limit: this.limit(), filePart: 'file', hears }
  }

  add(model: AlmTypeModel, parentId: string, wanted: NewAttachment, writer: AlmWriter, at?: string): AlmRecord {
    const { name, content, override = false, refType = 'File', subtype = '0' } = wanted
    this.#checkOpen(model, parentId, writer)
    this.#checkName(name, refType)
    this.#checkSize(content)
    const there = this.named(model, parentId, name)
    if (there !== undefined && !override) throw this.#nameTaken(name)
    const fields: AlmRecord = {
      'file-size': String(content.size),
      sha256: content.sha256,
      ...(wanted.description === undefined ? {} : { description: wanted.description }),
    }
    const trusted = { ...writer, trusted: true } as const
    const written =
      there === undefined
        ? this.#store.create(
            'attachment',
            {
              ...fields,
              name,
              'parent-id': parentId,
              'parent-type': model.name,
              'ref-type': refType,
              'ref-subtype': subtype,
            },
            trusted,
            at,
          )
        : this.#store.update('attachment', String(there.id), fields, trusted)
    this.#touch(model, parentId, writer)
    return written
  }

  /** Puts another content into an attachment. */
  replace(record: AlmRecord, content: Content, writer: AlmWriter): AlmRecord {
    const [model, parentId] = this.parentOf(record)
    this.#checkOpen(model, parentId, writer)
    this.#checkSize(content)
    const fields = { 'file-size': String(content.size), sha256: content.sha256 }
    const written = this.#store.update('attachment', String(record.id), fields, { ...writer, trusted: true })
    this.#touch(model, parentId, writer)
    return written
  }

  /** Changes name or description. */
  describe(record: AlmRecord, fields: AlmRecord, writer: AlmWriter): AlmRecord {
    const [model, parentId] = this.parentOf(record)
    this.#checkOpen(model, parentId, writer)
    if (typeof fields.name === 'string' && fields.name !== record.name) {
      this.#checkName(fields.name, String(record['ref-type']))
      const there = this.named(model, parentId, fields.name)
      if (there !== undefined && there.id !== record.id) throw this.#nameTaken(fields.name)
    }
    const written = this.#store.update('attachment', String(record.id), fields, writer)
    this.#touch(model, parentId, writer)
    return written
  }

  remove(record: AlmRecord, writer: AlmWriter): AlmRecord {
    const [model, parentId] = this.parentOf(record)
    this.#checkOpen(model, parentId, writer)
    const gone = this.#store.delete('attachment', String(record.id), writer)
    this.#touch(model, parentId, writer)
    return gone
  }

  of(model: AlmTypeModel, parentId: string): AlmRecord[] {
    return [...this.#store.indexes.attachmentsOf(model.name, parentId)].map((id) =>
      this.#store.get('attachment', String(id)),
    )
  }

  named(model: AlmTypeModel, parentId: string, name: string): AlmRecord | undefined {
    return this.of(model, parentId).find((one) => String(one.name).toLowerCase() === name.toLowerCase())
  }

  contentOf(record: AlmRecord): Content {
    return this.contents.withHash(String(record.sha256))
  }

  /** The type and id of the record that an attachment belongs to. */
  parentOf(record: AlmRecord): [AlmTypeModel, string] {
    return [this.#store.model(String(record['parent-type'])), String(record['parent-id'])]
  }

  /** The record's flag follows; what else does, the switches tell. */
  #touch(model: AlmTypeModel, parentId: string, writer: AlmWriter): void {
    const before = this.#store.get(model.name, parentId)
    const flag = model.attachments
    if (flag === undefined) return
    const after = { ...before, [flag]: this.of(model, parentId).length > 0 ? 'Y' : null }
    switch (this.#store.switches.attachmentTouches) {
      case 'modified':
        this.#store.replace(model, before, after, writer)
        return
      case 'version':
        this.#store.keep(model.name, parentId, { ...after, 'ver-stamp': String(Number(before['ver-stamp']) + 1) })
        return
      default:
        this.#store.keep(model.name, parentId, after)
    }
  }

  #checkOpen(model: AlmTypeModel, parentId: string, writer: AlmWriter): void {
    this.#store.locks.check(model.name, parentId, writer)
    this.#store.versions.check(model, parentId, writer)
  }

  #checkName(name: string, refType: string): void {
    if (name === '' || name.length > 255)
      throw new AlmRefusal(400, 'qccore.general-error', 'The name of an attachment has between 1 and 255 characters')
    if (refType === 'URL') return
    if (/[\\/:*?"<>|]/.test(name))
      throw new AlmRefusal(
        400,
        'qccore.general-error',
        `The file name '${name}' contains characters that are not allowed`,
      )
    const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase()
    if (extension !== undefined && this.#store.switches.attachmentBlocked.split(',').includes(extension))
      throw new AlmRefusal(403, 'qccore.operation-forbidden', `Files of type '${extension}' are blocked`)
  }

  #checkSize(content: Content): void {
    if (content.size > this.limit())
      throw new AlmRefusal(
        403,
        'qccore.operation-forbidden',
        `The file is larger than the maximum of ${this.#store.switches.attachmentLimitKb} KB`,
      )
  }

  #nameTaken(name: string): AlmRefusal {
    return new AlmRefusal(
      Number(this.#store.switches.existsStatus),
      'qccore.entity-already-exists',
      `An attachment with the name '${name}' already exists`,
    )
  }
}
