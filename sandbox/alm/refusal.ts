/** A refusal with the status, id and title of ALM's error body. */
export class AlmRefusal extends Error {
  readonly status: number
  readonly id: string

  constructor(status: number, id: string, title: string) {
    super(title)
    this.status = status
    this.id = id
  }
}
