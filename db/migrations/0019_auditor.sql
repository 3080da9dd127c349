CREATE TABLE "ledger_seals" (
  "chain" text NOT NULL,
  "day" date NOT NULL,
  "seq" bigint NOT NULL,
  "rows" bigint NOT NULL,
  "seal" text NOT NULL,
  PRIMARY KEY ("chain", "day")
);
--> statement-breakpoint
CREATE TRIGGER ledger_seals_append_only BEFORE UPDATE OR DELETE ON "ledger_seals" FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
--> statement-breakpoint
CREATE TRIGGER ledger_seals_no_truncate BEFORE TRUNCATE ON "ledger_seals" FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
--> statement-breakpoint
CREATE TRIGGER ledger_entries_no_truncate BEFORE TRUNCATE ON "ledger_entries" FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
--> statement-breakpoint
CREATE FUNCTION ledger_head_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.chain = OLD.chain AND NEW.seq = OLD.seq + 1 THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the ledger is append-only';
END
$$;
--> statement-breakpoint
CREATE TRIGGER ledger_heads_forward BEFORE UPDATE OR DELETE ON "ledger_heads" FOR EACH ROW EXECUTE FUNCTION ledger_head_goes_forward();
--> statement-breakpoint
CREATE TRIGGER ledger_heads_no_truncate BEFORE TRUNCATE ON "ledger_heads" FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
--> statement-breakpoint
DO $$
DECLARE part text;
BEGIN
  FOR part IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ledger'::regclass LOOP
    EXECUTE format('CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()', part);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM current_user', part);
  END LOOP;
  REVOKE UPDATE, DELETE, TRUNCATE ON ledger, ledger_entries, ledger_seals FROM current_user;
  REVOKE DELETE, TRUNCATE ON ledger_heads FROM current_user;
END
$$;
--> statement-breakpoint
CREATE INDEX "ledger_left" ON "ledger" ("link_id", "left_id", "at", "id");
--> statement-breakpoint
CREATE INDEX "ledger_right" ON "ledger" ("link_id", "right_id", "at", "id");
--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_entries_id" ON "ledger_entries" ("id");
--> statement-breakpoint
CREATE INDEX "ledger_at" ON "ledger" ("at", "id");
