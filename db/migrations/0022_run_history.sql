CREATE TABLE "clean_ups" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	"actor" text NOT NULL,
	"days" jsonb NOT NULL,
	"removed" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "freshness" (
	"link_id" uuid NOT NULL,
	"visible_at" timestamp with time zone NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"run_id" uuid NOT NULL,
	"side" text NOT NULL,
	"left_id" text,
	"right_id" text,
	"total" bigint NOT NULL,
	"poll" bigint NOT NULL,
	"queue" bigint NOT NULL,
	"endpoint" bigint NOT NULL,
	"retry" bigint NOT NULL,
	"person" bigint NOT NULL,
	CONSTRAINT "freshness_link_id_visible_at_id_pk" PRIMARY KEY("link_id","visible_at","id")
);
--> statement-breakpoint
CREATE TABLE "run_histories" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"content" "bytea",
	"events" integer NOT NULL,
	"size" integer NOT NULL,
	"stored_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_log" (
	"run_id" uuid NOT NULL,
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "run_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"level" text NOT NULL,
	"category" text NOT NULL,
	"message" text NOT NULL,
	"items" jsonb,
	CONSTRAINT "run_log_run_id_id_pk" PRIMARY KEY("run_id","id")
);
--> statement-breakpoint
ALTER TABLE "claims" ADD COLUMN "claimed_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "pending" ADD COLUMN "edited_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "pending" ADD COLUMN "last_edited_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "pending" ADD COLUMN "waited" jsonb;--> statement-breakpoint
ALTER TABLE "pending" ADD COLUMN "accounted_to" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "phases" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "work" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "history_due_at" timestamp with time zone DEFAULT now();--> statement-breakpoint
ALTER TABLE "watch_hours" ADD COLUMN "looked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "installation" ADD COLUMN "retention" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "freshness" ADD CONSTRAINT "freshness_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "clean_ups_at" ON "clean_ups" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "freshness_visible" ON "freshness" USING btree ("visible_at");--> statement-breakpoint
CREATE INDEX "run_histories_stored" ON "run_histories" USING btree ("stored_at");--> statement-breakpoint
CREATE INDEX "run_log_at" ON "run_log" USING btree ("at");--> statement-breakpoint
CREATE INDEX "runs_history_due" ON "runs" USING btree ("history_due_at") WHERE ended_at is not null;--> statement-breakpoint
CREATE INDEX "runs_running" ON "runs" USING btree ("started_at") WHERE status = 'running';