CREATE TABLE "braked_writes" (
	"link_id" uuid NOT NULL,
	"key" text NOT NULL,
	"action" text NOT NULL,
	"side" text NOT NULL,
	"run_id" uuid NOT NULL,
	CONSTRAINT "braked_writes_link_id_key_action_side_pk" PRIMARY KEY("link_id","key","action","side")
);
--> statement-breakpoint
CREATE TABLE "brakes" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"link_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"run_id" uuid,
	"side" text,
	"absent" integer DEFAULT 0 NOT NULL,
	"allowed" integer NOT NULL,
	"pairs" integer NOT NULL,
	"first_run" boolean DEFAULT false NOT NULL,
	"opened_at" timestamp with time zone DEFAULT now() NOT NULL,
	"approved_at" timestamp with time zone,
	"approved_by" text,
	"approval_reason" text,
	"approved_count" integer,
	"used_up_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "records" ADD COLUMN "created" text;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "highest_id" bigint;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "restored_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "restored_message" text;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "accepted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "brake" jsonb;--> statement-breakpoint
ALTER TABLE "braked_writes" ADD CONSTRAINT "braked_writes_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "brakes" ADD CONSTRAINT "brakes_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "brakes_open" ON "brakes" USING btree ("link_id","kind") WHERE approved_at is null;