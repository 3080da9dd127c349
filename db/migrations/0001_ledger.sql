CREATE TABLE "ledger" (
  "id" uuid NOT NULL,
  "at" timestamptz NOT NULL DEFAULT now(),
  "entry_id" uuid NOT NULL,
  "chain" text NOT NULL,
  "position" integer NOT NULL,
  "kind" text NOT NULL CHECK (kind IN ('write', 'decision', 'command')),
  "action" text NOT NULL,
  "link_id" uuid,
  "pair_id" uuid,
  "key" text,
  "side" text,
  "left_id" text,
  "right_id" text,
  "content" jsonb NOT NULL,
  "actor" text NOT NULL,
  "bridge" text,
  "build" text,
  "version" integer,
  "run_id" uuid,
  "intent_id" uuid,
  "workflow_id" text,
  "temporal_run_id" text,
  "found_by_looking" boolean NOT NULL DEFAULT false,
  "possible_overwrite" boolean NOT NULL DEFAULT false,
  "salt" text NOT NULL,
  "row_hash" text NOT NULL,
  PRIMARY KEY ("id", "at")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
CREATE TABLE "ledger_default" PARTITION OF "ledger" DEFAULT;
--> statement-breakpoint
CREATE INDEX "ledger_link" ON "ledger" ("link_id", "at", "id");
--> statement-breakpoint
CREATE INDEX "ledger_run" ON "ledger" ("run_id");
--> statement-breakpoint
CREATE INDEX "ledger_pair" ON "ledger" ("pair_id", "at");
--> statement-breakpoint
CREATE INDEX "ledger_entry" ON "ledger" ("entry_id", "position");
--> statement-breakpoint
CREATE INDEX "ledger_intent" ON "ledger" ("intent_id");
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
  "chain" text NOT NULL,
  "seq" bigint NOT NULL,
  "id" uuid NOT NULL,
  "at" timestamptz NOT NULL,
  "previous_hash" text NOT NULL,
  "root" text NOT NULL,
  "rows" integer NOT NULL,
  "hash" text NOT NULL,
  PRIMARY KEY ("chain", "seq")
);
--> statement-breakpoint
CREATE TABLE "ledger_heads" (
  "chain" text PRIMARY KEY,
  "seq" bigint NOT NULL,
  "hash" text NOT NULL
);
--> statement-breakpoint
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only';
END
$$;
--> statement-breakpoint
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON "ledger" FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
--> statement-breakpoint
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON "ledger" FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
--> statement-breakpoint
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON "ledger_entries" FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
