-- One statement: each would write the table anew.
ALTER TABLE "pairs"
	ADD COLUMN "waits_for_person" boolean GENERATED ALWAYS AS (jsonb_path_exists(base, '$.*.gap')) STORED,
	ADD COLUMN "knows_files" boolean GENERATED ALWAYS AS (jsonb_path_exists(base, '$.*.files[*]')) STORED,
	ADD COLUMN "knows_comments" boolean GENERATED ALWAYS AS (jsonb_path_exists(base, '$.*.listed.*[*]')) STORED;--> statement-breakpoint
CREATE INDEX "pairs_waiting_for_person" ON "pairs" USING btree ("endpoint_pair_id","entity_type") WHERE waits_for_person;--> statement-breakpoint
CREATE INDEX "pairs_knowing_files" ON "pairs" USING btree ("endpoint_pair_id","entity_type") WHERE knows_files;--> statement-breakpoint
CREATE INDEX "pairs_knowing_comments" ON "pairs" USING btree ("endpoint_pair_id","entity_type") WHERE knows_comments;--> statement-breakpoint
CREATE INDEX "records_resting" ON "records" USING btree ("pair_id") WHERE decision is not null;--> statement-breakpoint
-- So far a field that was left open for a person when its record was created had no base: only the issue tells.
INSERT INTO "pending" ("link_id", "side", "external_id", "reason")
SELECT DISTINCT i."link_id", 'left', p."left_id", 'configuration' FROM "issues" i
JOIN "pairs" p ON i."key" = 'pair:' || p."id"
WHERE i."resolved_at" IS NULL AND i."code" = 'user-gap' AND NOT jsonb_exists(p."base", i."mapping_id")
ON CONFLICT DO NOTHING;
