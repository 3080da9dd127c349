ALTER TABLE "conflicts" DROP CONSTRAINT "conflicts_open";--> statement-breakpoint
ALTER TABLE "conflicts" ALTER COLUMN "resolution" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "kind" text DEFAULT 'both-changed' NOT NULL;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "base" jsonb;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "left_value" jsonb;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "right_value" jsonb;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "left_hash" text NOT NULL;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "right_hash" text NOT NULL;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "last_seen" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "decision" jsonb;--> statement-breakpoint
ALTER TABLE "conflicts" ADD COLUMN "decided_at" timestamp with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "conflicts_open" ON "conflicts" USING btree ("pair_id","mapping_id") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "conflicts_link" ON "conflicts" USING btree ("link_id","first_seen","id");