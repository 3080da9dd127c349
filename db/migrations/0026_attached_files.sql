ALTER TABLE "scan_positions" ADD COLUMN "files_count" bigint;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "files_highest" text;--> statement-breakpoint
-- A page of the ledger of a run goes by time.
DROP INDEX "ledger_run";--> statement-breakpoint
CREATE INDEX "ledger_run" ON "ledger" ("run_id","at","id");
