ALTER TABLE "links" ADD COLUMN "full_asked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "runs_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "full_scans_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "despite_blackout" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "runs_full" ON "runs" USING btree ("link_id","started_at") WHERE kind = 'full';