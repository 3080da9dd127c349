ALTER TABLE "pending" ADD COLUMN "queued_parts" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "comments_count" bigint;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "comments_highest" text;