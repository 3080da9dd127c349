ALTER TABLE "pairs" ADD COLUMN "waits_for_person" boolean GENERATED ALWAYS AS (jsonb_path_exists(base, '$.*.gap')) STORED;--> statement-breakpoint
ALTER TABLE "pairs" ADD COLUMN "knows_files" boolean GENERATED ALWAYS AS (jsonb_path_exists(base, '$.*.files[*]')) STORED;--> statement-breakpoint
ALTER TABLE "pairs" ADD COLUMN "knows_comments" boolean GENERATED ALWAYS AS (jsonb_path_exists(base, '$.*.listed.*[*]')) STORED;--> statement-breakpoint
CREATE INDEX "pairs_waiting_for_person" ON "pairs" USING btree ("endpoint_pair_id","entity_type") WHERE waits_for_person;--> statement-breakpoint
CREATE INDEX "pairs_knowing_files" ON "pairs" USING btree ("endpoint_pair_id","entity_type") WHERE knows_files;--> statement-breakpoint
CREATE INDEX "pairs_knowing_comments" ON "pairs" USING btree ("endpoint_pair_id","entity_type") WHERE knows_comments;--> statement-breakpoint
CREATE INDEX "records_resting" ON "records" USING btree ("pair_id") WHERE decision is not null;