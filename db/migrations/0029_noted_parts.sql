ALTER TABLE "scan_positions" ADD COLUMN "files_noted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "comments_noted_at" timestamp with time zone;