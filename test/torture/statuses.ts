import type postgres from 'postgres'
import type { Verdict } from './verdict.ts'

const finalStatuses = ['passed', 'with-errors', 'failed', 'interrupted', 'cancelled']

/** Writes down every change of status that the database sees, by triggers, so that none between two looks is missed. */
export async function observeStatuses(sql: postgres.Sql, linkId: string) {
  await sql.unsafe(`
    create table if not exists observed_statuses (
      n bigint generated always as identity primary key, link uuid, what text, id text, before text, after text);
    create or replace function observe_link() returns trigger language plpgsql as $$ begin
      if new.activity is distinct from old.activity then
        insert into observed_statuses (link, what, id, before, after) values (new.id, 'activity', new.id, old.activity, new.activity);
      end if;
      return new;
    end $$;
    create or replace function observe_run() returns trigger language plpgsql as $$ begin
      if tg_op = 'INSERT' or new.status is distinct from old.status then
        insert into observed_statuses (link, what, id, before, after)
        values (new.link_id, 'run', new.id, case when tg_op = 'INSERT' then null else old.status end, new.status);
      end if;
      return new;
    end $$;
    create or replace trigger observe_link after update on links for each row execute function observe_link();
    create or replace trigger observe_run after insert or update on runs for each row execute function observe_run();`)
  const [start] = await sql<{ n: number }[]>`select coalesce(max(n), 0)::int as n from observed_statuses`

  /** Holds what was seen since against what may follow what; answers how many changes that were. */
  async function judge(verdict: Verdict): Promise<number> {
    const rows = await sql<{ what: string; id: string; before: string | null; after: string }[]>`
      select what, id, before, after from observed_statuses where link = ${linkId} and n > ${start?.n ?? 0} order by n`
    for (const { what, id, before, after } of rows) {
      verdict.tried('I9')
      const jump =
        what === 'activity'
          ? before !== 'idle' && after !== 'idle'
          : before === null
            ? after !== 'running' && after !== 'cancelled'
            : before !== 'running' || !finalStatuses.includes(after)
      if (jump) verdict.broken('I9', `${what} ${id} went from ${before} to ${after}`)
    }
    return rows.length
  }

  return { judge }
}
