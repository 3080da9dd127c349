import { isGrpcServiceError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { refusalOf } from './temporal.ts'

const grpc = (code: number) => Object.assign(new Error(`gRPC ${code}`), { code, details: '', metadata: {} })

describe('a call that Temporal did not answer', () => {
  const late = () => new WorkflowUpdateRPCTimeoutOrCancelledError('Deadline exceeded')

  it('is a refusal that may be sent again, whether or not Temporal answers right afterwards', () => {
    expect(refusalOf(late(), true)).toMatchObject({ status: 504, code: 'no-worker' })
    expect(refusalOf(late(), false)).toMatchObject({ status: 503, code: 'temporal-down' })
  })

  it('is one as well by any code of gRPC that tells of no answer; other errors stay what they are', () => {
    for (const code of [1, 4, 14]) {
      expect(isGrpcServiceError(grpc(code))).toBe(true)
      for (const isUp of [true, false])
        expect(refusalOf(grpc(code), isUp)).toMatchObject({ status: 503, code: 'temporal-down' })
    }
    expect(refusalOf(grpc(8), true)).toMatchObject({ status: 503, code: 'busy' })
    const unforeseen = grpc(3)
    expect(refusalOf(unforeseen, true)).toBe(unforeseen)
  })
})
