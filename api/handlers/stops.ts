import { approveBrake, listBrakes } from '../../db/brakes.ts'
import { getLink } from '../../db/links.ts'
import { acceptRestored, listRestored } from '../../db/restored.ts'
import { ApiProblem, notFound } from '../problem.ts'
import type { Dependencies, Handlers } from './types.ts'

/** What a link does not do until somebody agrees. What was agreed to is due at once; the next run does it. */
export function stopHandlers({
  database,
}: Dependencies): Pick<Handlers, 'linkStops' | 'approveBrake' | 'acceptRestored'> {
  async function stopsOf(linkId: string) {
    if ((await getLink(database, linkId)) === null) throw notFound('link', linkId)
    const [brakes, restored] = await Promise.all([listBrakes(database.sql, linkId), listRestored(database, linkId)])
    return { brakes, restored }
  }

  return {
    linkStops: ({ params }) => stopsOf(params.id),

    approveBrake: async ({ params, body }, { actor }) => {
      await stopsOf(params.id)
      const { brakeId } = params
      const outcome = await approveBrake(database, { linkId: params.id, brakeId, ...body, actor })
      if (outcome === 'none') throw notFound('brake', brakeId)
      if (outcome === 'changed')
        throw new ApiProblem(409, 'brake-changed', 'More waits by now than was shown.', {
          remedy: 'Look at the brake again and approve what it holds now.',
          errors: [{ pointer: '/held', message: 'the brake holds more' }],
        })
      return stopsOf(params.id)
    },

    acceptRestored: async ({ params, body }, { actor }) => {
      await stopsOf(params.id)
      if (!(await acceptRestored(database, { linkId: params.id, ...body, actor })))
        throw new ApiProblem(409, 'not-restored', `The ${body.side} side is not stopped.`, {
          remedy: 'Look at what the link waits for.',
        })
      return stopsOf(params.id)
    },
  }
}
