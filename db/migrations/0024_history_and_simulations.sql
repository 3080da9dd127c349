CREATE TABLE "simulations" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"link_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"summary" jsonb NOT NULL,
	"real_run_id" uuid,
	"score" jsonb,
	"finished_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "simulated_items" ADD COLUMN "key" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "simulated_items" ADD COLUMN "real" jsonb;--> statement-breakpoint
ALTER TABLE "simulations" ADD CONSTRAINT "simulations_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "simulations_link" ON "simulations" USING btree ("link_id","finished_at");--> statement-breakpoint
CREATE UNIQUE INDEX "simulations_real" ON "simulations" USING btree ("real_run_id");--> statement-breakpoint
CREATE INDEX "issues_unresolved" ON "issues" USING btree ("link_id","last_seen","id") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "issues_run" ON "issues" USING btree ("last_run_id","last_seen","id");--> statement-breakpoint
CREATE INDEX "simulated_items_key" ON "simulated_items" USING btree ("run_id","key");--> statement-breakpoint
CREATE INDEX "watch_hours_hour" ON "watch_hours" USING brin ("hour");