CREATE TABLE "batch_slots" (
	"token" uuid PRIMARY KEY NOT NULL,
	"link_id" uuid NOT NULL,
	"left_id" uuid NOT NULL,
	"right_id" uuid NOT NULL,
	"until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "batch_turns" (
	"link_id" uuid PRIMARY KEY NOT NULL,
	"left_id" uuid NOT NULL,
	"right_id" uuid NOT NULL,
	"asked" boolean DEFAULT false NOT NULL,
	"granted_at" timestamp with time zone,
	"waiting_since" timestamp with time zone,
	"seen_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"one" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"endpoint_batches" integer NOT NULL,
	"max_batches" integer
);
--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "max_batches" integer;--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "throttled_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "throttled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "throttle_halvings" integer DEFAULT 0 NOT NULL;